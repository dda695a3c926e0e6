"""The round trip of heartbeats."""

from __future__ import annotations

__all__ = ["Latency"]


class Latency:
    """Measures heartbeats against their acknowledgements; seconds, on any steady clock."""

    __slots__ = ("_sent_at", "average", "last")

    SMOOTHING = 0.2

    def __init__(self) -> None:
        self._sent_at: float | None = None
        self.last: float | None = None
        self.average: float | None = None

    def sent(self, now: float) -> None:
        """Note a beat. One on its way already keeps its time: the next acknowledgement belongs to it."""
        if self._sent_at is None:
            self._sent_at = now

    def acknowledged(self, now: float) -> None:
        """Note an acknowledgement; one that nobody waits for changes nothing."""
        if self._sent_at is None:
            return
        self.last = max(0.0, now - self._sent_at)
        self._sent_at = None
        old = self.last if self.average is None else self.average
        self.average = old + self.SMOOTHING * (self.last - old)

    def forget(self) -> None:
        """Drop the beat on its way: its connection is gone."""
        self._sent_at = None
