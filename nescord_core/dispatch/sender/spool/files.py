"""The files of the spool: a folder per process under ``state_dir/spool``, a file per segment.

A process is alive as long as it holds its folder's lock; the system releases the lock of a killed one, and
the next process with the same first shard takes the folder over. A write survives the process (kill -9), not
the machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import logging
import os
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from nescord_core.dispatch.sender.spool.records import MAGIC, Stored, Unfit, decode, encode_fitting
from nescord_core.dispatch.sender.spool.salvage import salvage
from nescord_core.plurals import counted
from nescord_core.process.state_dir import make_folder, open_file, read_bytes, set_aside

__all__ = ["Leftover", "SpoolFiles"]

log = logging.getLogger(__name__)

_LOCK = "lock"
_SUFFIX = ".events"


@dataclass(eq=False)
class Leftover:
    """A file of an earlier process: sorted seqs and bytes by (shard, session id).

    ``first`` is the lowest position of its events in the order of arrival.
    """

    path: Path
    first: int = 0
    seqs: dict[tuple[int, str], Sequence[int]] = field(default_factory=dict)
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

    def append(self, number: int, items: Sequence[Stored]) -> tuple[int, list[Unfit]]:
        """Append events to a segment's file; return by how many bytes it grew, and what cannot be written.

        A partial write is undone.
        """
        encoded, unfit = encode_fitting(items)
        path = self._path(number)
        fd = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            before = os.fstat(fd).st_size
            data = encoded if before else MAGIC + encoded
            try:
                _write_all(fd, data)
            except OSError:
                os.ftruncate(fd, before)
                raise
        finally:
            os.close(fd)
        return len(data), unfit

    def read(self, number: int) -> list[Stored]:
        """Return the intact records of a segment's file."""
        return read_file(self._path(number))

    def remove(self, number: int) -> None:
        """Remove a segment's file."""
        self._path(number).unlink(missing_ok=True)

    def take_over(self) -> list[Leftover]:
        """Return the files that dead processes have left for this one, in the order they received the events.

        Of one process, the file with the earlier first event comes first.
        """
        found: list[Leftover] = []
        for folder in sorted(self._folder.glob("*-*"), key=_created):
            if self._is_ours(folder) and self._lock(folder):
                files = [_examined(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))]
                found += sorted(files, key=attrgetter("first"))
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


def read_file(path: Path, *, is_known: bool = False) -> list[Stored]:
    """Return the intact records of a file; none if it does not exist.

    Damage is logged in one line, unless it ``is_known`` from an earlier reading.
    """
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return []
    stored, is_whole = decode(data)
    if is_whole:
        return stored
    if not data.startswith(MAGIC):
        set_aside(path, "it does not begin as a file of the spool")
        return []
    stored, unreadable = salvage(data)
    if not is_known:
        log.error(
            "%s is damaged: skipping %s of %d that cannot be read; %s in it can",
            path,
            counted(unreadable, "byte"),
            len(data),
            counted(len(stored), "event"),
        )
    return stored


def _examined(path: Path) -> Leftover:
    items = read_file(path)
    left = Leftover(path, first=min((item.order for item in items), default=0))
    seqs: dict[tuple[int, str], list[int]] = {}
    for item in items:
        name = item.envelope[:2]
        seqs.setdefault(name, []).append(item.envelope.seq)
        left.bytes[name] += len(item.envelope.data)
    left.seqs.update((name, array("q", sorted(found))) for name, found in seqs.items())
    return left


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _created(folder: Path) -> float:
    """Return when a process made its folder: its lock is never written again."""
    try:
        return (folder / _LOCK).stat().st_mtime
    except FileNotFoundError:
        return 0.0
