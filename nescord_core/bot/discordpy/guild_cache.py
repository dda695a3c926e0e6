"""Fills a client's cache with the guilds that ws assigns to this process, in their current state.

All guilds of a shard arrive before its first event: a new session begins as with discord.py's own transport
(session_start.py). Later, guilds come and go as replicas do. The bot is a member of all of them throughout,
so that fires no event.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import discord
import msgspec

from nescord_core.bot.discordpy import intent_filter, internals
from nescord_core.bot.discordpy.session_start import SessionStart
from nescord_core.gateway.snapshot.shard_snapshot import GuildSnapshot, restore
from nescord_core.payloads import EventInfo
from nescord_core.snowflake import shard_of
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["GuildCache"]

log = logging.getLogger(__name__)

_AT_A_TIME = 8
"""Guilds processed before other tasks get a turn."""


@dataclass(slots=True)
class _LoadingShard:
    """A shard whose snapshot is arriving, of a new session or again; ``position`` is the event it starts at.

    ``is_fresh`` if it never arrived completely.
    """

    is_fresh: bool
    is_new: bool
    position: tuple[str, int]
    is_announced: bool = False
    arrived: set[int] = field(default_factory=set)
    guilds: list[discord.Guild] = field(default_factory=list)

    def announces(self, snapshot: pb.Snapshot) -> bool:
        """Return whether the client has connected in the snapshot's session."""
        return self.is_announced and self.position[0] == snapshot.session_id


class GuildCache:
    """Processes snapshots, one shard at a time.

    ``add_shard`` is called for a new shard, ``greet`` when a session of it has begun.
    """

    def __init__(
        self,
        client: discord.Client,
        add_shard: Callable[[int, int], None],
        greet: Callable[[int], object],
    ) -> None:
        self._client = client
        self._state = internals.connection(client)
        self._on_new_shard = add_shard
        self.greet = greet
        self._known: set[int] = set()
        self._shared: set[int] = set()
        self._partial: set[int] = set()
        self._sessions: dict[int, str] = {}
        self._shard_positions: dict[int, tuple[str, int]] = {}
        self._guild_positions: dict[int, tuple[str, int]] = {}
        self._loading: dict[int, _LoadingShard] = {}
        self._start = SessionStart(client, greet)
        self._member_requests: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()

    def is_past(self, event: EventInfo) -> bool:
        """Return whether the cache already includes an event's change."""
        if self.is_over(event):
            return True
        session, position = self._guild_positions.get(event.guild_id or 0) or self._shard_positions.get(
            event.shard_id, ("", 0)
        )
        return session == event.session_id and event.seq <= position

    def joins(self, shard_id: int) -> bool:
        """Return whether a shard's READY adds to a cache that holds other shards.

        A client without sharding would clear its cache; another shard's session must not do that.
        """
        plain = internals.auto_sharded(self._client) is None
        return (
            plain
            and (self._client.shard_count or 1) > 1
            and self._client.user is not None
            and bool(self._shard_positions)
        )

    def is_over(self, event: EventInfo) -> bool:
        """Return whether an event is of an earlier session than the known one.

        With several replicas a session is announced, with its guilds, before its first event.
        """
        shard_id = event.shard_id
        return shard_id in self._shared and self._sessions.get(shard_id) != event.session_id

    def note_session(self, ready: EventInfo) -> None:
        """Record a new session, from its READY."""
        self._sessions[ready.shard_id] = ready.session_id
        self._start.is_connected = True
        self._partial.discard(ready.shard_id)

    def add_shard(self, ready: dict[str, Any]) -> None:
        """Process the READY of one shard among several."""
        internals.set_user(self._client, ready)
        for guild in ready["guilds"]:
            internals.add_guild(self._state, guild)

    async def take(self, snapshot: pb.Snapshot) -> None:
        """Process a snapshot message.

        A known shard is left as it is, unless other replicas may have had guilds of it.
        """
        shard_id = snapshot.shard_id
        async with self._lock:  # several ws processes may send at once
            if shard_id in self._known and not self._must_load(snapshot):
                self._discard(snapshot)
                return
            if snapshot.first or shard_id not in self._loading:
                self._begin_shard(snapshot)
            if snapshot.ready:
                await self._load(snapshot, self._loading[shard_id])
            if snapshot.last:
                self._complete(snapshot, self._loading.pop(shard_id))

    async def change(self, share: pb.Share) -> None:
        """Add guilds that move to this process, and remove those that move to others."""
        async with self._lock:
            changed_ids = (*share.unavailable, *share.gone, *(each.guild_id for each in share.guilds))
            if share.shared:
                self._shared |= {shard for _, shard in self._shard_of(changed_ids)}
            added: list[discord.Guild] = []
            await self._put(share.guilds, (share.session_id, share.seq), added, announce=False)
            self._mark_unavailable(share.unavailable)
            self._drop(share.gone)
            self._request_members_later(added)

    def _shard_of(self, guild_ids: Iterable[int]) -> Iterator[tuple[int, int]]:
        count = self._client.shard_count or 1
        return ((each, shard_of(each, count)) for each in guild_ids)

    def _must_load(self, snapshot: pb.Snapshot) -> bool:
        if not snapshot.ready:
            return False
        shard_id = snapshot.shard_id
        return snapshot.shared or shard_id in self._shared | self._partial or shard_id not in self._sessions

    def _discard(self, snapshot: pb.Snapshot) -> None:
        """Discard a snapshot without guilds, from a ws with a single replica; guilds or READY will follow."""
        if not snapshot.shared and snapshot.shard_id in self._shared:
            self._shared.discard(snapshot.shard_id)
            self._partial.add(snapshot.shard_id)

    def _begin_shard(self, snapshot: pb.Snapshot) -> None:
        shard_id = snapshot.shard_id
        is_new = self._sessions.get(shard_id) != snapshot.session_id
        is_fresh = shard_id not in self._known
        begun = self._loading.get(shard_id)  # on a stream that broke, or of a session that has ended since
        if is_fresh and begun is None:
            self._introduce_shard(snapshot)
        loading = _LoadingShard(is_fresh, is_new, (snapshot.session_id, snapshot.seq))
        loading.is_announced = begun is not None and begun.announces(snapshot)
        self._loading[shard_id] = loading

    def _introduce_shard(self, snapshot: pb.Snapshot) -> None:
        internals.set_shards(self._client, snapshot.shard_count)
        self._on_new_shard(snapshot.shard_id, snapshot.shard_count)
        missing = discord.Intents._from_value(self._state._intents.value & ~snapshot.intents)
        if names := [name for name, wanted in missing if wanted]:
            log.warning(
                "the bot requests the intents %s, which ws does not: add them to bot.intents",
                ", ".join(names),
            )

    async def _load(self, snapshot: pb.Snapshot, loading: _LoadingShard) -> None:
        position = (snapshot.session_id, snapshot.seq)
        loading.arrived.update(each.guild_id for each in snapshot.guilds)
        with internals.muted(self._state):
            try:
                internals.set_user(self._client, msgspec.json.decode(snapshot.ready))
            except Exception:  # whatever discord.py makes of it
                log.exception("the READY of shard %d has no user that discord.py can use", snapshot.shard_id)
        if loading.is_new and not loading.is_announced:
            loading.is_announced = True
            expected = snapshot.guild_ids or [each.guild_id for each in snapshot.guilds]
            await self._start.connected(snapshot.shard_id, expected, is_fresh=loading.is_fresh)
        await self._put(snapshot.guilds, position, loading.guilds, announce=loading.is_new)

    async def _put(
        self,
        snapshots: Iterable[pb.GuildSnapshot],
        position: tuple[str, int],
        done: list[discord.Guild],
        *,
        announce: bool,
    ) -> None:
        """Add guilds to the cache, current as of ``position``, and append each to ``done``."""
        with _gc_paused():
            for number, snapshot in enumerate(snapshots):
                if announce:
                    self._start.arriving()
                if (guild := self._put_one(snapshot)) is not None:
                    done.append(guild)
                    self._guild_positions[snapshot.guild_id] = position
                if number % _AT_A_TIME == 0:
                    await asyncio.sleep(0)

    def _put_one(self, guild: pb.GuildSnapshot) -> discord.Guild | None:
        """Add a guild; one of a shape that discord.py cannot use is unavailable until it comes again."""
        try:
            changes = tuple(zip(guild.types, guild.data, strict=True))
            whole = restore(GuildSnapshot(guild.guild_id, guild.base, changes))
            data = intent_filter.filtered_guild(whole, intents=self._client.intents.value)
            with internals.muted(self._state):
                return internals.put_guild(self._state, data)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            log.error("guild %d is unavailable: discord.py cannot use its data (%s)", guild.guild_id, why)
            self._mark_unavailable([guild.guild_id], reset=True)
            return None

    def _mark_unavailable(self, guild_ids: Iterable[int], *, reset: bool = False) -> None:
        """Mark guilds as unavailable; cached data stays, unless ``reset``."""
        for guild_id in guild_ids:
            guild = self._client.get_guild(guild_id)
            if guild is None or reset:
                internals.add_guild(self._state, {"id": str(guild_id), "unavailable": True})
            else:
                guild.unavailable = True

    def _drop(self, guild_ids: Iterable[int]) -> None:
        gone = set(guild_ids)
        internals.drop_guilds(self._state, gone)
        for each in gone:
            self._guild_positions.pop(each, None)

    def _complete(self, snapshot: pb.Snapshot, loading: _LoadingShard) -> None:
        shard_id = snapshot.shard_id
        self._known.add(shard_id)
        if not snapshot.ready:
            # Its READY comes as an event, unless ws resumed a session that is older than its snapshots.
            if snapshot.session_id:
                log.error("%s", _unknown_guilds(shard_id, stored=snapshot.kept))
            return
        self._sessions[shard_id] = snapshot.session_id
        self._shard_positions[shard_id] = loading.position
        self._partial.discard(shard_id)
        (self._shared.add if snapshot.shared else self._shared.discard)(shard_id)
        self._mark_unavailable(snapshot.unavailable, reset=loading.is_new)
        if loading.is_new or not loading.is_fresh:
            own = loading.arrived | set(snapshot.unavailable)
            here = self._shard_of(each.id for each in self._client.guilds)
            self._drop(each for each, shard in here if shard == shard_id and each not in own)
        if loading.is_new:
            self._start.complete(
                shard_id,
                loading.guilds,
                waits_for_guilds=bool(snapshot.unavailable),
                is_last=len(self._known) == (self._client.shard_count or 1),
            )
        else:
            self._request_members_later(loading.guilds)

    def _request_members_later(self, guilds: list[discord.Guild]) -> None:
        if wanted := [each for each in guilds if internals.members_wanted(self._state, each)]:
            task = asyncio.get_running_loop().create_task(self._start.request_members(wanted))
            self._member_requests.add(task)
            task.add_done_callback(self._member_requests.discard)


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Pause garbage collection: the new objects stay, and scanning them repeatedly doubles the cost.

    Freezing and unfreezing afterwards moves them to the oldest generation without a scan.
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


def _unknown_guilds(shard_id: int, *, stored: bool) -> str:
    if stored:
        return (
            f"ws resumed the session of shard {shard_id} but no longer has its guilds:"
            " the bot's cache stays empty until the next session"
        )
    return (
        f'ws stores no guilds of shard {shard_id}: set [ws.snapshot] enabled = "on" in nescord.toml and'
        " restart ws"
    )
