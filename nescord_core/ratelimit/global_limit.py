"""The limit over all routes of a token: so many requests in any second, told by no header."""

from __future__ import annotations

from collections import deque

__all__ = ["GlobalLimit"]

WINDOW = 1.03
"""Seconds. A strict 1.0 still leaks 429s, because requests bunch up on their way."""
WIDEST = 1.25
WIDEN = 0.02


class GlobalLimit:
    """At most ``limit`` grants in any window; None means no limit. Times are monotonic seconds."""

    __slots__ = ("_blocked_until", "_grants", "limit", "window")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.window = WINDOW
        self._grants: deque[float] = deque()
        self._blocked_until = 0.0

    def next_at(self, now: float) -> float:
        """Return when the next grant is possible; not after ``now`` means at once."""
        if self.limit is None:
            return now
        grants = self._grants
        while grants and grants[0] + self.window <= now:
            grants.popleft()
        free = now if len(grants) < self.limit else grants[0] + self.window
        return max(free, self._blocked_until)

    def take(self, now: float) -> None:
        """Spend one slot."""
        if self.limit is not None:
            self._grants.append(now)

    def give_back(self, granted_at: float) -> None:
        """Return the slot of a request that was never sent."""
        if granted_at in self._grants:
            self._grants.remove(granted_at)

    def block(self, until: float) -> None:
        """Stop until then, and keep a little more distance from now on: Discord said it was too much."""
        if self.limit is None:
            return
        self._blocked_until = max(self._blocked_until, until)
        self.window = min(self.window + WIDEN, WIDEST)
