"""What was received from the gateway and is not yet done, and how far each session is acknowledged.

An event is known by (shard, session id, seq). The low watermark of a session is the highest sequence number
below which all is done: only that may be persisted for RESUME, because after a crash Discord sends everything
above it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from operator import attrgetter

import msgspec

from nescord_core.envelope import Envelope

__all__ = ["Entry", "Outbox", "Track"]

_ENTRY_BYTES = 400
"""What an event costs beside its data: envelope, entry, and its places in the queues."""


class Track:
    """One gateway session: which of its events are not done. ``highest`` is the last seq that came.

    ``pending`` are those in memory since they came, ``restored`` those that were on disk meanwhile, and
    ``floors`` has the lowest seq of each part of the disk that holds some.
    """

    __slots__ = ("_heap", "floors", "highest", "pending", "reported", "restored", "session_id", "shard_id")

    def __init__(self, shard_id: int, session_id: str) -> None:
        self.shard_id = shard_id
        self.session_id = session_id
        self.pending: dict[int, Entry] = {}
        self.restored: dict[int, Entry] = {}
        self.floors: dict[int, int] = {}
        self.highest = -1
        self.reported = -1
        self._heap: list[int] = []

    @property
    def unfinished(self) -> bool:
        """Whether some of its events are not done."""
        return bool(self.pending or self.restored or self.floors)

    def watermark(self) -> int:
        """Return the highest seq below which all is done.

        Sequence numbers only grow within a session, so what lies between two that came was never to be
        delivered. A dict keeps the order of insertion: its first key is the lowest.
        """
        lowest = next(iter(self.pending)) if self.pending else self.highest + 1
        if self.restored or self.floors:
            lowest = min(lowest, self._lowest_restored(), *self.floors.values())
        return lowest - 1

    def restore(self, seq: int, entry: Entry) -> None:
        """Take back an event from disk; those of different parts of the disk may come in any order."""
        self.restored[seq] = entry
        self.highest = max(self.highest, seq)
        heappush(self._heap, seq)

    def _lowest_restored(self) -> int:
        while self._heap and self._heap[0] not in self.restored:
            heappop(self._heap)
        return self._heap[0] if self._heap else self.highest + 1


class Entry(msgspec.Struct, gc=False, eq=False):
    """One event on its way; a struct because one is made for every event on the hot path.

    ``order`` counts arrivals; ``lane`` is what is kept in order and on one replica: the guild, the channel of
    a direct message, the shard (below 0), or (a string) the address of a replica that the event belongs to.
    ``segment`` is the part of the disk it came back from, None for one that was always in memory.
    """

    envelope: Envelope
    lane: int | str
    order: int
    track: Track
    redelivered: bool = False
    segment: int | None = None

    def size(self) -> int:
        """Bytes of memory, roughly."""
        return len(self.envelope.data) + _ENTRY_BYTES


class Outbox:
    """Counts and bounds what is not done, by number and by bytes of memory.

    ``events`` and ``bytes`` are what is in memory; ``spilled`` events are on disk alone. ``left`` counts, for
    every part of the disk that was read back, the events that are not done.
    """

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._latest: dict[int, Track] = {}
        self._tracks: dict[tuple[int, str], Track] = {}
        self._changed: set[Track] = set()
        self._order = 0
        self._recovered = -(1 << 40)
        self._floors: dict[int, set[Track]] = {}
        self.left: dict[int, int] = {}
        self.events = 0
        self.bytes = 0
        self.spilled = 0
        self.done_count = 0
        self.duplicates = 0
        self.shed_by_shard: dict[int, int] = {}

    def put(self, envelope: Envelope, lane: int | str | None = None) -> Entry | None:
        """Take an event in; None if that session has already brought it.

        Without ``lane`` it is the event's key, or its shard if it has none (READY and the like).
        """
        shard_id, session_id, seq = envelope[0], envelope[1], envelope[2]
        track = self._latest.get(shard_id)
        if track is None or track.session_id != session_id:
            track = self._track(shard_id, session_id)
        if seq <= track.highest:
            self.duplicates += 1
            return None
        track.highest = seq
        self._order = order = self._order + 1
        entry = Entry(envelope, envelope[4] or -1 - shard_id if lane is None else lane, order, track)
        track.pending[seq] = entry
        self.events += 1
        self.bytes += len(envelope[6]) + _ENTRY_BYTES
        return entry

    def skip(self, shard_id: int, session_id: str, seq: int) -> None:
        """Note an event that is not delivered at all: done as soon as everything before it is."""
        track = self._track(shard_id, session_id)
        track.highest = max(track.highest, seq)
        self._changed.add(track)

    def done(self, *entries: Entry) -> None:
        """Events were acknowledged; each entry is done once."""
        track, size = None, 0
        for entry in entries:
            envelope = entry.envelope
            if entry.track is not track:
                track = entry.track
                self._changed.add(track)
            if entry.segment is None:
                del track.pending[envelope[2]]
            else:
                del track.restored[envelope[2]]
                self.left[entry.segment] -= 1
            size += len(envelope[6])
        self.events -= len(entries)
        self.bytes -= size + _ENTRY_BYTES * len(entries)
        self.done_count += len(entries)

    def shed(self, entry: Entry) -> None:
        """Give an event up because there is no room; counted by shard."""
        self.done(entry)
        self.done_count -= 1
        shard_id = entry.track.shard_id
        self.shed_by_shard[shard_id] = self.shed_by_shard.get(shard_id, 0) + 1

    def spill(self, entry: Entry, segment: int) -> None:
        """An event that is not sent yet leaves for a part of the disk; it takes memory until `written`."""
        track, seq = entry.track, entry.envelope.seq
        del track.pending[seq]
        if segment not in track.floors:
            track.floors[segment] = seq
            self._floors.setdefault(segment, set()).add(track)

    def written(self, envelopes: Iterable[Envelope]) -> None:
        """Events that were spilled are on disk and no longer in memory."""
        for envelope in envelopes:
            self.spilled += 1
            self.events -= 1
            self.bytes -= len(envelope.data) + _ENTRY_BYTES

    def restore(
        self, envelope: Envelope, *, segment: int, order: int | None = None, buffered: bool = False
    ) -> Entry | None:
        """Take an event back from disk, or (``buffered``) one that was still on its way there.

        Without ``order`` it comes from an earlier process and counts as older than all that came to this one;
        None if it lay there twice.
        """
        if order is None:
            self._recovered = order = self._recovered + 1
        track = self._tracks.get(envelope[:2])
        if track is None:  # of a session that ended, maybe before this process began
            track = self._tracks[envelope[0], envelope[1]] = Track(envelope[0], envelope[1])
        if envelope.seq in track.restored or envelope.seq in track.pending:
            self.spilled -= 1
            return None
        entry = Entry(envelope, envelope.key or -1 - envelope.shard_id, order, track)
        entry.segment = segment
        track.restore(envelope.seq, entry)
        self.left[segment] = self.left.get(segment, 0) + 1
        if not buffered:
            self.spilled -= 1
            self.events += 1
            self.bytes += entry.size()
        return entry

    def emptied(self, segment: int) -> None:
        """All of that part of the disk was taken back, or given up."""
        for track in self._floors.pop(segment, ()):
            del track.floors[segment]
            self._changed.add(track)

    def lost(self, shard_id: int, count: int = 1) -> None:
        """Events on disk cannot be read any more; counted like those that were shed."""
        self.spilled -= count
        self.shed_by_shard[shard_id] = self.shed_by_shard.get(shard_id, 0) + count

    @property
    def unfinished(self) -> int:
        """How many events are not done, in memory and on disk."""
        return self.events + self.spilled

    @property
    def overfull(self) -> bool:
        """Whether more is held than allowed."""
        return self.events > self._max_events or self.bytes > self._max_bytes

    def watermarks(self) -> list[tuple[int, str, int]]:
        """Return (shard, session id, seq) of the sessions whose watermark rose since the last call."""
        risen: list[tuple[int, str, int]] = []
        for track in self._changed:
            watermark = track.watermark()
            if watermark > track.reported:
                track.reported = watermark
                risen.append((track.shard_id, track.session_id, watermark))
            if not track.unfinished and self._latest.get(track.shard_id) is not track:
                self._tracks.pop((track.shard_id, track.session_id), None)
        self._changed.clear()
        return risen

    def sessions(self) -> int:
        """Return how many sessions are remembered: the latest of each shard, and the unfinished."""
        return len(self._tracks)

    def oldest(self) -> float | None:
        """Return when the event that waits longest was received (seconds since the epoch)."""
        firsts = [
            next(iter(entries.values())).envelope.received_at
            for track in self._tracks.values()
            for entries in (track.pending, track.restored)
            if entries
        ]
        return min(firsts, default=None)

    def entries(self) -> list[Entry]:
        """Return what is in memory and not done, in order of arrival."""
        found = [
            entry
            for track in self._tracks.values()
            for entries in (track.pending, track.restored)
            for entry in entries.values()
        ]
        return sorted(found, key=attrgetter("order"))

    def _track(self, shard_id: int, session_id: str) -> Track:
        name = (shard_id, session_id)
        track = self._tracks.get(name)
        if track is None:
            track = self._tracks[name] = Track(shard_id, session_id)
            before = self._latest.get(shard_id)
            self._latest[shard_id] = track
            if before is not None:
                self._changed.add(before)
        return track
