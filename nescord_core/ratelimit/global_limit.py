"""The limit over all routes of a token: so many requests in any second, told by no header.

Discord counts a request when it arrives, somewhere between its grant and its answer. What an answer took
longer than the quickest ones is taken to have passed on the way there (a new connection, a busy machine), so
that requests which bunch up on arrival cause no 429.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort

__all__ = ["GlobalLimit"]

WINDOW = 1.02
"""Seconds. A strict 1.0 still leaks 429s, because requests bunch up on their way."""
WIDEST = 1.25
WIDEN = 0.02
MOST_DELAY = 1.0
"""Seconds of an answer's delay that are taken for the way there; unanswered requests count with all of it."""
SAMPLE = 128
"""Answers of which the quickest tells how long an answer takes by itself."""


class GlobalLimit:
    """At most ``limit`` grants in any window; None means no limit. Times are monotonic seconds."""

    __slots__ = ("_answers", "_blocked_until", "_ends", "_floor", "_lowest", "limit", "window")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.window = WINDOW
        self._ends: list[float] = []
        self._blocked_until = 0.0
        self._floor = 0.0
        self._lowest = math.inf
        self._answers = 0

    def next_at(self, now: float) -> float:
        """Return when the next grant is possible; not after ``now`` means at once."""
        if self.limit is None:
            return now
        ends = self._ends
        if ends and ends[0] <= now:
            del ends[: bisect_right(ends, now)]
        free = now if len(ends) < self.limit else ends[len(ends) - self.limit]
        return max(free, self._blocked_until)

    def take(self, now: float) -> None:
        """Spend one slot."""
        if self.limit is not None:
            insort(self._ends, now + WIDEST + MOST_DELAY)

    def answered(self, granted_at: float, now: float) -> None:
        """Note when an answer came: its slot's end is known better from now on."""
        if self.limit is None:
            return
        took = now - granted_at
        self._lowest = min(self._lowest, took)
        self._answers += 1
        if self._answers % SAMPLE == 0:
            self._floor, self._lowest = self._lowest, math.inf
        if self._drop(granted_at):
            delay = min(max(took - self._floor, 0.0), MOST_DELAY)
            insort(self._ends, granted_at + self.window + delay)

    def give_back(self, granted_at: float) -> None:
        """Return the slot of a request that was never sent."""
        self._drop(granted_at)

    def block(self, until: float) -> None:
        """Stop until then, and keep a little more distance from now on: Discord said it was too much."""
        if self.limit is None:
            return
        self._blocked_until = max(self._blocked_until, until)
        self.window = min(self.window + WIDEN, WIDEST)

    def _drop(self, granted_at: float) -> bool:
        end = granted_at + WIDEST + MOST_DELAY
        at = bisect_left(self._ends, end)
        if at == len(self._ends) or self._ends[at] != end:
            return False
        del self._ends[at]
        return True
