"""A request's way to Discord and back, and the quickest of many."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["FastestRoundTrip", "RoundTrip"]

SAMPLE = 128
"""Answers of which the quickest is taken, and after which the next sample begins."""
UNSEEN = 4.0
"""How much quicker than the quickest of n the next may be: so often the mean's distance from it, by root n.

By the root, as a way there and a way back that were both quick need not have met in one request yet.
"""


class RoundTrip(NamedTuple):
    """One request's way: sent and answered in our clock, looked at in Discord's (None: not said)."""

    sent: float
    received: float
    seen: float | None = None


class _Sample:
    """The smallest of some values, and their sum."""

    __slots__ = ("count", "lowest", "total")

    def __init__(self) -> None:
        self.count = 0
        self.lowest = math.inf
        self.total = 0.0


class FastestRoundTrip:
    """What the next value is hardly below, by the last one to two samples; ``unknown`` before ``least``.

    A value that is smaller than all before it by more than ``jump`` begins anew: what it is measured against
    has changed, and one value alone does not say which part of it is the way.
    """

    __slots__ = ("_former", "_jump", "_latest", "_least", "_unknown")

    def __init__(self, *, least: int, unknown: float, jump: float = math.inf) -> None:
        self._jump = jump
        self._least = least
        self._unknown = unknown
        self._former = _Sample()
        self._latest = _Sample()

    def note(self, value: float) -> None:
        """Take in one more value."""
        latest = self._latest
        if value < min(self._former.lowest, latest.lowest) - self._jump:
            self._former, latest = _Sample(), _Sample()
        elif latest.count == SAMPLE:
            self._former, latest = latest, _Sample()
        self._latest = latest
        latest.lowest = min(latest.lowest, value)
        latest.count += 1
        latest.total += value

    @property
    def value(self) -> float:
        """The value, as far as it is known."""
        former, latest = self._former, self._latest
        count = former.count + latest.count
        if count < self._least:
            return self._unknown
        lowest = min(former.lowest, latest.lowest)
        return lowest - UNSEEN / math.sqrt(count) * ((former.total + latest.total) / count - lowest)
