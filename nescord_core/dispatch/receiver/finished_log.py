"""Stores the finished events on disk, so that no other process of main handles them again.

Every process appends to a file of its own in ``state_dir/dedupe`` and reads everyone's: at the start, and
when an event arrives that may have been delivered before. A process is alive as long as it holds its file's
lock; the system releases the lock of a killed one, whose file is then taken over.

A write survives the process (kill -9), but not the machine: after a power cut, events may be handled twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from nescord_core.dispatch.receiver.dedupe import Dedupe
from nescord_core.dispatch.receiver.full_disk import write_all
from nescord_core.process.state_dir import make_folder, open_file

__all__ = ["FinishedLog"]

log = logging.getLogger("nescord.main")

_RETRY = 5.0
"""Seconds between two attempts to write to a disk that is full."""
_ROTATE_BYTES = 4 * 1024 * 1024
_CHECKSUM = b"\t#"
"""Separates a line's text from its checksum: a changed digit would make other events count as finished."""


class FinishedLog:
    """Use it as a context manager; meanwhile it holds a lock on its own file.

    ``name`` identifies the process to people who look into the folder; it need not be unique.
    """

    def __init__(self, folder: Path, *, name: str, window: int) -> None:
        self._folder = folder
        self._name = name
        self._path = folder
        self._fd = -1
        self._size = 0
        self._dedupe = Dedupe(window)
        self._unwritten: list[tuple[int, str, int]] = []
        self._read: dict[str, tuple[int, int]] = {}
        self._is_full = False
        self._retry_at = 0.0

    def __enter__(self) -> Self:
        self._path = self._folder / f"{self._name}.{os.getpid()}.log"
        try:
            make_folder(self._folder)
            self.refresh()
            self._rewrite()
            self._remove_dead()
        except FileNotFoundError:  # state_dir is lost, which the parent process says
            self._close()
        except OSError as error:
            self._lose(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def seen(self, shard_id: int, session_id: str, seq: int) -> bool:
        """Return whether this process, or one whose file was read, has finished the event."""
        return self._dedupe.seen(shard_id, session_id, seq)

    def add(self, shard_id: int, session_id: str, seq: int) -> None:
        """Record a finished event; `flush` publishes it to other processes."""
        self._dedupe.add(shard_id, session_id, seq)
        self._unwritten.append((shard_id, session_id, seq))

    def flush(self) -> None:
        """Write new entries: one system call, cheap enough to precede every acknowledgement."""
        if not self._unwritten:
            return
        data = _encode(_runs(self._unwritten))
        self._unwritten.clear()
        try:
            if self._is_full:
                self._retry()
            elif self._fd >= 0:
                write_all(self._fd, data)
                self._size += len(data)
                if self._size > _ROTATE_BYTES:
                    self._rewrite()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        """Go on without the file. What is finished is known in memory, and written once there is room."""
        self._retry_at = time.monotonic() + _RETRY
        if not self._is_full:
            self._is_full = True
            log.error(
                "cannot record finished events in %s (%s): if main is killed, events may be handled again",
                self._folder,
                error.strerror,
            )

    def _retry(self) -> None:
        """Write everything to a new file, if it is time to try."""
        if time.monotonic() >= self._retry_at:
            make_folder(self._folder)
            self._rewrite()
            self._is_full = False
            log.warning("finished events are recorded again")

    def refresh(self) -> None:
        """Read what other processes have written since the last call."""
        present = set()
        for path in self._folder.glob("*.log"):
            present.add(path.name)
            # Before our first write, a file of this name is a predecessor's with the same pid (containers).
            if path != self._path or self._fd < 0:
                self._read_new_lines(path)
        for gone in self._read.keys() - present:
            del self._read[gone]

    def _read_new_lines(self, path: Path) -> None:
        try:
            with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                known, offset = self._read.get(path.name, (inode, 0))
                if known != inode:
                    offset = 0  # rewritten
                file.seek(offset)
                data = file.read()
        except OSError:  # removed just now, or set aside
            return
        whole = data.rfind(b"\n") + 1  # the last line may be incomplete
        self._read[path.name] = (inode, offset + whole)
        unreadable = sum(not self._add_line(line) for line in data[:whole].splitlines())
        if unreadable:
            log.warning(
                "%s is damaged: %s skipped, whose events may be handled again",
                path,
                "1 line is" if unreadable == 1 else f"{unreadable} lines are",
            )

    def _add_line(self, line: bytes) -> bool:
        """Add a line's events; return whether the line is intact. A full disk can cut one short."""
        text, _, checksum = line.partition(_CHECKSUM)
        try:
            if checksum and int(checksum, 16) != zlib.crc32(text):  # versions up to 0.1 wrote none
                return False
            shard_id, session_id, first, last = text.decode().split("\t")
            self._dedupe.add(int(shard_id), session_id, int(first), int(last))
        except ValueError:
            return False
        return True

    def _rewrite(self) -> None:
        """Write the whole window to a new file, which replaces the old one."""
        new_path = self._path.with_suffix(".new")
        fd = open_file(new_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            write_all(fd, _encode(self._dedupe))
            new_path.replace(self._path)
        except OSError:
            os.close(fd)
            raise
        if self._fd >= 0:
            os.close(self._fd)
        # Counts from here, so that a window above the limit is not rewritten at every flush.
        self._fd, self._size = fd, 0

    def _remove_dead(self) -> None:
        """Remove the files of dead processes; ours contains their entries."""
        for path in self._folder.glob("*.log"):
            if path == self._path:
                continue
            with contextlib.suppress(OSError):
                fd = open_file(path, os.O_RDONLY)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                finally:
                    os.close(fd)


def _runs(identities: Iterable[tuple[int, str, int]]) -> list[tuple[int, str, int, int]]:
    """Merge consecutive sequence numbers into ranges."""
    runs: list[tuple[int, str, int, int]] = []
    shard, session, first, last = -1, "", 0, -1
    for shard_id, session_id, seq in sorted(identities):
        if seq == last + 1 and shard_id == shard and session_id == session:
            last = seq
            continue
        if shard >= 0:
            runs.append((shard, session, first, last))
        shard, session, first, last = shard_id, session_id, seq, seq
    if shard >= 0:
        runs.append((shard, session, first, last))
    return runs


def _encode(runs: Iterable[tuple[int, str, int, int]]) -> bytes:
    texts = (f"{shard}\t{session}\t{first}\t{last}".encode() for shard, session, first, last in runs)
    return b"".join(b"%s%s%08x\n" % (text, _CHECKSUM, zlib.crc32(text)) for text in texts)
