"""Decides which events in memory are also written to disk, because Discord might not replay them. No I/O.

Discord replays only the last events of a session at a RESUME. If this process is killed, older ones that main
has not finished exist nowhere but on its own disk. So as soon as a session is half that far ahead of what is
finished or on disk, everything that is in memory only is written, oldest first. The events stay in memory and
in delivery; a file is removed when all its events are done.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import attrgetter

from nescord_core.dispatch.sender.outbox import Entry, Outbox, Track
from nescord_core.dispatch.sender.spool.callbacks import Replayable
from nescord_core.dispatch.sender.spool.overflow import Overflow

__all__ = ["Backup", "Position", "Write", "WriteBehind"]

Position = tuple[int, str, int]
"""(shard, session id, seq)"""

_EVENTS = 2048
"""Events in one write."""
_RESUME_BELOW = 3 / 4
"""Share of the disk limit below which backups are written again after some were dropped for room."""


class Part:
    """Events of a session in a backup: all from ``first`` to ``last`` that were in memory only."""

    __slots__ = ("first", "last", "track")

    def __init__(self, track: Track, first: int, last: int) -> None:
        self.track = track
        self.first = first
        self.last = last

    def is_finished(self) -> bool:
        """Return whether all of them are done; what is found done is not looked at again."""
        track = self.track
        if not track.restored and track.lowest_pending() > self.last:
            return True
        while self.first <= self.last and not track.holds(self.first):
            self.first += 1
        return self.first > self.last

    def expose(self) -> None:
        """Record that they are no longer on disk."""
        for seq in range(self.first, self.last + 1):
            self.track.expose(seq)


class Backup:
    """A file of events that are in memory as well; ``interval`` is the one that its events arrived in."""

    __slots__ = ("interval", "number", "parts", "size")

    def __init__(self, number: int, interval: int) -> None:
        self.number = number
        self.interval = interval
        self.size = 0
        self.parts: deque[Part] = deque()

    def is_finished(self) -> bool:
        """Return whether all its events are done."""
        while self.parts and self.parts[0].is_finished():
            self.parts.popleft()
        return not self.parts


@dataclass(frozen=True, slots=True)
class Write:
    """Events of one session to append to a file; ``exposed`` ones were on disk before."""

    backup: Backup
    entries: Sequence[Entry]
    exposed: bool = False

    def record(self) -> None:
        """Record that they are on disk."""
        track = self.entries[0].track
        if not self.exposed:
            first, last = self.entries[0].envelope.seq, self.entries[-1].envelope.seq
            self.backup.parts.append(Part(track, first, last))
            track.saved = max(track.saved, last)
            return
        for entry in self.entries:
            seq = entry.envelope.seq
            self.backup.parts.append(Part(track, seq, seq))
            track.exposed.pop(seq, None)


class _Plan:
    """Splits events among files; ``latest`` is the file that can take more."""

    def __init__(self, overflow: Overflow, latest: Backup | None) -> None:
        self._overflow = overflow
        self._backup = latest
        self._size = latest.size if latest is not None else 0

    def split(self, entries: Sequence[Entry]) -> Iterator[Write]:
        """Split events of a session, in order of arrival: all that never were on disk."""
        at = 0
        while at < len(entries):
            backup, end = self._fill(entries, at)
            yield Write(backup, entries[at:end])
            at = end

    def split_exposed(self, entries: Sequence[Entry]) -> Iterator[Write]:
        """Split events that were on disk before. They are older than all others: they get their own files."""
        self._backup = None
        for write in self.split(entries):
            yield replace(write, exposed=True)
        self._backup = None

    def _fill(self, entries: Sequence[Entry], at: int) -> tuple[Backup, int]:
        """Return the file for the entry at a position, and the position up to which others fit as well."""
        bounds, limit = self._overflow.bounds, self._overflow.limits.segment_bytes
        interval = bisect_left(bounds, entries[at].order)
        backup = self._backup
        if backup is None or backup.interval != interval or self._size >= limit:
            self._backup = backup = Backup(self._overflow.next_number(), interval)
            self._size = 0
        end = min(at + _EVENTS, len(entries))
        if interval < len(bounds):
            end = bisect_right(entries, bounds[interval], at, end, key=attrgetter("order"))
        sizes = [entry.size() for entry in entries[at:end]]
        if self._size + sum(sizes) > limit:
            totals = list(accumulate(sizes, initial=self._size))
            del sizes[bisect_left(totals, limit) :]
        self._size += sum(sizes)
        return backup, at + len(sizes)


class WriteBehind:
    """The backups of an outbox's events. The driver writes `due`, and removes the files in `expendable`.

    A shard's files can be read in the order of its first events in them: every lane's events are then in
    order of arrival. For that, a file never has events from before and after a bound of the overflow: there,
    a segment begins, or a queue ends and the events of its lanes go to memory again.
    """

    def __init__(self, outbox: Outbox, overflow: Overflow, replayable: Replayable) -> None:
        self._outbox = outbox
        self._overflow = overflow
        self._replayable = replayable
        self._backups: deque[Backup] = deque()
        self._latest: Backup | None = None
        self._is_crowded = False
        self._reported: dict[tuple[int, str], int] = {}
        self.dropped = 0
        """Backups dropped to make room for events that are only on disk."""

    @property
    def is_idle(self) -> bool:
        """Whether there is no file."""
        return not self._backups

    def due(self) -> list[Write]:
        """Return what has to be written now; call `written` for each."""
        overflow = self._overflow
        self._is_crowded &= overflow.disk_bytes > overflow.limits.disk_bytes * _RESUME_BELOW
        if self._is_crowded:
            return []
        unwritten = overflow.unwritten_from()
        plan = _Plan(overflow, self._latest if self._latest in self._backups else None)
        writes: list[Write] = []
        for track in self._outbox.tracks:
            if not track.pending and not track.exposed:
                continue
            if track.highest - self._secured(track, unwritten) > self._distance(track):
                writes += plan.split(track.unsaved())
                if track.exposed:
                    writes += plan.split_exposed(sorted(track.exposed.values(), key=attrgetter("order")))
        return writes

    def _distance(self, track: Track) -> int:
        return self._replayable(track.shard_id, track.session_id) // 2

    def written(self, write: Write, size: int) -> None:
        """Record a write; the file grew by ``size``."""
        backup = write.backup
        if not backup.size:
            self._backups.append(backup)
        self._latest = backup
        backup.size += size
        self._overflow.disk_bytes += size
        write.record()

    def expendable(self) -> list[int]:
        """Return the files that are no longer needed, and drop them.

        Above the disk limit the oldest backups make room: events that are only on disk would be lost at once.
        """
        finished = [backup for backup in self._backups if backup.is_finished()]
        for backup in finished:
            self._remove(backup)
        numbers = [backup.number for backup in finished]
        while self._backups and self._overflow.disk_bytes > self._overflow.limits.disk_bytes:
            numbers.append(self._drop(self._backups[0]))
        return numbers

    def _drop(self, backup: Backup) -> int:
        for part in backup.parts:
            part.expose()
        self._remove(backup)
        self._is_crowded = True
        self.dropped += 1
        return backup.number

    def _remove(self, backup: Backup) -> None:
        self._backups.remove(backup)
        self._overflow.disk_bytes -= backup.size

    def files(self) -> list[int]:
        """Return the numbers of all files."""
        return [backup.number for backup in self._backups]

    # What can be resumed from

    def risen(self) -> list[Position]:
        """Return the sessions whose `secured` position changed since the last call; it may also go back."""
        unwritten = self._overflow.unwritten_from()
        now = {
            (track.shard_id, track.session_id): self._secured(track, unwritten)
            for track in self._outbox.tracks
        }
        before, self._reported = self._reported, now
        return [(*pair, seq) for pair, seq in now.items() if seq != before.get(pair)]

    def _secured(self, track: Track, unwritten: dict[Track, int]) -> int:
        floor = unwritten.get(track)
        secured = track.secured()
        return secured if floor is None else min(secured, floor - 1)
