"""Decides which events wait on disk while main is away or slow, and when they return. No I/O.

Once memory is filled to a threshold, the events of a replica that does not keep up go to its queue on disk,
and all later ones of that replica follow, which preserves their order. A queue consists of segments, one file
each. When replicas join or leave, lanes change owners: a new generation of queues starts, and a generation is
read only after all earlier ones are back in memory.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nescord_core.dispatch.sender.outbox import Entry, Outbox, Track
from nescord_core.dispatch.sender.replica.queues import Partition
from nescord_core.dispatch.sender.spool.records import Recorded, Stored
from nescord_core.envelope import Envelope

__all__ = ["Overflow", "Segment", "SpillLimits", "Wanted"]


@dataclass(frozen=True, slots=True)
class SpillLimits:
    """Memory above which events spill to disk, and below which they return; sizes in bytes.

    ``backlog`` is the number of queued events from which on a replica counts as not keeping up.
    """

    spill_events: int
    spill_bytes: int
    refill_events: int
    refill_bytes: int
    segment_bytes: int
    disk_bytes: int
    backlog: int = 1024
    segment_events: int = 1 << 30

    @classmethod
    def of(cls, *, max_events: int, max_bytes: int, disk_bytes: int) -> SpillLimits:
        """Derive the limits from an outbox's: spill at half of it, refill up to three quarters.

        A segment is at most an eighth of either limit, so that reading one back exceeds neither.
        """
        return cls(
            spill_events=max_events // 2,
            spill_bytes=max_bytes // 2,
            refill_events=max_events * 3 // 4,
            refill_bytes=max_bytes * 3 // 4,
            segment_bytes=max(min(4 * 1024 * 1024, disk_bytes // 8, max_bytes // 8), 4096),
            disk_bytes=disk_bytes,
            backlog=min(1024, max(max_events // 8, 1)),
            segment_events=max(max_events // 8, 1),
        )


class Wanted(NamedTuple):
    """Which events of an earlier process's file are delivered: a session's, above and up to a seq."""

    shard_id: int
    session_id: str
    above: int
    upto: int

    def has(self, envelope: Envelope) -> bool:
        """Return whether an event is one of them."""
        return (
            envelope.shard_id == self.shard_id
            and envelope.session_id == self.session_id
            and self.above < envelope.seq <= self.upto
        )


class Segment:
    """A file of events in order of arrival, and the events in memory that will be written to it.

    ``size`` is the file's size, ``stored`` its number of events by shard; ``lowest`` has the lowest seq that
    is still to be written, by session. ``wanted`` is set for a file of an earlier process.
    """

    __slots__ = ("buffered", "bytes", "events", "lowest", "number", "owner", "size", "stored", "wanted")

    def __init__(self, number: int, owner: str | None) -> None:
        self.number = number
        self.owner = owner
        self.buffered: list[Stored] = []
        self.bytes = 0
        self.events = 0
        self.size = 0
        self.stored: Counter[int] = Counter()
        self.lowest: dict[Track, int] = {}
        self.wanted: Wanted | None = None


_MOST_BOUNDS = 10_000

_Generation = dict[str | None, deque[Segment]]


class Overflow:
    """Decides for every event of an outbox whether it waits in memory or on disk.

    The driver writes the segments in `unwritten`, reads `readable` and passes its events to `restore`, and
    removes the files in `expendable`.
    """

    def __init__(self, outbox: Outbox, partition: Partition, limits: SpillLimits) -> None:
        self.limits = limits
        self.active = False
        self.disk_bytes = 0
        self._outbox = outbox
        self._partition = partition
        self._generations: deque[_Generation] = deque([{}])
        self._read: dict[int, int] = {}
        self._buffered_bytes = 0
        self._buffered = 0
        self._last = 0
        self._changes = 0
        self.bounds: list[int] = []
        """Positions in the order of arrival after which events of some lanes begin to go elsewhere."""

    def take(self, entry: Entry) -> bool:
        """Spill an event if it has to wait on disk; return whether it did."""
        outbox, limits = self._outbox, self.limits
        if not self.active and outbox.bytes <= limits.spill_bytes and outbox.events <= limits.spill_events:
            return False
        if isinstance(entry.lane, str):  # it answers a command, and somebody waits for it
            return False
        self._follow_changes()
        owner = self._partition.owner(entry.lane)
        queue = self._generations[-1].get(owner)
        if len(self._generations) == 1 and queue is None and not self._is_behind(owner):
            return False
        if queue is None:
            queue = self._generations[-1][owner] = deque()
        self._append(queue, owner, entry)
        return True

    def _is_behind(self, owner: str | None) -> bool:
        outbox, limits = self._outbox, self.limits
        if outbox.bytes <= limits.spill_bytes and outbox.events <= limits.spill_events:
            return False
        if outbox.is_full:  # memory has no room, whoever keeps up
            return True
        return owner is None or self._partition.backlog(owner) >= limits.backlog

    def _append(self, queue: deque[Segment], owner: str | None, entry: Entry) -> None:
        segment = queue[-1] if queue else None
        if segment is None or self._is_complete(segment):
            segment = Segment(self.next_number(), owner)
            queue.append(segment)
            self._add_bound(entry.order - 1)
        size = entry.size()
        segment.lowest.setdefault(entry.track, entry.envelope.seq)
        segment.buffered.append(Stored(entry.order, entry.envelope))
        segment.bytes += size
        segment.events += 1
        self._buffered_bytes += size
        self._buffered += 1
        self._outbox.spill(entry, segment.number)
        self.active = True

    def _add_bound(self, order: int) -> None:
        self.bounds.append(order)
        if len(self.bounds) > _MOST_BOUNDS:
            del self.bounds[: _MOST_BOUNDS // 2]

    def _is_complete(self, segment: Segment) -> bool:
        limits = self.limits
        return segment.bytes >= limits.segment_bytes or segment.events >= limits.segment_events

    def next_number(self) -> int:
        """Return the number of a new file."""
        self._last += 1
        return self._last

    def _follow_changes(self) -> None:
        """Start a new generation if lanes may have changed owners since the last one started."""
        if self._changes != self._partition.changes:
            self._changes = self._partition.changes
            if self._generations[-1]:
                self._generations.append({})

    # Writing

    @property
    def buffered_bytes(self) -> int:
        """The memory of events that are still to be written."""
        return self._buffered_bytes

    @property
    def is_pressing(self) -> bool:
        """Whether memory is so full that events should be written at once."""
        outbox, limits = self._outbox, self.limits
        return outbox.events >= limits.refill_events or outbox.bytes >= limits.refill_bytes

    def unwritten(self) -> list[Segment]:
        """Return the segments with events to write."""
        return [segment for segment in self._segments() if segment.buffered]

    def written(self, segment: Segment, count: int, size: int, unfit: Sequence[Recorded] = ()) -> None:
        """Record a write of a segment's first ``count`` buffered events; its file grew by ``size``.

        ``unfit`` are those that could not be written: they are done.
        """
        removed = segment.buffered[:count]
        del segment.buffered[:count]
        self._buffered -= len(removed)
        self._find_lowest(segment)
        segment.size += size
        segment.stored.update(item.envelope.shard_id for item in removed)
        segment.stored.subtract(item.envelope.shard_id for item in unfit)
        self.disk_bytes += size
        before = self._outbox.bytes
        self._outbox.written(item.envelope for item in removed)
        self._outbox.unfit(len(unfit))
        self._buffered_bytes -= before - self._outbox.bytes

    def _find_lowest(self, segment: Segment) -> None:
        remaining: dict[tuple[int, str], int] = {}
        for item in segment.buffered:
            remaining.setdefault(item.envelope[:2], item.envelope.seq)
        tracks = {(track.shard_id, track.session_id): track for track in segment.lowest}
        segment.lowest = {tracks[pair]: seq for pair, seq in remaining.items()}

    def unwritten_from(self) -> dict[Track, int]:
        """Return the lowest seq that is still to be written, by session."""
        found: dict[Track, int] = {}
        for segment in self._segments():
            for track, seq in segment.lowest.items():
                found[track] = min(seq, found.get(track, seq))
        return found

    # Reading

    def readable(self) -> Segment | None:
        """Return the segment to read next; None if there is none, or no room for it."""
        self._follow_changes()
        generation = self._generations[0]
        is_current = len(self._generations) == 1
        heads = [queue[0] for queue in generation.values()]
        if is_current:
            backlog, limits = self._partition.backlog, self.limits
            heads = [head for head in heads if backlog(head.owner) < limits.backlog]
        fitting = [head for head in heads if self._has_room(head)]
        return min(fitting, key=lambda segment: segment.number, default=None)

    def _has_room(self, segment: Segment) -> bool:
        """Return whether memory has room for a segment; what is not written yet takes none in addition."""
        outbox, limits = self._outbox, self.limits
        if outbox.bytes - self._buffered_bytes >= limits.refill_bytes:
            return False
        buffered = 0 if segment.size else self._buffered
        return outbox.events - buffered < limits.refill_events

    def restore(self, segment: Segment, items: Sequence[Stored]) -> None:
        """Take a segment back: ``items`` are its file's events; the rest was never written.

        Events missing from the file are lost, and counted by shard.
        """
        self._take_out(segment)
        wanted: Sequence[Stored] = items
        if segment.wanted is not None:
            wanted = sorted(item for item in items if segment.wanted.has(item.envelope))
        self._count_missing(segment, wanted)
        for item in wanted:
            self._assign(item, segment, buffered=False)
        self._buffered -= len(segment.buffered)
        for item in segment.buffered:
            self._buffered_bytes -= self._assign(item, segment, buffered=True)
        self._outbox.emptied(segment.number)
        if segment.size:
            self._read[segment.number] = segment.size

    def _assign(self, item: Stored, segment: Segment, *, buffered: bool) -> int:
        order: int | None = item.order
        envelope = item.envelope
        if segment.wanted is not None:
            order, envelope = None, envelope._replace(redelivered=True)
        entry = self._outbox.restore(envelope, segment=segment.number, order=order, buffered=buffered)
        if entry is None:
            return 0
        self._partition.assign(entry)
        return entry.size()

    def _count_missing(self, segment: Segment, items: Sequence[Stored]) -> None:
        missing = segment.stored - Counter(item.envelope.shard_id for item in items)
        for shard_id, count in missing.items():
            self._outbox.lost(shard_id, count)

    def _take_out(self, segment: Segment) -> None:
        generation = self._generations[0]
        queue = generation[segment.owner]
        assert queue[0] is segment, "segments are read out of order"
        queue.popleft()
        if not queue:
            del generation[segment.owner]
            self._add_bound(self._outbox.last_order)
        while len(self._generations) > 1 and not self._generations[0]:
            self._generations.popleft()
        self.active = any(self._generations)

    # Room on disk

    def expendable(self) -> list[int]:
        """Return the segments whose files are no longer needed, and drop them.

        A file is kept until all its events are done, in case of a crash after which the session cannot be
        resumed. Above the disk limit, events that are back in memory lose that backup.
        """
        left = self._outbox.left
        removed = [number for number in self._read if not left.get(number)]
        excess = self.disk_bytes - sum(self._read[number] for number in removed) - self.limits.disk_bytes
        for number, size in self._read.items():
            if excess <= 0:
                break
            if number not in removed:
                removed.append(number)
                excess -= size
                self._outbox.expose(number)
        for number in removed:
            self.disk_bytes -= self._read.pop(number)
        for number in [number for number, count in left.items() if not count and number not in self._read]:
            del left[number]
        return removed

    def excess(self) -> Segment | None:
        """Return the segment that has to leave the disk, whatever the memory; None within the limit."""
        if self.disk_bytes <= self.limits.disk_bytes:
            return None
        heads = (queue[0] for queue in self._generations[0].values() if queue[0].size)
        return min(heads, key=lambda segment: segment.number, default=None)

    # What an earlier process left

    def adopt(self, wanted: Wanted, count: int, size: int, *, floor: int = 0) -> Segment:
        """Add events of an earlier process, after existing ones and before those after `close_generation`.

        ``count`` is the number of wanted events in the file, ``size`` their size and ``floor`` the lowest
        seq.
        """
        segment = Segment(self.next_number(), None)
        segment.size = size
        segment.wanted = wanted
        segment.stored[wanted.shard_id] = count
        self._outbox.spilled += count
        self._outbox.keep_open((wanted.shard_id, wanted.session_id), segment=segment.number, floor=floor)
        self.disk_bytes += segment.size
        self._generations[-1].setdefault(None, deque()).append(segment)
        self.active = True
        return segment

    def close_generation(self) -> None:
        """Make everything that follows wait until all existing events have been read."""
        if self._generations[-1]:
            self._generations.append({})

    @property
    def idle(self) -> bool:
        """Whether there is nothing to write, read or remove."""
        return not (self.active or self._read)

    def kept_files(self) -> list[int]:
        """Return the segments that are back in memory and whose files still exist."""
        return list(self._read)

    def _segments(self) -> Iterator[Segment]:
        for generation in self._generations:
            for queue in generation.values():
                yield from queue
