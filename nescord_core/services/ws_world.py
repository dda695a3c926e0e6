"""What ws keeps of its shards for a main that starts with an empty cache."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from nescord_core.envelope import Envelope
from nescord_core.gateway.session_store import SavedSession, SessionStore
from nescord_core.gateway.snapshot import GuildPicture, Record, ShardSnapshot
from nescord_core.gateway.snapshot_journal import SnapshotJournal
from nescord_core.gateway.stats import ShardStats
from nescord_core.settings import WsSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["ShardWorlds", "WorldSessions"]

log = logging.getLogger("nescord.ws")

_MESSAGE_BYTES = 256 * 1024


class ShardWorlds:
    """Takes note of the events of some shards, and tells a new main what they have come to."""

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
        self._shards = {each: ShardSnapshot(settings.snapshot) for each in shard_ids}
        place = settings.state_dir / "world"
        self._journals = {each: SnapshotJournal(place / f"shard-{each}.journal") for each in shard_ids}

    def numbers(self) -> dict[str, float]:
        """Return how many guilds are kept, and what they take in MB; nothing where none are."""
        if not self._settings.snapshot.enabled:
            return {}
        size = sum(shard.size for shard in self._shards.values())
        return {"guilds": sum(map(len, self._shards.values())), "guilds_mb": round(size / 1_000_000, 3)}

    def watching(self, put: Callable[[Envelope], None]) -> Callable[[Envelope], None]:
        """Return ``put`` that takes note of an event first, or ``put`` itself where nothing is kept."""
        if not self._settings.snapshot.enabled:
            return put

        def note_and_put(envelope: Envelope) -> None:
            self.note(envelope)
            put(envelope)

        return note_and_put

    def note(self, envelope: Envelope) -> None:
        """Take note of an event, before it is put into the outbox."""
        shard_id, session_id, seq, kind, _, guild_id, data, *_ = envelope
        shard = self._shards[shard_id]
        if shard.apply(session_id, seq, kind, guild_id, data):
            self._journals[shard_id].append(Record(kind, session_id, seq, guild_id, data), shard)

    def recall(self, shard_id: int, session_id: str) -> bool:
        """Take up what an earlier process wrote down; returns whether it is of that session."""
        shard = self._shards[shard_id]
        self._journals[shard_id].restore(shard)
        return shard.ready is not None and shard.session_id == session_id

    def close(self) -> None:
        """Leave the files to the next process."""
        for journal in self._journals.values():
            journal.close()

    def facts(self) -> pb.ShardFacts:
        """Return the latency of every shard, and how many guilds and members it has."""
        known = [(each.shard_id, -1.0 if each.latency is None else each.latency) for each in self._stats()]
        facts = pb.ShardFacts(shard_id=[each[0] for each in known], latency=[each[1] for each in known])
        if self._settings.snapshot.enabled:
            shards = [self._shards[each[0]] for each in known]
            facts.guilds.extend(len(shard) for shard in shards)
            facts.members.extend(shard.members for shard in shards)
        return facts

    def pictures(self) -> Iterator[pb.Snapshot]:
        """Return every shard as of now; guilds and events are copied as they lie, nothing is decoded."""
        for shard_id, shard in self._shards.items():
            message = self._head(shard_id, shard)
            size = 0
            for guild in shard.guilds() if shard.ready is not None else ():
                if size > _MESSAGE_BYTES:
                    yield message
                    message, size = self._head(shard_id, shard), 0
                message.guilds.append(_picture(guild))
                size += message.guilds[-1].ByteSize()
            message.last = True
            yield message

    def _head(self, shard_id: int, shard: ShardSnapshot) -> pb.Snapshot:
        return pb.Snapshot(
            shard_id=shard_id,
            shard_count=self._shard_count,
            kept=self._settings.snapshot.enabled,
            session_id=shard.session_id,
            seq=shard.seq,
            ready=b"" if shard.ready is None else msgspec.json.encode(shard.ready),
            unavailable=sorted(shard.unavailable),
            intents=self._settings.intents,
        )


class WorldSessions:
    """Sessions that are resumed only if their guilds are known: Discord does not tell them again."""

    def __init__(self, sessions: SessionStore, world: ShardWorlds) -> None:
        self._sessions = sessions
        self._world = world

    async def load(self, shard_id: int, *, shard_count: int, intents: int) -> SavedSession | None:
        """Return the shard's session, None if its guilds are not known."""
        saved = await self._sessions.load(shard_id, shard_count=shard_count, intents=intents)
        if saved is None or self._world.recall(shard_id, saved.session_id):
            return saved
        log.warning("shard %d starts a new session: the guilds of the saved one were not kept", shard_id)
        return None

    async def save(self, sessions: Mapping[int, SavedSession | None]) -> None:
        """Keep sessions by shard id, all or none."""
        await self._sessions.save(sessions)


def _picture(guild: GuildPicture) -> pb.GuildPicture:
    types = [kind for kind, _ in guild.changes]
    data = [raw for _, raw in guild.changes]
    return pb.GuildPicture(guild_id=guild.guild_id, base=guild.base, types=types, data=data)
