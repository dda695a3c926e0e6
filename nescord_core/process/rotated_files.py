"""Appends lines to rotated files in one folder; each process has a file of its own."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from nescord_core.process import descriptors
from nescord_core.process.state_dir import make_folder, open_file

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
            is_new = self._fd < 0 or self._size > _FILE_BYTES
            if is_new:
                self._start_file()
            self._size += os.write(self._fd, lines)
            if is_new:
                self._remove_oldest()

    def close(self) -> None:
        """Close the file; the next line starts a new one."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _start_file(self) -> None:
        self.close()
        make_folder(self._folder)
        path = self._folder / f"{time.time_ns():020d}.{os.getpid()}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._fd = descriptors.opened(lambda: open_file(path, flags))
        self._size = 0

    def _remove_oldest(self) -> None:
        for old in sorted(self._folder.glob("*.jsonl"))[: -self._keep]:
            old.unlink(missing_ok=True)
