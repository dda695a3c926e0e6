"""Shared IDENTIFY queues over a store in memory."""

from __future__ import annotations

from collections.abc import Callable

from nescord_core.gateway.identify.shared_queue import SharedIdentifyQueue, shared_window
from support.coordination.memory_store import MemoryBucket

__all__ = ["MemoryTurns"]


class MemoryTurns:
    """What the queues of all hosts of one event loop share; ``away`` makes it unreachable."""

    def __init__(self, clock: Callable[[], float], *, window: float) -> None:
        self._clock = clock
        self._window = shared_window(window)
        self._turns = MemoryBucket(clock, self._window)
        self._days = MemoryBucket(clock)

    def queue(self, bot: str = "bot") -> SharedIdentifyQueue:
        """Return the queue of one more host."""
        return SharedIdentifyQueue(self._turns, self._days, bot=bot, window=self._window, clock=self._clock)

    @property
    def away(self) -> bool:
        return self._turns.away

    @away.setter
    def away(self, away: bool) -> None:
        self._turns.away = self._days.away = away
