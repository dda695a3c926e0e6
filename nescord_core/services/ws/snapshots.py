"""Maintains snapshots of the guilds of ws's shards, for a main that starts with an empty cache."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from nescord_core.envelope import Envelope
from nescord_core.gateway.session_store import SavedSession, SessionStore
from nescord_core.gateway.snapshot.journal import SnapshotJournal
from nescord_core.gateway.snapshot.shard_snapshot import GuildSnapshot, Record, ShardSnapshot
from nescord_core.gateway.stats import ShardStats
from nescord_core.process.state_dir import make_folder, open_file
from nescord_core.settings import WsSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["ShardSnapshots", "SnapshotRequest", "SnapshotSessions", "snapshot_message"]

log = logging.getLogger("nescord.ws")


class ShardSnapshots:
    """Applies the events of some shards to their snapshots, and serves those to main.

    ``sessions`` is incremented, and ``session_known`` called, for each session whose guilds become known.
    ``requested`` is called once if a main requests guilds that were not kept so far.
    """

    def __init__(
        self,
        settings: WsSettings,
        *,
        shard_ids: Iterable[int],
        shard_count: int,
        stats: Callable[[], Iterable[ShardStats]],
    ) -> None:
        self._settings = settings
        self._shard_count = shard_count
        self._stats = stats
        self.sessions = 0
        self.session_known: Callable[[], None] = lambda: None
        self.not_applied: Callable[[Envelope, str], None] = lambda _envelope, _why: None
        """Called with an event that could not be applied to the snapshot of its guild."""
        self.requested: Callable[[], None] = lambda: None
        self._marker = SnapshotRequest(settings)
        self.enabled = self._marker.is_wanted()
        """Whether the guilds are kept."""
        self._restored: set[int] = set()
        self._shards = {each: ShardSnapshot(settings.snapshot) for each in shard_ids}
        folder = settings.state_dir / "world"
        self._journals = {each: SnapshotJournal(folder / f"shard-{each}.journal") for each in shard_ids}

    def numbers(self) -> dict[str, float]:
        """Return the number of guilds kept and their size in MB; {} if none are."""
        if not self.enabled:
            return {}
        size = sum(shard.size for shard in self._shards.values())
        return {"guilds": sum(map(len, self._shards.values())), "guilds_mb": round(size / 1_000_000, 3)}

    def watching(self, put: Callable[[Envelope], None]) -> Callable[[Envelope], None]:
        """Return a sink that records events before ``put``, as far as guilds are kept."""
        if not self.enabled and not self._settings.snapshot.on_request:
            return put

        def record_and_put(envelope: Envelope) -> None:
            try:
                if self.enabled:
                    self.record(envelope)
            except Exception as error:  # an event of any shape is delivered
                self._shards[envelope.shard_id].forget(envelope.guild_id)
                self.not_applied(envelope, f"{type(error).__name__}: {error}")
            put(envelope)

        return record_and_put

    def record(self, envelope: Envelope) -> None:
        """Apply an event, before it is put into the outbox."""
        shard_id, session_id, seq, kind, _, guild_id, data, *_ = envelope
        shard = self._shards[shard_id]
        if shard.apply(session_id, seq, kind, guild_id, data):
            self._journals[shard_id].append(Record(kind, session_id, seq, guild_id, data), shard)
            if kind == "READY":
                self._restored.discard(shard_id)
                self._add_session()

    def request(self) -> None:
        """Keep the guilds from now on, unless that is off; a main with a cache of its own is there."""
        if self.enabled or not self._settings.snapshot.on_request:
            return
        self.enabled = True
        self._marker.remember()
        self.requested()

    def restore(self, shard_id: int, session_id: str) -> bool:
        """Restore the snapshot that an earlier process saved; return whether it is of that session."""
        shard = self._shards[shard_id]
        self._journals[shard_id].restore(shard)
        if shard.ready is None or shard.session_id != session_id:
            return False
        self._restored.add(shard_id)
        self._add_session()
        return True

    def _add_session(self) -> None:
        self.sessions += 1
        self.session_known()

    def close(self) -> None:
        """Close the journals, which stay for the next process."""
        for journal in self._journals.values():
            journal.close()

    def facts(self) -> pb.ShardFacts:
        """Return every shard's latency and, with snapshots, its numbers of guilds and members."""
        known = [(each.shard_id, -1.0 if each.latency is None else each.latency) for each in self._stats()]
        facts = pb.ShardFacts(shard_id=[each[0] for each in known], latency=[each[1] for each in known])
        if self.enabled:
            shards = [self._shards[each[0]] for each in known]
            facts.guilds.extend(len(shard) for shard in shards)
            facts.members.extend(shard.members for shard in shards)
        return facts

    def acknowledged(self, shard_id: int, session_id: str, seq: int) -> None:
        """Record that main has handled every event of a session up to ``seq``."""
        if (shard := self._shards.get(shard_id)) is not None:
            shard.acknowledged(session_id, seq)

    def shard_ids(self) -> Collection[int]:
        """Return all shards, whether their guilds are known or not."""
        return self._shards.keys()

    def session(self, shard_id: int) -> str:
        """Return the session whose guilds are known; "" if there is none."""
        shard = self._shards[shard_id]
        return "" if shard.ready is None else shard.session_id

    def is_recalled(self, shard_id: int) -> bool:
        """Return whether that session's READY went to an earlier process."""
        return shard_id in self._restored

    def guild_ids(self, shard_id: int) -> list[int]:
        """Return every guild that main may have."""
        return self._shards[shard_id].guild_ids() if self.session(shard_id) else []

    def departed(self, shard_id: int) -> Collection[int]:
        """Return the guilds that the bot has left, as long as main has not acknowledged that."""
        return self._shards[shard_id].departed if self.session(shard_id) else ()

    def unavailable(self, shard_id: int) -> Collection[int]:
        """Return the guilds of which Discord has sent only the id."""
        return self._shards[shard_id].unavailable if self.session(shard_id) else ()

    def picture(self, shard_id: int, guild_id: int) -> pb.GuildSnapshot | None:
        """Return a guild's current snapshot; guild and events are copied as bytes, without decoding."""
        guild = self._shards[shard_id].guild(guild_id)
        return None if guild is None else snapshot_message(guild)

    def position(self, shard_id: int) -> tuple[str, int]:
        """Return the session and sequence number that a shard's snapshot reflects."""
        shard = self._shards[shard_id]
        return shard.session_id, shard.seq

    def head(self, shard_id: int) -> pb.Snapshot:
        """Return a shard's snapshot without its guilds."""
        shard = self._shards[shard_id]
        return pb.Snapshot(
            shard_id=shard_id,
            shard_count=self._shard_count,
            kept=self.enabled,
            session_id=shard.session_id,
            seq=shard.seq,
            ready=b"" if shard.ready is None else msgspec.json.encode(shard.ready),
            intents=self._settings.intents,
        )


class SnapshotRequest:
    """Whether this or an earlier ws was asked for guilds, remembered in state_dir."""

    def __init__(self, settings: WsSettings) -> None:
        self._settings = settings.snapshot
        self._path = settings.state_dir / "world" / "requested"

    def is_wanted(self) -> bool:
        """Return whether to keep guilds from the start."""
        return self._settings.enabled or (self._settings.on_request and self._path.is_file())

    def remember(self) -> None:
        """Record the request for the next ws."""
        try:
            make_folder(self._path.parent)
            os.close(open_file(self._path, os.O_WRONLY | os.O_CREAT))
        except OSError as error:
            log.error("cannot write %s: %s", self._path, os.strerror(error.errno or 0))


class SnapshotSessions:
    """Session store that returns only sessions with known guilds: Discord does not resend those on RESUME.

    Without kept guilds it returns every session.
    """

    def __init__(self, sessions: SessionStore, world: ShardSnapshots) -> None:
        self._sessions = sessions
        self._world = world

    async def load(self, shard_id: int, *, shard_count: int, intents: int) -> SavedSession | None:
        """Return the shard's session; None if its guilds are not known."""
        saved = await self._sessions.load(shard_id, shard_count=shard_count, intents=intents)
        if saved is None or not self._world.enabled or self._world.restore(shard_id, saved.session_id):
            return saved
        log.warning("shard %d starts a new session: the saved one has no snapshot of its guilds", shard_id)
        return None

    async def save(self, sessions: Mapping[int, SavedSession | None]) -> None:
        """Save sessions by shard id, all or none."""
        await self._sessions.save(sessions)


def snapshot_message(guild: GuildSnapshot) -> pb.GuildSnapshot:
    """Return a guild's snapshot as a message."""
    types = [kind for kind, _ in guild.changes]
    data = [raw for _, raw in guild.changes]
    return pb.GuildSnapshot(guild_id=guild.guild_id, base=guild.base, types=types, data=data)
