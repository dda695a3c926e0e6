"""Appends lines to rotated files in one folder; each process has a file of its own."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["RotatedFiles"]

_FILE_BYTES = 2 * 1024 * 1024


class RotatedFiles:
    """Rotating writer of one process; the first line creates the file.

    The newest ``keep`` files stay, of about 2 MB each; older ones are deleted. A failed write loses its lines
    and nothing else.
    """

    def __init__(self, folder: Path, *, keep: int) -> None:
        self._folder = folder
        self._keep = keep
        self._fd = -1
        self._size = 0

    def append(self, lines: bytes | bytearray) -> None:
        """Append complete lines."""
        with suppress(OSError):
            if self._fd < 0 or self._size > _FILE_BYTES:
                self._start_file()
            self._size += os.write(self._fd, lines)

    def close(self) -> None:
        """Close the file; the next line starts a new one."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _start_file(self) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{time.time_ns():020d}.{os.getpid()}.jsonl"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = 0
        for old in sorted(self._folder.glob("*.jsonl"))[: -self._keep]:
            old.unlink(missing_ok=True)
