"""Events that were in flight when processes died run one after the other, so that the next death names one.

Pure bookkeeping: the receiver hands on what it is told to hand on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["SET_ASIDE", "SUSPECT", "Isolation"]

SUSPECT = 2
"""Deaths in a row from which on an event runs with nothing new beside it."""

SET_ASIDE = 3
"""Deaths in a row after which an event is recorded and not handled any more."""

T = TypeVar("T")


class Isolation(Generic[T]):
    """While a suspect runs, whatever comes waits behind it, in order."""

    def __init__(self) -> None:
        self._alone: T | None = None
        self._waiting: deque[tuple[T, bool]] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether no suspect runs and nothing waits."""
        return self._alone is None and not self._waiting

    def arrive(self, item: T, *, suspect: bool) -> bool:
        """Take in an event; true when it is to begin at once."""
        if not self.is_idle:
            self._waiting.append((item, suspect))
            return False
        if suspect:
            self._alone = item
        return True

    def release(self, item: T) -> list[T]:
        """The event has ended, or has run alone for long enough; returns what is to begin now, in order."""
        if self._alone is not item:
            return []
        self._alone = None
        begun: list[T] = []
        while self._waiting and self._alone is None:
            following, suspect = self._waiting.popleft()
            begun.append(following)
            if suspect:
                self._alone = following
        return begun

    def withdraw(self, is_gone: Callable[[T], bool]) -> list[T]:
        """Give up on waiting events; returns them."""
        gone = [item for item, _ in self._waiting if is_gone(item)]
        self._waiting = deque(pair for pair in self._waiting if not is_gone(pair[0]))
        return gone
