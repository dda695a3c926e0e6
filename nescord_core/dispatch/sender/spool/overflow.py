"""Which events wait on disk while main is away or slow, and when they come back: rules only, no files.

Once memory is filled to a share, events of a replica that does not keep up go into its queue on disk and
everything of that replica follows them there, so that their order stays. A queue is a row of segments, each a
file. When replicas join or leave, lanes get other owners: a new generation of queues begins then, and a
generation is read only when all before it are in memory again.
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
    """Memory at which events begin to go to disk, and below which they come back; bounds in bytes.

    ``backlog`` is how many events may wait for one replica before it counts as one that does not keep up.
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
        """Return the limits that go with an outbox's bounds: half of it to spill, three quarters to refill.

        A part read back is at most an eighth of either bound, so that neither is passed by it.
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
    """A file of events in order of arrival, and those still in memory that will be written to it.

    ``size`` is what the file takes, ``stored`` the number of events in it by shard. ``only`` is set for the
    file of an earlier process: the (shard, session id) whose events are wanted from it.
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

    The driver writes what `unwritten` names, reads what `readable` names and gives it to `restore`, and
    removes the files that `expendable` names.
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
        """Take an event for the disk, if that is where it has to wait."""
        outbox, limits = self._outbox, self.limits
        if not self.active and outbox.bytes <= limits.spill_bytes and outbox.events <= limits.spill_events:
            return False
        if isinstance(entry.lane, str):  # somebody waits for the answer to a command
            return False
        self._follow_changes()
        owner = self._partition.owner(entry.lane)
        queue = self._generations[-1].get(owner)
        if len(self._generations) == 1 and queue is None and not self._falls_behind(owner):
            return False
        if queue is None:
            queue = self._generations[-1][owner] = deque()
        self._append(queue, owner, entry)
        return True

    def _falls_behind(self, owner: str | None) -> bool:
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
        """Begin a new generation when lanes may have got other owners since the last one began."""
        if self._changes != self._partition.changes:
            self._changes = self._partition.changes
            if self._generations[-1]:
                self._generations.append({})

    # Writing

    @property
    def buffered_bytes(self) -> int:
        """Memory of what is still to be written."""
        return self._buffered_bytes

    @property
    def is_pressing(self) -> bool:
        """Whether memory is so full that what is to be written should be so at once."""
        outbox, limits = self._outbox, self.limits
        return outbox.events >= limits.refill_events or outbox.bytes >= limits.refill_bytes

    def unwritten(self) -> list[Segment]:
        """Return the segments that have something to be written."""
        return [segment for segment in self._segments() if segment.buffered]

    def written(self, segment: Segment, count: int, size: int) -> None:
        """The first ``count`` buffered events of a segment are on disk; ``size`` is the file's growth."""
        gone = segment.buffered[:count]
        del segment.buffered[:count]
        segment.size += size
        segment.stored.update(item.envelope.shard_id for item in gone)
        self.disk_bytes += size
        before = self._outbox.bytes
        self._outbox.written(item.envelope for item in gone)
        self._buffered_bytes -= before - self._outbox.bytes

    # Reading

    def readable(self) -> Segment | None:
        """Return the segment to be read next; None when there is nothing, or no room for it."""
        self._follow_changes()
        generation = self._generations[0]
        is_current = len(self._generations) == 1
        heads = [queue[0] for queue in generation.values()]
        if is_current:
            backlog, limits = self._partition.backlog, self.limits
            heads = [head for head in heads if backlog(head.owner) < limits.backlog]
        # What is not on disk yet takes no more memory when it is taken back.
        fitting = [head for head in heads if not head.size or self._has_room]
        return min(fitting, key=lambda segment: segment.number, default=None)

    @property
    def _has_room(self) -> bool:
        outbox, limits = self._outbox, self.limits
        in_memory = outbox.bytes - self._buffered_bytes
        return in_memory < limits.refill_bytes and outbox.events < limits.refill_events

    def restore(self, segment: Segment, items: Sequence[Stored]) -> None:
        """Take a segment back: ``items`` is what its file has, the rest of it was never written.

        What the file should have and has not is lost, and counted by shard.
        """
        self._take_out(segment)
        kept = [item for item in items if segment.only is None or item.envelope[:2] in segment.only]
        self._count_missing(segment, kept)
        for item in kept:
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
        assert queue[0] is segment, "read out of turn"
        queue.popleft()
        if not queue:
            del generation[segment.owner]
        while len(self._generations) > 1 and not self._generations[0]:
            self._generations.popleft()
        self.active = any(self._generations)

    # Room on disk

    def expendable(self) -> list[int]:
        """Return the segments whose files are of no more use, and forget them.

        A file is kept until all its events are done, for a session that cannot be resumed after a crash. Past
        the bound of the disk the events in memory have to do without.
        """
        left = self._outbox.left
        gone = [number for number in self._read if not left.get(number)]
        excess = self.disk_bytes - sum(self._read[number] for number in gone) - self.limits.disk_bytes
        for number, size in self._read.items():
            if excess <= 0:
                break
            if number not in gone:
                gone.append(number)
                excess -= size
        for number in gone:
            self.disk_bytes -= self._read.pop(number)
        for number in [number for number, count in left.items() if not count and number not in self._read]:
            del left[number]
        return gone

    def excess(self) -> Segment | None:
        """Return the segment that has to leave the disk now, room or not; None while the bound is kept."""
        if self.disk_bytes <= self.limits.disk_bytes:
            return None
        heads = (queue[0] for queue in self._generations[0].values() if queue[0].size)
        return min(heads, key=lambda segment: segment.number, default=None)

    # What an earlier process left

    def adopt(self, envelopes: Counter[tuple[int, str]], size: int) -> Segment:
        """Deliver events of an earlier process: after what is there, before what follows `close_generation`.

        ``envelopes`` counts the wanted events of a file by (shard, session id); ``size`` is what they take.
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
        """From now on everything waits until all that is there was read."""
        if self._generations[-1]:
            self._generations.append({})

    @property
    def idle(self) -> bool:
        """Whether there is nothing to write, to read or to remove."""
        return not (self.active or self._read)

    def kept_files(self) -> list[int]:
        """Return the segments that are in memory again and whose files are kept."""
        return list(self._read)

    def _segments(self) -> Iterator[Segment]:
        for generation in self._generations:
            for queue in generation.values():
                yield from queue
