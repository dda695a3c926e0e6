"""Tells one replica which guilds it is responsible for, and what they look like, ahead of their events.

Pure: the stream's writer runs `ReplicaSnapshots.messages` whenever `behind` says so, before it takes events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol

from nescord_core.dispatch.sender.outbox import Entry
from nescord_core.dispatch.sender.partition import Partition, Stream
from nescord_core.dispatch.sender.reassignment import GuildAssignment, GuildMove
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["ReplicaSnapshots", "SnapshotSource"]

_AT_A_TIME = 250
"""Guilds between two chances for other work."""

_MESSAGE_BYTES = 256 * 1024


class SnapshotSource(Protocol):
    """What is known of the shards, for a main that asks for it."""

    sessions: int
    """Grows whenever it is known of a shard that was not known, or that has begun a new session."""

    def shard_ids(self) -> Collection[int]:
        """Return the shards, known or not."""

    def session(self, shard_id: int) -> str:
        """Return the session whose guilds are known, empty for none."""

    def is_recalled(self, shard_id: int) -> bool:
        """Tell whether that session's READY went to an earlier process of ws, and comes as no event."""

    def position(self, shard_id: int) -> tuple[str, int]:
        """Return the session and the sequence number that a shard's guilds are as of."""

    def head(self, shard_id: int) -> pb.Snapshot:
        """Return what there is to say of a shard beside its guilds."""

    def guild_ids(self, shard_id: int) -> list[int]:
        """Return every guild that a main may hold, those included that are unavailable or have just gone."""

    def unavailable(self, shard_id: int) -> Collection[int]:
        """Return the guilds of which Discord has told nothing but the id."""

    def departed(self, shard_id: int) -> Collection[int]:
        """Return the guilds that the bot has left, which is not known to have been handled."""

    def picture(self, shard_id: int, guild_id: int) -> pb.GuildSnapshot | None:
        """Return a guild as of now, None if nothing is known of it."""

    def facts(self) -> pb.ShardFacts:
        """Return the latency of every shard."""


class ReplicaSnapshots:
    """What the replica of one stream was told.

    `messages` yields what to send, or None where other work may have its turn. What is yielded is as of that
    moment: it has to be sent before anything of the partition is taken for this stream (fact 29). At most
    ``at_a_time`` guilds are looked at between two of them.
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
        self._told: dict[int, str] = {}
        self._by_ready: set[int] = set()
        self._again: set[tuple[int, int]] = set()
        self._doubtful: set[tuple[int, int]] = set()
        self._leaving: set[int] = set()

    @property
    def behind(self) -> bool:
        """Whether there is something to tell before events may go on."""
        return (
            self._replicas is not self._partition.replicas
            or self._sessions != self._world.sessions
            or bool(self._again)
            or any(map(self._may_go, self._leaving))
            or not all(map(self._is_in_doubt, self._doubtful))
        )

    def handled(self, entries: Iterable[Entry]) -> bool:
        """Take note of what the replica has done; returns whether there may be something to tell now.

        A marked event may have been applied to a picture that shows later ones already, which another
        process had finished before: its guild is told once more.
        """
        for entry in entries:
            if entry.redelivered and entry.envelope.guild_id:
                self._again.add((entry.envelope.shard_id, entry.envelope.guild_id))
        return bool(self._again or self._leaving)

    def messages(self) -> Iterator[pb.FromWs | None]:
        """Yield all that there is to tell."""
        now, stream = self._partition.replicas, self._stream
        division = GuildAssignment(stream.address, before=self._replicas, since=stream.rivals, now=now)
        # What changes from here on, while this is being told, is told after it.
        self._replicas, self._sessions, stream.rivals = now, self._world.sessions, dict(now)
        for shard_id in self._world.shard_ids():
            if self._is_news(shard_id):
                yield from self._whole(shard_id, division)
            elif division.is_change:
                yield from self._moves(shard_id, division)
        yield from self._once_more()
        yield from self._farewells()

    def _is_news(self, shard_id: int) -> bool:
        """Tell whether all of a shard has to be told.

        A single replica learns of a new session by READY, as an event. When it is no longer the only one that
        may be still on its way, and would be taken for one of a session before.
        """
        told, session = self._told.get(shard_id), self._world.session(shard_id)
        if told is None:
            return True
        if told == session:
            return self._partition.is_shared and shard_id in self._by_ready
        if self._partition.is_shared or (not told and self._world.is_recalled(shard_id)):
            return True
        self._told[shard_id] = session
        self._by_ready.add(shard_id)
        return False

    def _whole(self, shard_id: int, division: GuildAssignment) -> Iterator[pb.FromWs | None]:
        def is_own(guild_id: int) -> bool:
            self._leaving.discard(guild_id)  # what is not told now is gone with that
            return division.is_own(guild_id)

        session, is_first = self._world.session(shard_id), True
        is_shared = self._partition.is_shared  # one word for all of the shard's messages
        for part in self._pictures(shard_id, is_own):
            if self._world.session(shard_id) != session:
                return  # begun anew meanwhile, and news again
            if part or is_first:
                yield pb.FromWs(snapshot=self._head(shard_id, part, first=is_first, shared=is_shared))
            else:
                yield None
            is_first = False
        last = self._head(shard_id, (), first=False, shared=is_shared)
        last.unavailable.extend(sorted(filter(division.is_own, self._world.unavailable(shard_id))))
        last.last = True
        self._told[shard_id] = session
        self._by_ready.discard(shard_id)
        yield pb.FromWs(snapshot=last)

    def _head(
        self, shard_id: int, guilds: Iterable[pb.GuildSnapshot], *, first: bool, shared: bool
    ) -> pb.Snapshot:
        head = self._world.head(shard_id)
        head.first, head.shared = first, shared
        head.guilds.extend(guilds)
        return head

    def _moves(self, shard_id: int, division: GuildAssignment) -> Iterator[pb.FromWs | None]:
        def comes(guild_id: int) -> bool:
            match division.fate(guild_id):
                case GuildMove.COMES:
                    self._leaving.discard(guild_id)
                    return True
                case GuildMove.GOES:
                    self._leaving.add(guild_id)
            return False

        for part in self._pictures(shard_id, comes):
            yield self._share(shard_id, guilds=part) if part else None
        if unavailable := sorted(filter(comes, self._world.unavailable(shard_id))):
            yield self._share(shard_id, unavailable=unavailable)

    def _pictures(self, shard_id: int, wanted: Callable[[int], bool]) -> Iterator[list[pb.GuildSnapshot]]:
        """Yield the wanted guilds in parts, each of them as of the moment at which it is yielded."""
        part: list[pb.GuildSnapshot] = []
        size = 0
        for number, guild_id in enumerate(self._world.guild_ids(shard_id), 1):
            if wanted(guild_id) and (picture := self._world.picture(shard_id, guild_id)) is not None:
                part.append(picture)
                size += picture.ByteSize()
            if number % self._at_a_time == 0 or size > _MESSAGE_BYTES:
                yield part
                part, size = [], 0
        yield part

    def _once_more(self) -> Iterator[pb.FromWs]:
        again, self._again, self._doubtful = self._again | self._doubtful, set(), set()
        for shard_id, guild_id in sorted(each for each in again if self._is_owner_of(each[1])):
            picture = self._world.picture(shard_id, guild_id)
            if picture is not None:
                yield self._share(shard_id, guilds=[picture])
            elif guild_id in self._world.unavailable(shard_id):
                continue
            elif self._is_in_doubt((shard_id, guild_id)):
                self._doubtful.add((shard_id, guild_id))
            else:
                yield self._share(shard_id, gone=[guild_id])

    def _farewells(self) -> Iterator[pb.FromWs | None]:
        leaving = iter(list(self._leaving))
        while part := list(islice(leaving, self._at_a_time)):
            gone = sorted(filter(self._may_go, part))
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

    def _is_in_doubt(self, guild: tuple[int, int]) -> bool:
        """Tell whether a guild that is gone may have events that are still to be handled here."""
        shard_id, guild_id = guild
        in_flight = (entry.lane for entry in self._stream.in_flight.values())
        return guild_id in self._world.departed(shard_id) or guild_id in in_flight

    def _may_go(self, guild_id: int) -> bool:
        """Tell whether nothing of a guild that has left is in flight here: handlers still use the cache."""
        return not self._is_owner_of(guild_id) and not self._partition.is_held(guild_id)

    def _is_owner_of(self, guild_id: int) -> bool:
        return self._partition.owner(guild_id) == self._stream.address
