"""A request's way to Discord and back, and the quickest of many."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["Flight", "Quickest"]

SAMPLE = 128
"""Answers of which the quickest is taken, and after which the next sample begins."""


class Flight(NamedTuple):
    """One request's way: sent and answered in our clock, looked at in Discord's (None: not said)."""

    sent: float
    received: float
    seen: float | None = None


class Quickest:
    """The smallest of the last one to two samples; ``unknown`` stands for it before ``least`` values.

    A value that is smaller than all before it by more than ``jump`` begins anew: what it is measured against
    has changed, and one value alone does not say which part of it is the way.
    """

    __slots__ = ("_count", "_former", "_jump", "_least", "_lowest", "_unknown")

    def __init__(self, *, least: int, unknown: float, jump: float = math.inf) -> None:
        self._jump = jump
        self._least = least
        self._unknown = unknown
        self._former = math.inf
        self._lowest = math.inf
        self._count = 0

    def note(self, value: float) -> None:
        """Take in one more value."""
        if value < min(self._former, self._lowest) - self._jump:
            self._former, self._lowest, self._count = math.inf, math.inf, 0
        self._lowest = min(self._lowest, value)
        self._count += 1
        if self._count % SAMPLE == 0:
            self._former, self._lowest = self._lowest, math.inf

    @property
    def value(self) -> float:
        """The smallest value, as far as it is known."""
        return min(self._former, self._lowest) if self._count >= self._least else self._unknown
