"""Detects which files of the project a worker writes, from the interpreter's audit events.

``open`` has (path, mode, flags), ``os.rename`` (source, destination, ...): the table of audit events in
https://docs.python.org/3/library/audit_events.html. An audit hook cannot be removed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nescord_core.reload.watching.matcher import SUFFIXES

__all__ = ["WRITES", "WriteDetector"]

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class WriteDetector:
    """Reports each file below a project that is opened for writing; pending reports are merged per file.

    Outside the project, where links may lead, only files of a kind that is watched are reported.
    """

    def __init__(self) -> None:
        self._root = ""
        self._pending: dict[str, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._callback: Callable[[str], None] = lambda _: None

    def watch(self, project: Path) -> None:
        """Start detecting writes below ``project`` (absolute)."""
        self._root = f"{project}{os.sep}"
        sys.addaudithook(self._audit)

    def notify(self, callback: Callable[[str], None]) -> None:
        """Call back for pending writes, and from now on for each write, in this event loop."""
        self._loop, self._callback = asyncio.get_running_loop(), callback
        self._flush()

    def take(self) -> list[str]:
        """Remove and return the pending paths."""
        pending, self._pending = list(self._pending), {}
        return pending

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes) and (arguments[2] or 0) & WRITING:
            self._record(arguments[0])
        elif event == "os.rename":
            self._record(arguments[1])

    def _record(self, path: Any) -> None:
        """Record a write; runs in any thread that writes and must not raise, which would stop the write."""
        try:
            full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - Path.resolve would open and recurse
            name = full.removeprefix(self._root)
            if (name != full or full.endswith(SUFFIXES)) and name not in self._pending:
                self._pending[name] = None
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._flush)
        except (OSError, RuntimeError, TypeError, ValueError):
            return

    def _flush(self) -> None:
        for path in self.take():
            self._callback(path)


WRITES = WriteDetector()
"""The detector of this process: audit hooks are per process."""
