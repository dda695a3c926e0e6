"""Stores the last events of a bot in development, and the REST calls they caused, in state_dir/recent.

`nescord events last` shows them and replays them on changed code. Each process appends to a file of its own;
the oldest files are deleted.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from nescord_core.process.rotated_files import RotatedFiles

__all__ = ["FOLDER", "RecentEvents"]

FOLDER = "recent"
_FILES = 8
_PENDING_BYTES = 256 * 1024
_FLUSH_AFTER = 0.05


class RecentEvents:
    """Writes lines in batches, slightly delayed; drops lines that arrive faster than the disk can write."""

    def __init__(self, state_dir: Path) -> None:
        self._files = RotatedFiles(state_dir / FOLDER, keep=_FILES)
        self._pending = bytearray()
        self._due: asyncio.TimerHandle | None = None

    def put(self, line: bytes) -> None:
        """Queue a line."""
        if len(self._pending) + len(line) > _PENDING_BYTES:
            return
        self._pending += line
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        """Write the pending lines; a disk error loses only those."""
        self._due = None
        lines, self._pending = self._pending, bytearray()
        if lines:
            self._files.append(lines)

    def close(self) -> None:
        """Write the pending lines and close the file."""
        if self._due is not None:
            self._due.cancel()
        self.flush()
        self._files.close()
