"""What a client's cache holds: the guilds that ws says are this process's, as they are when it says so.

All of a shard comes before its first event; later, guilds come and go as replicas do. No user event is fired
for that: the bot is in all of them as before.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import discord
import msgspec

from nescord_core.bot.discordpy import intent_filter, internals
from nescord_core.gateway.snapshot.shard_snapshot import GuildSnapshot, restore
from nescord_core.payloads import EventInfo
from nescord_core.snowflake import shard_of
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["GuildCache"]

log = logging.getLogger(__name__)

_AT_A_TIME = 8
"""Guilds between two looks at other work."""


@dataclass(slots=True)
class _Expected:
    """A shard on its way in, of a new session or the same one once more; ``until`` is where it begins.

    Of one that ``is_fresh`` nothing was in the cache before.
    """

    is_fresh: bool
    is_new: bool
    until: tuple[str, int]
    guilds: list[discord.Guild] = field(default_factory=list)


class GuildCache:
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
        self._shared: set[int] = set()
        self._partial: set[int] = set()
        self._sessions: dict[int, str] = {}
        self._until: dict[int, tuple[str, int]] = {}
        self._until_of: dict[int, tuple[str, int]] = {}
        self._coming: dict[int, _Expected] = {}
        self._starting: dict[int, Coroutine[Any, Any, None] | None] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()

    def is_past(self, event: EventInfo) -> bool:
        """Tell whether the cache already shows what an event changed."""
        if self.is_over(event):
            return True
        session, until = self._until_of.get(event.guild_id or 0) or self._until.get(event.shard_id, ("", 0))
        return session == event.session_id and event.seq <= until

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

    def is_over(self, event: EventInfo) -> bool:
        """Tell whether an event is of a session before the one that is known.

        With several replicas a session is told before its first event; which guilds there are is known then.
        """
        shard_id = event.shard_id
        return shard_id in self._shared and self._sessions.get(shard_id) != event.session_id

    def note_session(self, ready: EventInfo) -> None:
        """A session begins by its READY, as an event."""
        self._sessions[ready.shard_id] = ready.session_id
        self._partial.discard(ready.shard_id)

    def add_shard(self, ready: dict[str, Any]) -> None:
        """Take in the READY of one shard of several."""
        internals.introduce(self._client, ready)
        for guild in ready["guilds"]:
            internals.add_guild(self._state, guild)

    async def take(self, picture: pb.Snapshot) -> None:
        """Take in a message about a shard.

        A shard that is there already stays as it is, unless other replicas may have had guilds of it.
        """
        shard_id = picture.shard_id
        async with self._lock:  # several processes of ws may come at once
            if shard_id in self._known and not self._is_news(picture):
                self._forgo(picture)
                return
            if picture.first or shard_id not in self._coming:
                self._meet(picture)
            if picture.ready:
                await self._fill(picture, self._coming[shard_id])
            if picture.last:
                self._complete(picture, self._coming.pop(shard_id))

    async def change(self, share: pb.Share) -> None:
        """Take in guilds that come to this process, and let go of those that have gone to others."""
        async with self._lock:
            told = (*share.unavailable, *share.gone, *(each.guild_id for each in share.guilds))
            if share.shared:
                self._shared |= {shard for _, shard in self._shard_of(told)}
            come: list[discord.Guild] = []
            await self._put(share.guilds, (share.session_id, share.seq), come)
            self._miss(share.unavailable)
            self._drop(share.gone)
            self._ask_later(come)

    def _shard_of(self, guild_ids: Iterable[int]) -> Iterator[tuple[int, int]]:
        count = self._client.shard_count or 1
        return ((each, shard_of(each, count)) for each in guild_ids)

    def _is_news(self, picture: pb.Snapshot) -> bool:
        if not picture.ready:
            return False
        shard_id = picture.shard_id
        return picture.shared or shard_id in self._shared | self._partial or shard_id not in self._sessions

    def _forgo(self, picture: pb.Snapshot) -> None:
        """A ws that has but one replica knows nothing of a shard yet; its guilds or its READY will follow."""
        if not picture.shared and picture.shard_id in self._shared:
            self._shared.discard(picture.shard_id)
            self._partial.add(picture.shard_id)

    def _meet(self, picture: pb.Snapshot) -> None:
        shard_id = picture.shard_id
        is_new = self._sessions.get(shard_id) != picture.session_id
        is_fresh = shard_id not in self._known and shard_id not in self._coming
        if is_fresh:
            self._introduce_shard(picture)
        self._coming[shard_id] = _Expected(is_fresh, is_new, (picture.session_id, picture.seq))

    def _introduce_shard(self, picture: pb.Snapshot) -> None:
        internals.set_shards(self._client, picture.shard_count)
        self._meet_shard(picture.shard_id, picture.shard_count)
        missing = discord.Intents._from_value(self._state._intents.value & ~picture.intents)
        if names := [name for name, wanted in missing if wanted]:
            log.warning(
                "the bot asks for the intents %s, but ws was started without: set bot.intents",
                ", ".join(names),
            )

    async def _fill(self, picture: pb.Snapshot, coming: _Expected) -> None:
        with internals.muted(self._state):
            internals.introduce(self._client, msgspec.json.decode(picture.ready))
        await self._put(picture.guilds, (picture.session_id, picture.seq), coming.guilds)

    async def _put(
        self, pictures: Iterable[pb.GuildSnapshot], until: tuple[str, int], done: list[discord.Guild]
    ) -> None:
        """Put guilds into the cache as of an event, and note each in ``done``."""
        with _without_collections():
            for number, picture in enumerate(pictures):
                done.append(self._put_one(picture))
                self._until_of[picture.guild_id] = until
                if number % _AT_A_TIME == 0:
                    await asyncio.sleep(0)

    def _put_one(self, guild: pb.GuildSnapshot) -> discord.Guild:
        changes = tuple(zip(guild.types, guild.data, strict=True))
        whole = restore(GuildSnapshot(guild.guild_id, guild.base, changes))
        data = intent_filter.reduced_guild(whole, intents=self._client.intents.value)
        with internals.muted(self._state):
            return internals.put_guild(self._state, data)

    def _miss(self, guild_ids: Iterable[int], *, anew: bool = False) -> None:
        """Note guilds that are not there now; what is known of them stays, unless they come ``anew``."""
        for guild_id in guild_ids:
            guild = self._client.get_guild(guild_id)
            if guild is None or anew:
                internals.add_guild(self._state, {"id": str(guild_id), "unavailable": True})
            else:
                guild.unavailable = True

    def _drop(self, guild_ids: Iterable[int]) -> None:
        gone = set(guild_ids)
        internals.drop_guilds(self._state, gone)
        for each in gone:
            self._until_of.pop(each, None)

    def _complete(self, picture: pb.Snapshot, coming: _Expected) -> None:
        shard_id = picture.shard_id
        self._known.add(shard_id)
        if not picture.ready:
            # Its READY comes as an event, unless ws has resumed a session that began before it kept anything.
            if picture.session_id:
                log.error("%s", _unknown(shard_id, kept=picture.kept))
            return
        self._sessions[shard_id] = picture.session_id
        self._until[shard_id] = coming.until
        self._partial.discard(shard_id)
        (self._shared.add if picture.shared else self._shared.discard)(shard_id)
        self._miss(picture.unavailable, anew=coming.is_new)
        if not coming.is_fresh:
            own = {guild.id for guild in coming.guilds} | set(picture.unavailable)
            here = self._shard_of(each.id for each in self._client.guilds)
            self._drop(each for each, shard in here if shard == shard_id and each not in own)
        if coming.is_new:
            self._begin(picture, coming)
        else:
            self._ask_later(coming.guilds)

    def _begin(self, picture: pb.Snapshot, coming: _Expected) -> None:
        internals.begin_again(self._client, picture.shard_id)
        self._state.dispatch("connect")
        if internals.auto_sharded(self._client):
            self._state.dispatch("shard_connect", picture.shard_id)
        self._start(picture.shard_id, coming.guilds, waits_for_guilds=bool(picture.unavailable))

    def _start(self, shard_id: int, guilds: list[discord.Guild], *, waits_for_guilds: bool) -> None:
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
        try:
            await self.greet(shard_id)
            await self._ask_for_members(guilds)
        except asyncio.CancelledError:
            return  # a session began meanwhile; as with discord.py's own, others wait for this to end
        if internals.auto_sharded(self._client):
            self._state.dispatch("shard_ready", shard_id)

    def _ask_later(self, guilds: list[discord.Guild]) -> None:
        if wanted := [each for each in guilds if internals.members_wanted(self._state, each)]:
            task = asyncio.get_running_loop().create_task(self._ask_for_members(wanted))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask_for_members(self, guilds: list[discord.Guild]) -> None:
        for guild in guilds:
            if internals.members_wanted(self._state, guild):
                with suppress(TimeoutError):
                    await internals.ask_members(self._state, guild)


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
