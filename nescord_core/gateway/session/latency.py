"""Measures the round-trip time of heartbeats."""

from __future__ import annotations

__all__ = ["Latency"]


class Latency:
    """Round-trip time from heartbeat to acknowledgement, in seconds on any steady clock.

    Until the first acknowledgement, ``last`` is what was assumed; ``average`` is None.
    """

    __slots__ = ("_sent_at", "average", "last")

    SMOOTHING = 0.2

    def __init__(self) -> None:
        self._sent_at: float | None = None
        self.last: float | None = None
        self.average: float | None = None

    def sent(self, now: float) -> None:
        """Record a heartbeat. One still in flight keeps its time: the next acknowledgement is its own."""
        if self._sent_at is None:
            self._sent_at = now

    def acknowledged(self, now: float) -> None:
        """Record an acknowledgement; an unexpected one changes nothing."""
        if self._sent_at is None:
            return
        self.last = max(0.0, now - self._sent_at)
        self._sent_at = None
        old = self.last if self.average is None else self.average
        self.average = old + self.SMOOTHING * (self.last - old)

    @property
    def is_measured(self) -> bool:
        """Whether a heartbeat has been acknowledged."""
        return self.average is not None

    def assume(self, seconds: float) -> None:
        """Use another round trip until a heartbeat has been acknowledged; one that is known stays."""
        if self.last is None:
            self.last = max(0.0, seconds)

    def forget(self) -> None:
        """Drop the heartbeat in flight: its connection is gone."""
        self._sent_at = None
