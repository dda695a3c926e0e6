"""The cache of a client that has just started: filled with what ws knows, before any event of its shards."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import discord
import msgspec

from nescord_core.bot.discordpy import internals, sight
from nescord_core.gateway.snapshot import GuildPicture, restore
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["Arrival"]

log = logging.getLogger(__name__)

_AT_A_TIME = 8
"""Guilds between two looks at other work."""


class Arrival:
    """Takes in the shards one after the other.

    ``add_shard`` is called for a shard that was not known, ``greet`` once its session is.
    """

    def __init__(
        self,
        client: discord.Client,
        add_shard: Callable[[int, int], None],
        greet: Callable[[int], Coroutine[Any, Any, None]],
    ) -> None:
        self._client = client
        self._state = internals.connection(client)
        self._meet_shard = add_shard
        self.greet = greet
        self._known: set[int] = set()
        self._until: dict[int, tuple[str, int]] = {}
        self._new: dict[int, list[discord.Guild]] = {}
        self._starting: dict[int, Coroutine[Any, Any, None] | None] = {}
        self._lock = asyncio.Lock()

    def is_past(self, shard_id: int, session_id: str, seq: int) -> bool:
        """Tell whether the cache already shows what an event changed."""
        session, until = self._until.get(shard_id, ("", 0))
        return session == session_id and seq <= until

    def joins(self, shard_id: int) -> bool:
        """Tell whether READY of a shard adds to a cache that holds other shards.

        A client that knows nothing of shards would empty it; one session more must not.
        """
        plain = internals.auto_sharded(self._client) is None
        return (
            plain
            and (self._client.shard_count or 1) > 1
            and self._client.user is not None
            and bool(self._until)
        )

    def add_shard(self, ready: dict[str, Any]) -> None:
        """Take in the READY of one shard of several."""
        internals.introduce(self._client, ready)
        for guild in ready["guilds"]:
            internals.add_guild(self._state, guild)

    async def take(self, picture: pb.Snapshot) -> None:
        """Take in a message about a shard; a shard that is already there stays as it is."""
        async with self._lock:  # several processes of ws may come at once
            if picture.shard_id in self._known:
                return
            if picture.shard_id not in self._new:
                self._meet(picture)
            if picture.ready:
                await self._fill(picture)
            if picture.last:
                self._complete(picture)

    def _meet(self, picture: pb.Snapshot) -> None:
        self._new[picture.shard_id] = []
        internals.set_shards(self._client, picture.shard_count)
        self._meet_shard(picture.shard_id, picture.shard_count)
        missing = discord.Intents._from_value(self._state._intents.value & ~picture.intents)
        if names := [name for name, wanted in missing if wanted]:
            log.warning(
                "the bot asks for the intents %s, but ws was started without: set bot.intents",
                ", ".join(names),
            )

    async def _fill(self, picture: pb.Snapshot) -> None:
        with internals.muted(self._state):
            internals.introduce(self._client, msgspec.json.decode(picture.ready))
        here = self._new[picture.shard_id]
        with _without_collections():
            for number, guild in enumerate(picture.guilds):
                here.append(self._add(guild))
                if number % _AT_A_TIME == 0:
                    await asyncio.sleep(0)

    def _add(self, guild: pb.GuildPicture) -> discord.Guild:
        changes = tuple(zip(guild.types, guild.data, strict=True))
        whole = restore(GuildPicture(guild.guild_id, guild.base, changes))
        data = sight.reduced_guild(whole, intents=self._client.intents.value)
        with internals.muted(self._state):
            return internals.add_guild(self._state, data)

    def _complete(self, picture: pb.Snapshot) -> None:
        shard_id = picture.shard_id
        self._known.add(shard_id)
        if not picture.ready:
            # Its READY comes as an event, unless ws has resumed a session that began before it kept anything.
            if picture.session_id:
                log.error("%s", _unknown(shard_id, kept=picture.kept))
            return
        self._until[shard_id] = (picture.session_id, picture.seq)
        for guild_id in picture.unavailable:
            internals.add_guild(self._state, {"id": str(guild_id), "unavailable": True})
        self._state.dispatch("connect")
        if internals.auto_sharded(self._client):
            self._state.dispatch("shard_connect", shard_id)
        self._start(shard_id, bool(picture.unavailable))

    def _start(self, shard_id: int, waits_for_guilds: bool) -> None:
        guilds = self._new.pop(shard_id)
        if waits_for_guilds:
            internals.await_guilds(self._client, shard_id)
            self._starting[shard_id] = None
        else:
            self._starting[shard_id] = self._warm(shard_id, guilds)
        plain = internals.auto_sharded(self._client) is None
        if not plain or len(self._known) == (self._client.shard_count or 1):
            starting, self._starting = self._starting, {}
            internals.end_start(self._client, starting)

    async def _warm(self, shard_id: int, guilds: list[discord.Guild]) -> None:
        """Ask for the members that ws does not have; then the shard is ready."""
        await self.greet(shard_id)
        for guild in guilds:
            if internals.members_wanted(self._state, guild):
                with suppress(TimeoutError):
                    await internals.ask_members(self._state, guild)
        if internals.auto_sharded(self._client):
            self._state.dispatch("shard_ready", shard_id)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Hold garbage collection: all that is made stays, and looking through it again doubles the cost.

    Afterwards it counts as old, which is what freezing and thawing does without looking at any of it.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        gc.enable()


def _unknown(shard_id: int, *, kept: bool) -> str:
    if kept:
        return (
            f"ws resumed the session of shard {shard_id} but does not know its guilds any more:"
            " the bot's cache stays empty until the next session"
        )
    return (
        f'ws keeps no guilds of shard {shard_id} for a bot that starts: set [ws.snapshot] enabled = "on" in'
        " nescord.toml and restart ws"
    )
