"""Detects a worker whose event loop is blocked: it leaves several pings in a row unanswered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["HangDetector"]

PINGS = 5
"""Unanswered pings after which a worker counts as hung. A parent that was blocked itself has sent none."""


class HangDetector:
    """Counts unanswered pings. ``timeout`` is in seconds; 0 disables detection."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._unanswered = 0
        self.paused = False
        """Whether the worker is at a breakpoint: then it answers nothing, and is not hung."""

    def heard(self) -> None:
        """Record a message from the worker."""
        self._unanswered = 0

    async def until_hung(self, ping: Callable[[], None]) -> None:
        """Ping regularly; return once the worker has sent nothing for the whole time-out."""
        if self._timeout <= 0:
            await asyncio.Event().wait()
        while self._unanswered < PINGS:
            if self.paused:
                self._unanswered = 0
            else:
                self._unanswered += 1
                ping()
            await asyncio.sleep(self._timeout / PINGS)
