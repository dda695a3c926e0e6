"""Times of a request's round trip to Discord, and the fastest of many."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["FastestRoundTrip", "RoundTrip"]

SAMPLE = 128
"""Answers per sample, of which the fastest is used."""
UNSEEN = 4.0
"""Factor for how much faster than the fastest of n the next may be: times (mean - fastest) / sqrt(n).

The square root, because a fast way there and a fast way back need not have coincided yet.
"""


class RoundTrip(NamedTuple):
    """Times of one request: ``sent``, ``received`` by our clock, ``seen`` by Discord's (None if unknown)."""

    sent: float
    received: float
    seen: float | None = None


class _Sample:
    """Count, minimum and sum of some values."""

    __slots__ = ("count", "lowest", "total")

    def __init__(self) -> None:
        self.count = 0
        self.lowest = math.inf
        self.total = 0.0


class FastestRoundTrip:
    """A lower bound for the next value, from the last one or two samples; ``unknown`` below ``least`` values.

    A value that is smaller than all before it by more than ``jump`` discards the samples: the clock that it
    is measured against has changed.
    """

    __slots__ = ("_former", "_jump", "_latest", "_least", "_lowest", "_unknown")

    def __init__(self, *, least: int, unknown: float, jump: float = math.inf) -> None:
        self._jump = jump
        self._least = least
        self._unknown = unknown
        self._former = _Sample()
        self._latest = _Sample()
        self._lowest = math.inf

    def add(self, value: float) -> None:
        """Add a value."""
        latest = self._latest
        if value < self._lowest - self._jump:
            self._former, latest = _Sample(), _Sample()
            self._lowest = math.inf
        elif latest.count == SAMPLE:
            self._former, latest = latest, _Sample()
            self._lowest = self._former.lowest
        self._latest = latest
        if value < latest.lowest:
            latest.lowest = value
            self._lowest = min(self._lowest, value)
        latest.count += 1
        latest.total += value

    @property
    def value(self) -> float:
        """The lower bound, or ``unknown``."""
        former, latest = self._former, self._latest
        count = former.count + latest.count
        if count < self._least:
            return self._unknown
        lowest = self._lowest
        return lowest - UNSEEN / math.sqrt(count) * ((former.total + latest.total) / count - lowest)
