"""Decides how long to wait before a replica is dialled again. Pure.

A replica that drains is dialled at once: its successor is there already. But one whose streams end as soon as
they have begun, however they end, is dialled with growing pauses, which are forgotten only after a stream has
held or has delivered something.
"""

from __future__ import annotations

__all__ = ["Redial"]


class Redial:
    """The pauses of one address, from ``shortest`` to ``longest`` seconds.

    A stream counts as one that has held after ``longest`` seconds.
    """

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest = shortest
        self._longest = longest
        self._failures = 0
        self._began = float("-inf")

    def began(self, now: float) -> None:
        """Record that a stream has begun."""
        self._began = now

    def failed(self) -> float:
        """Return the pause after an attempt that led to no stream."""
        self._failures += 1
        return min(self._longest, self._shortest * 2.0 ** min(self._failures - 1, 16))

    def ended(self, now: float, *, delivered: bool, broken: bool) -> float:
        """Return the pause after a stream; ``delivered`` is whether its replica has finished an event."""
        if not delivered and now - self._began < self._longest:
            # The first one is free, so that a main that is reloaded twice in a moment is not waited for.
            is_first, pause = not self._failures, self.failed()
            return 0.0 if is_first and not broken else pause
        self._failures = 0
        return self._shortest if broken else max(0.0, self._began + self._shortest - now)
