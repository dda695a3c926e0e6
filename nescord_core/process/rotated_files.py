"""A folder of files of lines: every process appends to one of its own, and the oldest files go."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["RotatedFiles"]

_FILE_BYTES = 2 * 1024 * 1024


class RotatedFiles:
    """Where one process writes; nothing is made before the first line.

    ``keep`` files stay, of 2 MB or a little more each. A disk that refuses costs the lines that were to be
    written, and nothing else.
    """

    def __init__(self, folder: Path, *, keep: int) -> None:
        self._folder = folder
        self._keep = keep
        self._fd = -1
        self._size = 0

    def append(self, lines: bytes | bytearray) -> None:
        """Write whole lines."""
        with suppress(OSError):
            if self._fd < 0 or self._size > _FILE_BYTES:
                self._begin()
            self._size += os.write(self._fd, lines)

    def close(self) -> None:
        """Close the file; another line begins a new one."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _begin(self) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{time.time_ns():020d}.{os.getpid()}.jsonl"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = 0
        for old in sorted(self._folder.glob("*.jsonl"))[: -self._keep]:
            old.unlink(missing_ok=True)
