"""Notices which files of the project a worker writes, by the interpreter's audit events.

``open`` has (path, mode, flags), ``os.rename`` (source, destination, ...): the table of audit events in
https://docs.python.org/3/library/audit_events.html. A hook cannot be taken away again.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["WRITES", "WriteDetector"]

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class WriteDetector:
    """Tells of each file below a project that is opened for writing, once until it is told."""

    def __init__(self) -> None:
        self._root = ""
        self._waiting: dict[str, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tell: Callable[[str], None] = lambda _: None

    def watch(self, project: Path) -> None:
        """Begin to notice what is written below ``project`` (absolute)."""
        self._root = f"{project}{os.sep}"
        sys.addaudithook(self._heard)

    def tell(self, told: Callable[[str], None]) -> None:
        """From now on tell at once, in this event loop; first what was noticed so far."""
        self._loop, self._tell = asyncio.get_running_loop(), told
        self._flush()

    def taken(self) -> list[str]:
        """Return what was noticed and not told yet."""
        waiting, self._waiting = list(self._waiting), {}
        return waiting

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes) and (arguments[2] or 0) & WRITING:
            self._noted(arguments[0])
        elif event == "os.rename":
            self._noted(arguments[1])

    def _noted(self, path: Any) -> None:
        """Runs wherever the bot writes, in any thread; it must not raise, as that would stop the write."""
        try:
            full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - Path.resolve would open and recurse
            if full.startswith(self._root) and full[len(self._root) :] not in self._waiting:
                self._waiting[full[len(self._root) :]] = None
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._flush)
        except (OSError, RuntimeError, TypeError, ValueError):
            return

    def _flush(self) -> None:
        for path in self.taken():
            self._tell(path)


WRITES = WriteDetector()
"""Those of this process: an audit hook belongs to a process."""
