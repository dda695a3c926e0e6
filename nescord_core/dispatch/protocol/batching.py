"""Decides how long to wait for more events before a message is sent: not at all when events are rare.

A gRPC message costs about 0.1 ms of CPU on each side whatever it carries, so batching decides the cost of
dense traffic; for sparse traffic, waiting would not bring a second event.
"""

from __future__ import annotations

__all__ = ["Linger"]

_MEMORY = 0.1
"""Seconds over which the rate is averaged."""

_DENSE = 5.0
"""Expected events per full linger from which on the full linger is waited."""


class Linger:
    """Schedules the next message; ``longest`` is the longest wait in seconds.

    Messages are spaced, not delayed: the first one after a quiet period is always sent at once.
    """

    __slots__ = ("_last", "_longest", "_rate")

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._rate = 0.0
        self._last = float("-inf")

    @property
    def rate(self) -> float:
        """The average rate in events per second."""
        return self._rate

    def delay(self, now: float) -> float:
        """Return the seconds to wait before sending what is queued at ``now``."""
        expected = self._rate * self._longest
        if expected <= 1.0:
            return 0.0
        spacing = self._longest * min(1.0, (expected - 1.0) / (_DENSE - 1.0))
        return max(0.0, self._last + spacing - now)

    def sent(self, now: float, events: int) -> None:
        """Record that a message with ``events`` events was sent at ``now``."""
        elapsed = max(now - self._last, 1e-6)
        weight = elapsed / (elapsed + _MEMORY) if elapsed < float("inf") else 1.0
        sample = events / elapsed
        self._rate += (sample - self._rate) * weight
        self._last = now
