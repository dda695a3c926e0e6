"""Notices a worker whose event loop stands still: one that is asked and does not answer, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["HangDetector"]

ASKS = 5
"""How often a worker is asked before it counts as hung: a parent that stood still itself has not asked."""


class HangDetector:
    """Counts unanswered questions. ``patience`` is in seconds, 0 for ever."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._unanswered = 0

    def felt(self) -> None:
        """The worker has said something."""
        self._unanswered = 0

    async def stops(self, ask: Callable[[], None]) -> None:
        """Ask regularly; return once nothing was said for the patience."""
        if self._patience <= 0:
            await asyncio.Event().wait()
        while self._unanswered < ASKS:
            self._unanswered += 1
            ask()
            await asyncio.sleep(self._patience / ASKS)
