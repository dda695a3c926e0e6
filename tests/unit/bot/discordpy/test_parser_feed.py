"""An event's effect on a client's cache, which may already include it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import discord
import msgspec
import pytest
import zstandard

from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.discordpy.client import ToldClient, shard

GUILD, TOLD_AT = 5, 10
MEMBER = {"id": "7", "username": "ada", "discriminator": "0", "avatar": None}
ADDED = {"guild_id": str(GUILD), "user": MEMBER, "roles": [], "flags": 0}
REMOVED = {"guild_id": str(GUILD), "user": MEMBER}
UPDATE = {"id": str(GUILD), "name": "renamed", "owner_id": "2", "member_count": 2, "roles": []}


async def told() -> tuple[ToldClient, discord.Guild]:
    """Return a client and its guild, which has three members."""
    client = ToldClient()
    guild = {"id": str(GUILD), "name": "guild", "member_count": 3, "owner_id": "2"}
    base = zstandard.compress(msgspec.json.encode(guild))
    await client.begin()
    await client.take(shard([pb.GuildSnapshot(guild_id=GUILD, base=base)], seq=TOLD_AT, shared=False))
    return client, client.guilds[0]


async def bring(client: ToldClient, kind: str, seq: int, data: Mapping[str, Any]) -> None:
    await client.handle(kind, seq, GUILD, msgspec.json.encode(data))


@pytest.mark.parametrize(
    ("kind", "data"),
    [("GUILD_MEMBER_ADD", ADDED), ("GUILD_MEMBER_REMOVE", REMOVED), ("GUILD_UPDATE", UPDATE)],
)
async def test_members_are_as_many_as_were_told_whatever_comes_from_before_that(
    kind: str, data: Mapping[str, Any]
) -> None:
    client, guild = await told()
    await bring(client, kind, TOLD_AT, data)
    assert guild.member_count == 3


async def test_events_after_what_was_told_count() -> None:
    client, guild = await told()
    await bring(client, "GUILD_MEMBER_ADD", TOLD_AT + 1, ADDED)
    assert guild.member_count == 4
    await bring(client, "GUILD_MEMBER_REMOVE", TOLD_AT + 2, REMOVED)
    assert guild.member_count == 3
    await bring(client, "GUILD_UPDATE", TOLD_AT + 3, UPDATE)
    assert (guild.name, guild.member_count) == ("renamed", 2)


async def test_a_guild_that_was_away_has_the_members_that_its_return_tells() -> None:
    client, guild = await told()
    away = {"id": str(GUILD), "unavailable": True}
    await bring(client, "GUILD_DELETE", TOLD_AT + 1, away)
    back = {**UPDATE, "member_count": 7, "unavailable": False}
    await bring(client, "GUILD_CREATE", TOLD_AT, back)
    assert (guild.unavailable, guild.member_count) == (False, 7)


MESSAGE: dict[str, Any] = {
    "id": "9",
    "channel_id": "8",
    "content": "!roll x",
    "author": MEMBER,
    "type": 0,
    "edited_timestamp": None,
    "timestamp": "2026-01-01T00:00:00+00:00",
    **dict.fromkeys(("pinned", "mention_everyone", "tts"), False),
    **dict.fromkeys(("attachments", "embeds", "mentions", "mention_roles"), ()),
}


async def test_an_event_is_done_when_what_its_handlers_dispatch_is() -> None:
    """discord.ext.commands dispatches command_error when the command has failed; its listener answers."""
    client = ToldClient()
    await client.begin()
    done: list[str] = []

    @client.event
    async def on_message(_message: discord.Message) -> None:
        await asyncio.sleep(0)
        client.dispatch("command_error", 1)
        done.append("on_message")

    @client.event
    async def on_command_error(_error: object) -> None:
        await asyncio.sleep(0.05)
        client.dispatch("reported")
        done.append("on_command_error")

    @client.event
    async def on_reported() -> None:
        await asyncio.sleep(0.05)
        done.append("on_reported")

    await bring(client, "MESSAGE_CREATE", 1, MESSAGE)
    assert done == ["on_message", "on_command_error", "on_reported"]


async def test_what_is_dispatched_after_an_event_does_not_prolong_it() -> None:
    client = ToldClient()
    await client.begin()
    later: list[asyncio.Task[None]] = []

    async def keep_dispatching() -> None:
        for _ in range(3):
            await asyncio.sleep(0.02)
            client.dispatch("tick")

    @client.event
    async def on_message(_message: discord.Message) -> None:
        later.append(asyncio.create_task(keep_dispatching()))

    @client.event
    async def on_tick() -> None:
        await asyncio.sleep(3600)

    async with asyncio.timeout(0.5):
        await bring(client, "MESSAGE_CREATE", 1, MESSAGE)
        await later[0]
