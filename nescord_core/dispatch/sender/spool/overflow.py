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

from nescord_core.dispatch.sender.outbox import Entry, Outbox
from nescord_core.dispatch.sender.partition import Partition
from nescord_core.dispatch.sender.spool.records import Stored

__all__ = ["Overflow", "Segment", "SpillLimits"]


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
        )


class Segment:
    """A file of events in order of arrival, and the events in memory that will be written to it.

    ``size`` is the file's size, ``stored`` its number of events by shard. ``only`` is set for a file of an
    earlier process: the (shard, session id) pairs whose events are wanted from it.
    """

    __slots__ = ("buffered", "bytes", "number", "only", "owner", "size", "stored")

    def __init__(self, number: int, owner: str | None) -> None:
        self.number = number
        self.owner = owner
        self.buffered: list[Stored] = []
        self.bytes = 0
        self.size = 0
        self.stored: Counter[int] = Counter()
        self.only: frozenset[tuple[int, str]] | None = None


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
        self._last = 0
        self._changes = 0

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
        return owner is None or self._partition.backlog(owner) >= limits.backlog

    def _append(self, queue: deque[Segment], owner: str | None, entry: Entry) -> None:
        segment = queue[-1] if queue else None
        if segment is None or segment.bytes >= self.limits.segment_bytes:
            self._last += 1
            segment = Segment(self._last, owner)
            queue.append(segment)
        size = entry.size()
        segment.buffered.append(Stored(entry.order, entry.envelope))
        segment.bytes += size
        self._buffered_bytes += size
        self._outbox.spill(entry, segment.number)
        self.active = True

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

    def written(self, segment: Segment, count: int, size: int) -> None:
        """Record a write of a segment's first ``count`` buffered events; its file grew by ``size``."""
        removed = segment.buffered[:count]
        del segment.buffered[:count]
        segment.size += size
        segment.stored.update(item.envelope.shard_id for item in removed)
        self.disk_bytes += size
        before = self._outbox.bytes
        self._outbox.written(item.envelope for item in removed)
        self._buffered_bytes -= before - self._outbox.bytes

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
        # An event that is not on disk yet takes no additional memory.
        fitting = [head for head in heads if not head.size or self._has_room]
        return min(fitting, key=lambda segment: segment.number, default=None)

    @property
    def _has_room(self) -> bool:
        outbox, limits = self._outbox, self.limits
        in_memory = outbox.bytes - self._buffered_bytes
        return in_memory < limits.refill_bytes and outbox.events < limits.refill_events

    def restore(self, segment: Segment, items: Sequence[Stored]) -> None:
        """Take a segment back: ``items`` are its file's events; the rest was never written.

        Events missing from the file are lost, and counted by shard.
        """
        self._take_out(segment)
        wanted = [item for item in items if segment.only is None or item.envelope[:2] in segment.only]
        self._count_missing(segment, wanted)
        for item in wanted:
            self._assign(item, segment, buffered=False)
        for item in segment.buffered:
            self._buffered_bytes -= self._assign(item, segment, buffered=True)
        self._outbox.emptied(segment.number)
        if segment.size:
            self._read[segment.number] = segment.size

    def _assign(self, item: Stored, segment: Segment, *, buffered: bool) -> int:
        order: int | None = item.order
        envelope = item.envelope
        if segment.only is not None:
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

    def adopt(self, envelopes: Counter[tuple[int, str]], size: int) -> Segment:
        """Add events of an earlier process, after existing ones and before those after `close_generation`.

        ``envelopes`` counts the wanted events of a file by (shard, session id); ``size`` is their size.
        """
        self._last += 1
        segment = Segment(self._last, None)
        segment.size = size
        segment.only = frozenset(envelopes)
        for (shard_id, _), count in envelopes.items():
            segment.stored[shard_id] += count
        self._outbox.spilled += envelopes.total()
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
