"""Sets of integers stored as ranges: nearly consecutive numbers take hardly any memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

__all__ = ["RangeSet", "coalesce"]


def coalesce(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the numbers as sorted inclusive ranges (first, last)."""
    ranges: list[tuple[int, int]] = []
    first = last = None
    for number in sorted(numbers):
        if last is None or first is None:
            first = last = number
        elif number <= last + 1:
            last = number
        else:
            ranges.append((first, last))
            first = last = number
    if first is not None and last is not None:
        ranges.append((first, last))
    return ranges


class RangeSet:
    """A set of integers; adding near the upper end is cheap, however many ranges there are."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __len__(self) -> int:
        """Return the number of ranges, which determines the memory used."""
        return len(self._firsts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def add(self, number: int) -> None:
        """Add one number."""
        lasts = self._lasts
        if lasts and number == lasts[-1] + 1:
            lasts[-1] = number
        else:
            self.add_range(number, number)

    def add_range(self, first: int, last: int) -> None:
        """Add every number from ``first`` to ``last``, inclusive."""
        firsts, lasts = self._firsts, self._lasts
        # Ranges that touch or overlap [first - 1, last + 1] are merged.
        start = bisect_right(lasts, first - 2)
        end = bisect_right(firsts, last + 1)
        if start < end:
            first = min(first, firsts[start])
            last = max(last, lasts[end - 1])
        firsts[start:end] = [first]
        lasts[start:end] = [last]

    def remove_range(self, first: int, last: int) -> None:
        """Remove every number from ``first`` to ``last``, inclusive."""
        firsts, lasts = self._firsts, self._lasts
        start, end = bisect_left(lasts, first), bisect_right(firsts, last)
        left: list[tuple[int, int]] = []
        if start < end:
            left = [(firsts[start], first - 1), (last + 1, lasts[end - 1])]
        kept = [(low, high) for low, high in left if low <= high]
        firsts[start:end] = [low for low, _ in kept]
        lasts[start:end] = [high for _, high in kept]

    def drop_lowest(self, count: int) -> None:
        """Remove the ``count`` lowest ranges."""
        del self._firsts[:count]
        del self._lasts[:count]
