"""Decides when events start: in order per key, with limited concurrency, one at a time where required.

Pure bookkeeping; the runtime starts events and reports when they end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["EventOrder"]

T = TypeVar("T")


@dataclass(slots=True)
class _Entry(Generic[T]):
    item: T
    key: int
    exclusive: bool
    slots: int


class EventOrder(Generic[T]):
    """Releases events in the order of their arrival.

    An ``exclusive`` event blocks every later event of its key until it has ended. At most ``limit`` slots are
    in use at once; an event takes one per asynchronous handler, and one that needs more than there are runs
    alone. Events with only plain handlers take none, but never overtake.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._backlog: deque[_Entry[T]] = deque()
        self._closed: dict[int, deque[_Entry[T]]] = {}

    @property
    def waiting(self) -> int:
        """The number of events that have arrived and not started."""
        return len(self._backlog) + sum(map(len, self._closed.values()))

    def arrive(self, item: T, key: int, *, exclusive: bool = False, slots: int = 1) -> bool:
        """Add an event; return whether it may start at once."""
        # Behind a backlog nothing may start, or it would overtake an older event of its key.
        if not self._backlog and key not in self._closed and self._fits(slots):
            if exclusive:
                self._closed[key] = deque()
            self._used += slots
            return True
        entry = _Entry(item, key, exclusive, slots)
        lane = None if self._backlog else self._closed.get(key)
        (self._backlog if lane is None else lane).append(entry)
        return False

    def ended(self, key: int, *, exclusive: bool = False, slots: int = 1) -> list[T]:
        """Record the end of an event; return the events to start now, in order."""
        self._used -= slots
        if exclusive:
            # Events of this key in the backlog arrived after those that waited for this one.
            self._backlog.extendleft(reversed(self._closed.pop(key)))
        return self._start()

    def withdraw(self, matches: Callable[[T], bool] = lambda _: True) -> list[T]:
        """Remove and return events that have not started, by default all of them."""
        withdrawn: list[T] = []
        for queue in (*self._closed.values(), self._backlog):
            remaining = [entry for entry in queue if not matches(entry.item)]
            if len(remaining) < len(queue):
                withdrawn += [entry.item for entry in queue if matches(entry.item)]
                queue.clear()
                queue.extend(remaining)
        return withdrawn

    def _fits(self, slots: int) -> bool:
        return slots == 0 or self._used == 0 or self._used + slots <= self._limit

    def _start(self) -> list[T]:
        started: list[T] = []
        while self._backlog:
            entry = self._backlog[0]
            lane = self._closed.get(entry.key)
            if lane is not None:
                lane.append(self._backlog.popleft())
                continue
            if not self._fits(entry.slots):
                break
            self._backlog.popleft()
            self._used += entry.slots
            if entry.exclusive:
                self._closed[entry.key] = deque()
            started.append(entry.item)
        return started
