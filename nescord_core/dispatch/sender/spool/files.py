"""The files of the spool: a folder per process under ``state_dir/spool``, a file per segment.

A process is alive as long as it holds its folder's lock; the system releases the lock of a killed one, and
the next process with the same first shard takes the folder over. A write survives the process (kill -9), not
the machine.

Files that are no longer needed are kept as spares and overwritten: the pages that the system provides for a
new file cost more than everything else about a write.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import logging
import os
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nescord_core.dispatch.sender.spool.records import (
    Recorded,
    Stored,
    Unfit,
    decode,
    encode_fitting,
    end_mark,
)
from nescord_core.plurals import counted
from nescord_core.process.state_dir import make_folder, open_file, read_bytes, set_aside

__all__ = ["Leftover", "SpoolFiles"]

log = logging.getLogger(__name__)

_LOCK = "lock"
_SUFFIX = ".events"
_SPARE = ".spare"
_SPARES = 8
"""Files that a process keeps for new events."""


@dataclass(eq=False)
class Leftover:
    """A file of an earlier process: sorted seqs and bytes by (shard, session id).

    ``firsts`` has the lowest position of each session's events in the order of arrival at the process, and
    ``process`` tells earlier processes (0) from later ones.
    """

    path: Path
    process: int = 0
    seqs: dict[tuple[int, str], Sequence[int]] = field(default_factory=dict)
    firsts: dict[tuple[int, str], int] = field(default_factory=dict)
    bytes: Counter[tuple[int, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, path: Path, items: Iterable[Stored], *, process: int = 0) -> Leftover:
        """Summarize the events of a file."""
        left = cls(path, process)
        seqs: dict[tuple[int, str], list[int]] = {}
        for item in items:
            name = item.envelope[:2]
            seqs.setdefault(name, []).append(item.envelope.seq)
            left.firsts[name] = min(left.firsts.get(name, item.order), item.order)
            left.bytes[name] += len(item.envelope.data)
        left.seqs.update((name, array("q", sorted(found))) for name, found in seqs.items())
        return left


class SpoolFiles:
    """Every call blocks on the disk and may raise OSError; nothing is created before the first write.

    ``shard_ids`` are those of this process. The process with shard 0 takes over folders whose first shard no
    longer exists.
    """

    def __init__(self, folder: Path, *, name: str, shard_ids: Sequence[int], shard_count: int) -> None:
        self._folder = folder
        self._name = f"{min(shard_ids, default=0):05d}-{name}"
        self._own: Path | None = None
        self._shard_ids = frozenset(shard_ids)
        self._shard_count = shard_count
        self._locks: dict[Path, int] = {}
        self._ends: dict[int, int] = {}
        self._latest = -1
        self._spares: list[Path] = []

    def append(self, number: int, items: Sequence[Recorded]) -> tuple[int, list[Unfit]]:
        """Append events to a segment's file; return by how many bytes it grew, and what cannot be written.

        A partial write is undone.
        """
        blocks, unfit = encode_fitting(number, items)
        fd = self._open(number)
        try:
            end = begin = self._ends.get(number, 0)
            try:
                for block in blocks:
                    end += _write_all(fd, block, end)
                _write_all(fd, end_mark(number), end)
            except OSError:
                self._undo(fd, number, begin)
                raise
        finally:
            os.close(fd)
        self._ends[number] = end
        return end - begin, unfit

    def _open(self, number: int) -> int:
        """Open a file for writing; a new one takes the place of a spare."""
        path = self._path(number)
        if number not in self._ends and self._spares:
            with contextlib.suppress(FileNotFoundError):
                self._spares.pop().rename(path)
        if self._latest != number:
            self._cut(self._latest)
            self._latest = number
        return open_file(path, os.O_WRONLY | os.O_CREAT)

    def _cut(self, number: int) -> None:
        """Remove what an earlier use left behind a file's end."""
        end = self._ends.get(number)
        if end is not None:
            with contextlib.suppress(OSError):
                os.truncate(self._path(number), end + len(end_mark(number)))

    def _undo(self, fd: int, number: int, end: int) -> None:
        with contextlib.suppress(OSError):
            os.ftruncate(fd, end)
            if end:
                _write_all(fd, end_mark(number), end)

    def read(self, number: int) -> list[Stored]:
        """Return the intact records of a segment's file."""
        return read_file(self._path(number))

    def remove(self, number: int) -> None:
        """Remove a segment's file, or keep it as a spare."""
        path = self._path(number)
        self._ends.pop(number, None)
        if len(self._spares) < _SPARES:
            spare = path.with_suffix(_SPARE)
            with contextlib.suppress(FileNotFoundError):
                path.rename(spare)
                self._spares.append(spare)
        else:
            path.unlink(missing_ok=True)

    def take_over(self) -> list[Leftover]:
        """Return the files that dead processes have left for this one; earlier processes come first."""
        found: list[Leftover] = []
        for process, folder in enumerate(sorted(self._folder.glob("*-*"), key=_created)):
            if self._is_ours(folder) and self._lock(folder):
                _remove_spares(folder)
                found += [
                    Leftover.of(path, read_file(path), process=process)
                    for path in sorted(folder.glob(f"*{_SUFFIX}"))
                ]
        return found

    def close(self) -> None:
        """Remove empty folders and leave the rest to the next process."""
        for folder, lock in self._locks.items():
            _remove_spares(folder)
            if not any(folder.glob(f"*{_SUFFIX}")):
                with contextlib.suppress(OSError):
                    (folder / _LOCK).unlink(missing_ok=True)
                    folder.rmdir()
            os.close(lock)
        self._locks.clear()
        self._own = None

    def _is_ours(self, folder: Path) -> bool:
        first = folder.name.partition("-")[0]
        if not first.isdecimal() or folder in self._locks:
            return False
        return int(first) in self._shard_ids or (int(first) >= self._shard_count and 0 in self._shard_ids)

    def _path(self, number: int) -> Path:
        if self._own is None:
            self._own = self._make()
        return self._own / f"{number:08d}{_SUFFIX}"

    def _make(self) -> Path:
        make_folder(self._folder)
        for attempt in itertools.count():
            own = self._folder / f"{self._name}-{attempt}"
            with contextlib.suppress(FileExistsError):
                own.mkdir(mode=0o700)
                if self._lock(own):
                    return own
        raise AssertionError("unreachable: the attempts are unlimited")

    def _lock(self, folder: Path) -> bool:
        fd = open_file(folder / _LOCK, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._locks[folder] = fd
        return True


def read_file(path: Path, *, is_known: bool = False) -> list[Stored]:
    """Return the intact records of a file; none if it does not exist.

    Damage is logged in one line, unless it ``is_known`` from an earlier reading.
    """
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return []
    items, unreadable = decode(int(path.stem), data)
    if unreadable and not items:
        set_aside(path, "it contains no intact event")
    elif unreadable and not is_known:
        log.error(
            "%s is damaged: skipping %s of %d that cannot be read; %s in it can",
            path,
            counted(unreadable, "byte"),
            len(data),
            counted(len(items), "event"),
        )
    return items


def _remove_spares(folder: Path) -> None:
    for path in folder.glob(f"*{_SPARE}"):
        path.unlink(missing_ok=True)


def _write_all(fd: int, data: bytes, at: int) -> int:
    """Write to a position; return how much that is."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view = view[written:]
        at += written
    return len(data)


def _created(folder: Path) -> float:
    """Return when a process made its folder: its lock is never written again."""
    try:
        return (folder / _LOCK).stat().st_mtime
    except FileNotFoundError:
        return 0.0
