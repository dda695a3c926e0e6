"""A lease on a stream: until when a replica may start events, and when ws may send them elsewhere.

A process that was frozen or cut off still has events in its buffers when it continues, and ws may have sent
them to another replica in the meantime. So main renews a lease with ws, and starts an event only within so
many seconds after it *requested* a renewal that was granted. When a stream breaks, ws waits as long after it
last *granted* one before it sends events in flight elsewhere. A request always precedes its grant, so main's
time is up before ws's, however the two clocks differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

__all__ = ["Fence", "Lease"]

_MAX_PENDING = 64
"""Renewal requests that are remembered while none is granted."""


@dataclass(slots=True)
class _Waiting:
    since: float
    go: Callable[[bool], None]
    is_released: bool = False
    is_late: bool = False


class Lease:
    """Main's side of one stream; ``seconds`` is the lease that ws offers, 0 if it offers none.

    Events have numbers that grow in the order in which they should start. An event that `may_begin` refuses
    is passed to `wait`. Its ``go`` is called with False once a renewal is granted; `may_begin` has to be
    checked again then. It is called with True if even the grant of a later request came too late to be sure:
    the event then starts although another replica may have it too, since a high latency would otherwise stop
    everything.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = float("inf") if not seconds else float("-inf")
        self._requests: dict[int, float] = {}
        self._last = 0
        self._waiting: dict[int, _Waiting] = {}
        self._order: list[int] = []

    @property
    def interval(self) -> float | None:
        """Seconds between two renewals; None without a lease."""
        return self._seconds / 3 if self._seconds else None

    def may_begin(self, number: int, now: float) -> bool:
        """Return whether an event may start now; if so, it no longer waits."""
        if not self._waiting:
            return now < self._until
        if number > self._first():  # or it would overtake
            return False
        waiting = self._waiting.get(number)
        if now >= self._until and not (waiting is not None and waiting.is_late):
            return False
        self.forget(number)
        return True

    def wait(self, number: int, go: Callable[[bool], None], now: float) -> bool:
        """Hold an event back; return True if it is the first one: a renewal is needed at once."""
        if number not in self._waiting:
            heappush(self._order, number)
        self._waiting[number] = _Waiting(now, go)
        return len(self._waiting) == 1

    def forget(self, number: int) -> None:
        """Stop waiting for an event."""
        self._waiting.pop(number, None)

    def request_renewal(self, now: float) -> int:
        """Record a renewal request and return its number."""
        self._last += 1
        self._requests[self._last] = now
        if len(self._requests) > _MAX_PENDING:
            del self._requests[next(iter(self._requests))]
        return self._last

    def renewed(self, request: int, now: float) -> None:
        """Extend the lease: a renewal was granted. Waiting events continue, in order."""
        requested_at = self._requests.get(request)
        if requested_at is None:
            return
        for older in [each for each in self._requests if each <= request]:
            del self._requests[older]
        self._until = max(self._until, requested_at + self._seconds)
        is_sure = now < self._until
        for _, waiting in sorted(self._waiting.items()):
            if not is_sure and waiting.since > requested_at:
                break
            if not waiting.is_released:
                waiting.is_released, waiting.is_late = True, not is_sure
                waiting.go(not is_sure)

    def end(self) -> None:
        """End the lease: the stream is gone, and none of its events may start."""
        self._until = float("-inf")
        self._requests.clear()
        self._waiting.clear()
        self._order.clear()

    def _first(self) -> int:
        while self._order[0] not in self._waiting:
            heappop(self._order)
        return self._order[0]


class Fence:
    """Ws's side of one stream: when the events in flight may be sent elsewhere."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = float("-inf")

    def granted(self, now: float) -> None:
        """Record that a renewal is granted now."""
        self._until = now + self.seconds

    def remaining(self, now: float) -> float:
        """Return the seconds left to wait."""
        return max(0.0, self._until - now)
