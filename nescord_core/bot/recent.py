"""The last events of a bot that is being written and what it asked of Discord for them, in state_dir/recent.

`nescord events last` shows them, and has changed code handle them again. Each process appends to a file of
its own; the oldest files go.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["FOLDER", "Recent"]

FOLDER = "recent"
_FILE_BYTES = 2 * 1024 * 1024
_FILES = 8
_PENDING_BYTES = 256 * 1024
_FLUSH_AFTER = 0.05


class Recent:
    """Writes lines together, a little later; what comes faster than the disk takes it is left out."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / FOLDER
        self._fd = -1
        self._size = 0
        self._pending = bytearray()
        self._due: asyncio.TimerHandle | None = None

    def put(self, line: bytes) -> None:
        """Take a line."""
        if len(self._pending) + len(line) > _PENDING_BYTES:
            return
        self._pending += line
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        """Write what is pending; a disk that refuses costs these lines and nothing else."""
        self._due = None
        lines, self._pending = self._pending, bytearray()
        if not lines:
            return
        with suppress(OSError):
            if self._fd < 0 or self._size > _FILE_BYTES:
                self._begin()
            self._size += os.write(self._fd, lines)

    def close(self) -> None:
        """Write what is pending and close the file."""
        if self._due is not None:
            self._due.cancel()
        self.flush()
        self._end()

    def _begin(self) -> None:
        self._end()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{time.time_ns():020d}.{os.getpid()}.jsonl"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = 0
        for old in sorted(self._folder.glob("*.jsonl"))[:-_FILES]:
            old.unlink(missing_ok=True)

    def _end(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
