"""What an event does to a client's cache that may show it already."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import discord
import pytest
import zstandard

from nescord_core.bot.discordpy.arrival import Arrival
from nescord_core.bot.discordpy.delivery import Delivery
from nescord_core.envelope import Envelope
from nescord_core.payloads import payload_of
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

GUILD, TOLD_AT = 5, 10
USER = {"id": "7", "username": "ada", "discriminator": "0", "avatar": None}
ADDED = {"guild_id": str(GUILD), "user": USER, "roles": [], "flags": 0}
REMOVED = {"guild_id": str(GUILD), "user": USER}
UPDATE = {"id": str(GUILD), "name": "renamed", "owner_id": "2", "member_count": 2, "roles": []}


class Bot(discord.Client):
    """A client whose cache was told as of an event, with a guild of three."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.all(), chunk_guilds_at_startup=False)
        self.arrival = Arrival(self, lambda _shard, _count: None, self._greet)
        self.delivery = Delivery(self, self.arrival, timeout=1.0, end=lambda _: None)

    async def _greet(self, shard_id: int) -> None:
        pass

    async def begin(self) -> discord.Guild:
        await self._async_setup_hook()
        guild = {"id": str(GUILD), "name": "guild", "member_count": 3, "owner_id": "2"}
        base = zstandard.compress(json.dumps(guild).encode())
        user = {"id": "1", "username": "bot", "discriminator": "0", "avatar": None}
        await self.arrival.take(
            pb.Snapshot(
                shard_count=1,
                kept=True,
                session_id="s1",
                seq=TOLD_AT,
                ready=json.dumps({"user": user}).encode(),
                guilds=[pb.GuildPicture(guild_id=GUILD, base=base)],
                first=True,
                last=True,
                intents=discord.Intents.all().value,
            )
        )
        return self.guilds[0]

    async def bring(self, kind: str, seq: int, data: Mapping[str, Any]) -> None:
        raw = json.dumps(data).encode()
        payload = payload_of(Envelope(0, "s1", seq, kind, GUILD, GUILD, raw, time.time()), time.time())
        await self.delivery.take(payload, payload.event)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("GUILD_MEMBER_ADD", ADDED),
        ("GUILD_MEMBER_REMOVE", REMOVED),
        ("GUILD_UPDATE", UPDATE),
    ],
)
async def test_members_are_as_many_as_were_told_whatever_comes_from_before_that(
    kind: str, data: Mapping[str, Any]
) -> None:
    bot = Bot()
    guild = await bot.begin()
    await bot.bring(kind, TOLD_AT, data)
    assert guild.member_count == 3


async def test_events_after_what_was_told_count() -> None:
    bot = Bot()
    guild = await bot.begin()
    await bot.bring("GUILD_MEMBER_ADD", TOLD_AT + 1, ADDED)
    assert guild.member_count == 4
    await bot.bring("GUILD_MEMBER_REMOVE", TOLD_AT + 2, REMOVED)
    assert guild.member_count == 3
    await bot.bring("GUILD_UPDATE", TOLD_AT + 3, UPDATE)
    assert (guild.name, guild.member_count) == ("renamed", 2)
