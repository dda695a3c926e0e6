"""The order in which the guilds of a starting client arrive and become available: that of discord.py."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any

import discord
import pytest
import zstandard

from nescord_core.bot.discordpy.guild_cache import GuildCache
from nescord_core.bot.discordpy.parser_feed import ParserFeed
from nescord_core.envelope import Envelope
from nescord_core.payloads import payload_of
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.discordpy.client import SESSION, USER, shard

QUIET = 0.3
"""Seconds without a guild until the client is ready."""


def guild(guild_id: int, members: int = 1) -> dict[str, Any]:
    """Return a guild that comes with all its members, so that nothing is left to request."""
    users = [USER | {"id": str(each)} for each in range(1, members + 1)]
    joined = {"roles": [], "joined_at": "2026-01-01T00:00:00+00:00", "flags": 0}
    what: dict[str, Any] = {"id": str(guild_id), "name": str(guild_id), "owner_id": "2", "unavailable": False}
    what |= {"member_count": members, "members": [{"user": each} | joined for each in users]}
    return what | {"channels": [], "roles": []}


def pictures(*guilds: dict[str, Any]) -> list[pb.GuildSnapshot]:
    compressed = ((each, zstandard.compress(json.dumps(each).encode())) for each in guilds)
    return [pb.GuildSnapshot(guild_id=int(each["id"]), base=base) for each, base in compressed]


class Start:
    """A client that starts, and what it dispatches; the name of a guild stands for guild_available."""

    def __init__(self, kind: type[discord.Client], *, presences: bool) -> None:
        intents = discord.Intents.all()
        intents.presences = presences
        self.client = kind(intents=intents, guild_ready_timeout=QUIET)
        self.seen: list[str] = []
        self.client.dispatch = self._dispatch  # type: ignore[method-assign]
        self.client._connection.dispatch = self._dispatch
        cache = GuildCache(self.client, lambda _shard, _count: None, lambda _shard: None)
        self.take = cache.take
        self._feed = ParserFeed(self.client, cache, timeout=1.0, end=lambda _: None)
        self._seq = 10
        self._ready = asyncio.Event()

    def _dispatch(self, event: str, /, *args: Any) -> None:
        match event, args:
            case "socket_event_type", ("GUILD_CREATE",):
                self.seen.append("arrives")
            case "guild_available", (available,):
                self.seen.append(available.name)
            case "ready", ():
                self.seen.append("ready")
                self._ready.set()

    async def event(self, kind: str, data: dict[str, Any]) -> None:
        """Receive an event and let everything that follows from it happen."""
        self._seq += 1
        raw, guild_id = json.dumps(data).encode(), int(data.get("id", 0))
        envelope = Envelope(0, SESSION, self._seq, kind, guild_id, guild_id, raw, time.time())
        payload = payload_of(envelope, time.time())
        await self._feed.take(payload, payload.event)
        await turns()

    async def events(self, guilds: Iterable[dict[str, Any]]) -> None:
        """Start with a ws that has no session yet."""
        unknown = shard([], session="", shared=False)
        unknown.ready = b""
        await self.take(unknown)
        expected = [{"id": each["id"], "unavailable": True} for each in guilds]
        await self.event("READY", {"user": USER, "guilds": expected, "shard": [0, 1]})
        for each in guilds:
            await self.event("GUILD_CREATE", each)

    async def until_ready(self) -> list[str]:
        async with asyncio.timeout(30):
            await self._ready.wait()
        return self.seen


async def turns() -> None:
    """Let every task take the steps that it can."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture(params=[discord.Client, discord.AutoShardedClient], ids=["plain", "auto-sharded"])
async def kind(request: pytest.FixtureRequest) -> type[discord.Client]:
    found: type[discord.Client] = request.param
    return found


async def test_guilds_whose_members_discordpy_requests_are_available_after_all_have_arrived(
    kind: type[discord.Client],
) -> None:
    """Their members come with them here, but a handler of the first one may look for the last one."""
    start = Start(kind, presences=False)
    await start.client._async_setup_hook()
    await start.events([guild(5), guild(6)])
    assert await start.until_ready() == ["arrives", "arrives", "5", "6", "ready"]


async def test_guilds_that_arrive_after_a_snapshot_do_so_before_those_in_it_are_available(
    kind: type[discord.Client],
) -> None:
    start = Start(kind, presences=False)
    await start.client._async_setup_hook()
    await start.take(shard(pictures(guild(5)), guild_ids=[5, 6], unavailable=[6], shared=False))
    await turns()
    await start.event("GUILD_CREATE", guild(6))
    assert await start.until_ready() == ["arrives", "arrives", "5", "6", "ready"]


async def test_guilds_whose_members_discordpy_does_not_request_are_available_as_they_arrive(
    kind: type[discord.Client],
) -> None:
    start = Start(kind, presences=True)
    await start.client._async_setup_hook()
    await start.events([guild(5), guild(6, members=250), guild(7)])
    assert await start.until_ready() == ["arrives", "5", "arrives", "arrives", "7", "6", "ready"]


async def test_a_snapshot_of_all_guilds_starts_in_the_same_order(kind: type[discord.Client]) -> None:
    start = Start(kind, presences=True)
    await start.client._async_setup_hook()
    await start.take(shard(pictures(guild(5, members=250), guild(6)), shared=False))
    assert await start.until_ready() == ["arrives", "arrives", "6", "5", "ready"]
