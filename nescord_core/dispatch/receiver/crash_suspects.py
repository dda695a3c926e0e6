"""Runs events that were in flight during crashes one at a time, so that the next crash identifies one.

Pure bookkeeping: the receiver does the dispatching.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["SET_ASIDE", "SUSPECT", "Isolation"]

SUSPECT = 2
"""Consecutive crashes from which on an event runs while no other may start."""

SET_ASIDE = 3
"""Consecutive crashes after which an event is recorded and no longer handled."""

T = TypeVar("T")


class Isolation(Generic[T]):
    """Holds back, in order, everything that arrives while a suspect runs."""

    def __init__(self) -> None:
        self._alone: T | None = None
        self._waiting: deque[tuple[T, bool]] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether no suspect is running and nothing waits."""
        return self._alone is None and not self._waiting

    def arrive(self, item: T, *, suspect: bool) -> bool:
        """Add an event; return whether it may start at once."""
        if not self.is_idle:
            self._waiting.append((item, suspect))
            return False
        if suspect:
            self._alone = item
        return True

    def release(self, item: T) -> list[T]:
        """Return the events to start now, in order, as the event has ended or run alone for long enough."""
        if self._alone is not item:
            return []
        self._alone = None
        started: list[T] = []
        while self._waiting and self._alone is None:
            following, suspect = self._waiting.popleft()
            started.append(following)
            if suspect:
                self._alone = following
        return started

    def withdraw(self, matches: Callable[[T], bool]) -> list[T]:
        """Remove and return the waiting events that ``is_gone`` matches."""
        removed = [item for item, _ in self._waiting if matches(item)]
        self._waiting = deque(pair for pair in self._waiting if not matches(pair[0]))
        return removed
