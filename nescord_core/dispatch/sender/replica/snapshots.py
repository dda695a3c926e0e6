"""Sends one replica the guilds it is responsible for, with their state, ahead of their events.

Pure: the stream's writer runs `ReplicaSnapshots.messages` whenever `behind` is true, before it takes events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol

from nescord_core.dispatch.sender.outbox import Entry
from nescord_core.dispatch.sender.reassignment import GuildAssignment, GuildMove
from nescord_core.dispatch.sender.replica.queues import Partition, Stream
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["ReplicaSnapshots", "SnapshotSource"]

_AT_A_TIME = 250
"""Guilds processed before other tasks get a turn."""

_MESSAGE_BYTES = 256 * 1024


class SnapshotSource(Protocol):
    """The cached state of the shards, for a main that requests it."""

    sessions: int
    """Grows whenever a shard becomes known, or starts a new session."""

    def request(self) -> None:
        """Cache the guilds from now on, unless that is off."""

    def shard_ids(self) -> Collection[int]:
        """Return all shards, known or not."""

    def session(self, shard_id: int) -> str:
        """Return the session whose guilds are cached, empty for none."""

    def is_recalled(self, shard_id: int) -> bool:
        """Return whether an earlier process of ws got the session's READY, so it comes as no event."""

    def position(self, shard_id: int) -> tuple[str, int]:
        """Return the session and sequence number up to which a shard's guilds are current."""

    def head(self, shard_id: int) -> pb.Snapshot:
        """Return the snapshot message of a shard without its guilds."""

    def guild_ids(self, shard_id: int) -> list[int]:
        """Return every guild that a main may have, including unavailable and just departed ones."""

    def unavailable(self, shard_id: int) -> Collection[int]:
        """Return the guilds of which Discord has sent only the id."""

    def departed(self, shard_id: int) -> Collection[int]:
        """Return the guilds the bot has left whose GUILD_DELETE may not have been handled yet."""

    def picture(self, shard_id: int, guild_id: int) -> pb.GuildSnapshot | None:
        """Return the current state of a guild, None if nothing is known of it."""

    def facts(self) -> pb.ShardFacts:
        """Return the latency of every shard."""


class ReplicaSnapshots:
    """What has been sent to the replica of one stream.

    `messages` yields what to send, or None to let other tasks run. A yielded message is current at that
    moment: it has to be sent before anything is taken from the partition for this stream (protocol.md,
    29). At most ``at_a_time`` guilds are processed between two of them.
    """

    def __init__(
        self, partition: Partition, stream: Stream, world: SnapshotSource, *, at_a_time: int = _AT_A_TIME
    ) -> None:
        self._partition = partition
        self._stream = stream
        self._world = world
        self._at_a_time = at_a_time
        self._replicas: Mapping[str, int] = {}
        self._sessions = -1
        self._sent_sessions: dict[int, str] = {}
        self._by_ready: set[int] = set()
        self._resend: set[tuple[int, int]] = set()
        self._doubtful: set[tuple[int, int]] = set()
        self._leaving: set[int] = set()

    @property
    def behind(self) -> bool:
        """Whether something has to be sent before any more events."""
        return (
            self._replicas is not self._partition.replicas
            or self._sessions != self._world.sessions
            or bool(self._resend)
            or any(map(self._may_remove, self._leaving))
            or not all(map(self._may_have_events, self._doubtful))
        )

    def handled(self, entries: Iterable[Entry]) -> bool:
        """Record events that the replica has finished; return whether there may be something to send now.

        A redelivered event may have been applied to a snapshot that already included later events, finished
        by another process: its guild is sent once more.
        """
        for entry in entries:
            if entry.redelivered and entry.envelope.guild_id:
                self._resend.add((entry.envelope.shard_id, entry.envelope.guild_id))
        return bool(self._resend or self._leaving)

    def messages(self) -> Iterator[pb.FromWs | None]:
        """Yield everything there is to send."""
        sessions = self._world.sessions
        if self._sessions != sessions:
            # Ahead of READY: a bot may ask for the latency in the first handler that runs.
            yield pb.FromWs(shards=self._world.facts())
            if self._world.sessions != sessions:
                return  # a session has begun meanwhile: its latency has to be sent first
        now, stream = self._partition.replicas, self._stream
        assignment = GuildAssignment(stream.address, before=self._replicas, since=stream.rivals, now=now)
        # Changes from here on, while these messages are sent, are sent after them.
        self._replicas, self._sessions, stream.rivals = now, sessions, dict(now)
        for shard_id in self._world.shard_ids():
            if self._needs_whole_shard(shard_id):
                yield from self._whole_shard(shard_id, assignment)
            elif assignment.is_change:
                yield from self._moves(shard_id, assignment)
        yield from self._resent_guilds()
        yield from self._removals()

    def _needs_whole_shard(self, shard_id: int) -> bool:
        """Return whether a whole shard has to be sent.

        A sole replica learns of a new session by READY, as an event. Once there are others, that READY may
        still be in flight, and would be taken for an earlier session's.
        """
        sent_session, session = self._sent_sessions.get(shard_id), self._world.session(shard_id)
        if sent_session is None:
            return True
        if sent_session == session:
            return self._partition.is_shared and shard_id in self._by_ready
        if self._partition.is_shared or (not sent_session and self._world.is_recalled(shard_id)):
            return True
        self._sent_sessions[shard_id] = session
        self._by_ready.add(shard_id)
        return False

    def _whole_shard(self, shard_id: int, assignment: GuildAssignment) -> Iterator[pb.FromWs | None]:
        def is_own(guild_id: int) -> bool:
            self._leaving.discard(guild_id)  # a whole-shard snapshot removes the guilds it lacks
            return assignment.is_own(guild_id)

        session, is_first = self._world.session(shard_id), True
        is_shared = self._partition.is_shared  # the same for all of the shard's messages
        for batch in self._guild_batches(shard_id, is_own):
            if self._world.session(shard_id) != session:
                return  # a new session has started meanwhile, so it will be sent as a whole
            if batch or is_first:
                head = self._head(shard_id, batch, first=is_first, shared=is_shared)
                if is_first:
                    head.guild_ids.extend(filter(assignment.is_own, self._current_guilds(shard_id)))
                yield pb.FromWs(snapshot=head)
            else:
                yield None
            is_first = False
        if self._world.session(shard_id) != session:
            return  # otherwise the last message would bring the new one's READY, which also comes as an event
        last = self._head(shard_id, (), first=False, shared=is_shared)
        last.unavailable.extend(sorted(filter(assignment.is_own, self._world.unavailable(shard_id))))
        last.last = True
        self._sent_sessions[shard_id] = session
        self._by_ready.discard(shard_id)
        yield pb.FromWs(snapshot=last)

    def _current_guilds(self, shard_id: int) -> Iterator[int]:
        departed = self._world.departed(shard_id)
        return (each for each in self._world.guild_ids(shard_id) if each not in departed)

    def _head(
        self, shard_id: int, guilds: Iterable[pb.GuildSnapshot], *, first: bool, shared: bool
    ) -> pb.Snapshot:
        head = self._world.head(shard_id)
        head.first, head.shared = first, shared
        head.guilds.extend(guilds)
        return head

    def _moves(self, shard_id: int, assignment: GuildAssignment) -> Iterator[pb.FromWs | None]:
        def arrives(guild_id: int) -> bool:
            match assignment.move_of(guild_id):
                case GuildMove.ARRIVES:
                    self._leaving.discard(guild_id)
                    return True
                case GuildMove.LEAVES:
                    self._leaving.add(guild_id)
            return False

        for batch in self._guild_batches(shard_id, arrives):
            yield self._share(shard_id, guilds=batch) if batch else None
        if unavailable := sorted(filter(arrives, self._world.unavailable(shard_id))):
            yield self._share(shard_id, unavailable=unavailable)

    def _guild_batches(
        self, shard_id: int, wanted: Callable[[int], bool]
    ) -> Iterator[list[pb.GuildSnapshot]]:
        """Yield batches of the wanted guilds, each current when it is yielded."""
        batch: list[pb.GuildSnapshot] = []
        size = 0
        for number, guild_id in enumerate(self._world.guild_ids(shard_id), 1):
            if wanted(guild_id) and (picture := self._world.picture(shard_id, guild_id)) is not None:
                batch.append(picture)
                size += picture.ByteSize()
            if number % self._at_a_time == 0 or size > _MESSAGE_BYTES:
                yield batch
                batch, size = [], 0
        yield batch

    def _resent_guilds(self) -> Iterator[pb.FromWs]:
        resend, self._resend, self._doubtful = self._resend | self._doubtful, set(), set()
        for shard_id, guild_id in sorted(each for each in resend if self._is_owner_of(each[1])):
            picture = self._world.picture(shard_id, guild_id)
            if picture is not None:
                yield self._share(shard_id, guilds=[picture])
            elif guild_id in self._world.unavailable(shard_id):
                continue
            elif self._may_have_events((shard_id, guild_id)):
                self._doubtful.add((shard_id, guild_id))
            else:
                yield self._share(shard_id, gone=[guild_id])

    def _removals(self) -> Iterator[pb.FromWs | None]:
        leaving = iter(list(self._leaving))
        while batch := list(islice(leaving, self._at_a_time)):
            gone = sorted(filter(self._may_remove, batch))
            self._leaving.difference_update(gone)
            yield pb.FromWs(share=pb.Share(gone=gone, shared=True)) if gone else None

    def _share(
        self,
        shard_id: int,
        *,
        guilds: Iterable[pb.GuildSnapshot] = (),
        unavailable: Iterable[int] = (),
        gone: Iterable[int] = (),
    ) -> pb.FromWs:
        session_id, seq = self._world.position(shard_id)
        share = pb.Share(
            shard_id=shard_id,
            session_id=session_id,
            seq=seq,
            guilds=guilds,
            unavailable=unavailable,
            gone=gone,
            shared=self._partition.is_shared,
        )
        return pb.FromWs(share=share)

    def _may_have_events(self, guild: tuple[int, int]) -> bool:
        """Return whether a deleted guild may still have events to be handled here."""
        shard_id, guild_id = guild
        in_flight = (entry.lane for entry in self._stream.in_flight.values())
        return guild_id in self._world.departed(shard_id) or guild_id in in_flight

    def _may_remove(self, guild_id: int) -> bool:
        """Return whether a guild that moved away may leave the cache: it has no events in flight here."""
        return not self._is_owner_of(guild_id) and not self._partition.is_held(guild_id)

    def _is_owner_of(self, guild_id: int) -> bool:
        return self._partition.owner(guild_id) == self._stream.address
