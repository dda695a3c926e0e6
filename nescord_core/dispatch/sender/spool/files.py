"""The files of the spool: a folder per process under ``state_dir/spool``, a file per segment.

A process is alive as long as it holds its folder's lock; the system releases the lock of a killed one, and
the next process with the same first shard takes the folder over. A write survives the process (kill -9), not
the machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nescord_core.dispatch.sender.spool.records import MAGIC, Stored, decode, encode
from nescord_core.process.state_dir import make_folder, open_file, read_bytes

__all__ = ["Leftover", "SpoolFiles"]

_LOCK = "lock"
_SUFFIX = ".events"


@dataclass(eq=False)
class Leftover:
    """A file of an earlier process, with its events and bytes by (shard, session id)."""

    path: Path
    events: Counter[tuple[int, str]] = field(default_factory=Counter)
    bytes: Counter[tuple[int, str]] = field(default_factory=Counter)


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

    def append(self, number: int, items: Sequence[Stored]) -> int:
        """Append events to a segment's file and return by how many bytes it grew.

        A partial write is undone.
        """
        path = self._path(number)
        fd = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            before = os.fstat(fd).st_size
            data = encode(items) if before else MAGIC + encode(items)
            try:
                _write_all(fd, data)
            except OSError:
                os.ftruncate(fd, before)
                raise
        finally:
            os.close(fd)
        return len(data)

    def read(self, number: int) -> list[Stored]:
        """Return the intact records of a segment's file."""
        return read_file(self._path(number))

    def remove(self, number: int) -> None:
        """Remove a segment's file."""
        self._path(number).unlink(missing_ok=True)

    def take_over(self) -> list[Leftover]:
        """Return the files that dead processes have left for this one, in the order they were written."""
        found: list[Leftover] = []
        for folder in sorted(self._folder.glob("*-*"), key=_modified):
            if self._is_ours(folder) and self._lock(folder):
                found += [_examined(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))]
        return found

    def close(self) -> None:
        """Remove empty folders and leave the rest to the next process."""
        for folder, lock in self._locks.items():
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


def read_file(path: Path) -> list[Stored]:
    """Return the intact records of a file; none if it does not exist."""
    try:
        return decode(read_bytes(path))[0]
    except FileNotFoundError:
        return []


def _examined(path: Path) -> Leftover:
    left = Leftover(path)
    for item in read_file(path):
        name = item.envelope[:2]
        left.events[name] += 1
        left.bytes[name] += len(item.envelope.data)
    return left


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _modified(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
