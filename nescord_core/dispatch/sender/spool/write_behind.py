"""Decides which events in memory are also written to disk, because Discord might not replay them. No I/O.

Discord replays only the last events of a session at a RESUME. If this process is killed, older ones that main
has not finished exist nowhere but on its own disk. So as soon as a session is half that far ahead of what is
finished or on disk, everything that is in memory only is written, oldest first. The events stay in memory and
in delivery; a file is removed when all its events are done.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from nescord_core.dispatch.sender.outbox import Entry, Outbox, Track
from nescord_core.dispatch.sender.spool.callbacks import Replayable
from nescord_core.dispatch.sender.spool.overflow import Overflow
from nescord_core.dispatch.sender.spool.records import Stored

__all__ = ["Backup", "Position", "Write", "WriteBehind"]

Position = tuple[int, str, int]
"""(shard, session id, seq)"""

_RESUME_BELOW = 3 / 4
"""Share of the disk limit below which backups are written again after some were dropped for room."""


class Backup:
    """A file of events that are in memory as well; ``interval`` is the one that its events arrived in."""

    __slots__ = ("interval", "left", "number", "size")

    def __init__(self, number: int, interval: int) -> None:
        self.number = number
        self.interval = interval
        self.size = 0
        self.left: dict[Track, deque[int]] = {}

    def is_finished(self) -> bool:
        """Return whether all its events are done; what is found done is not looked at again."""
        for track, seqs in list(self.left.items()):
            while seqs and not track.holds(seqs[0]):
                seqs.popleft()
            if seqs:
                return False
            del self.left[track]
        return True


@dataclass(frozen=True, slots=True)
class Write:
    """Events to append to a file."""

    backup: Backup
    entries: list[Entry]

    def items(self) -> list[Stored]:
        """Return the records to write."""
        return [Stored(entry.order, entry.envelope) for entry in self.entries]


class WriteBehind:
    """The backups of an outbox's events. The driver writes `due`, and removes the files in `expendable`.

    The files can be read in the order of their first events: every lane's events are then in order of
    arrival. For that, a file never has events from before and after a bound of the overflow: there, a segment
    begins, or a queue ends and the events of its lanes go to memory again.
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
        """Return what has to be written now."""
        overflow = self._overflow
        self._is_crowded &= overflow.disk_bytes > overflow.limits.disk_bytes * _RESUME_BELOW
        if self._is_crowded:
            return []
        unwritten = overflow.unwritten_from()
        entries = [
            entry
            for track in self._outbox.tracks
            if track.pending or track.exposed
            if track.highest - self._secured(track, unwritten) > self._distance(track)
            for entry in track.unsaved()
        ]
        entries.sort(key=attrgetter("order"))
        return self._split(entries)

    def _distance(self, track: Track) -> int:
        return self._replayable(track.shard_id, track.session_id) // 2

    def _split(self, entries: Iterable[Entry]) -> list[Write]:
        """Split entries in order of arrival among files."""
        writes: list[Write] = []
        size = limit = self._overflow.limits.segment_bytes
        for entry in entries:
            interval = bisect_left(self._overflow.bounds, entry.order)
            if not writes or size >= limit or writes[-1].backup.interval != interval:
                backup = self._file(interval, limit) if not writes else None
                backup = backup or Backup(self._overflow.next_number(), interval)
                writes.append(Write(backup, []))
                size = backup.size
            writes[-1].entries.append(entry)
            size += entry.size()
        return writes

    def _file(self, interval: int, limit: int) -> Backup | None:
        latest = self._latest
        fits = latest is not None and latest.interval == interval and latest.size < limit
        return latest if fits and latest in self._backups else None

    def written(self, write: Write, size: int) -> None:
        """Record a write; the file grew by ``size``."""
        backup = write.backup
        if not backup.size:
            self._backups.append(backup)
        self._latest = backup
        backup.size += size
        self._overflow.disk_bytes += size
        for entry in write.entries:
            track, seq = entry.track, entry.envelope.seq
            backup.left.setdefault(track, deque()).append(seq)
            track.saved = max(track.saved, seq)
            track.exposed.pop(seq, None)

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
        for track, seqs in backup.left.items():
            for seq in seqs:
                track.expose(seq)
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
