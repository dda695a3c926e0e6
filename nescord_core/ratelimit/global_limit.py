"""The global limit of a token: a number of requests per second over all routes, shown by no header.

Discord counts a request on arrival, at some time between its being sent and its answer; the next request to
use its slot must arrive at least a second later. As that one travels as well, at least as long as the fastest
ones do, a slot is free a second after the latest possible arrival, less the fastest travel time. The arrival
is estimated in two ways, both of which can only be late, and the earlier one is used:

- the answer's time of arrival, less the fastest of all round trips;
- Discord's clock: a bucket's Reset less its Reset-After is when the request was processed. The offset of that
  clock does not matter, as only differences to the smallest value (the fastest travel) are used. A clock that
  jumps, or several servers with different clocks, make slots end later, never earlier.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort

from nescord_core.ratelimit.round_trips import SAMPLE, FastestRoundTrip, RoundTrip

__all__ = ["GlobalLimit"]

WINDOW = 1.007
"""Seconds: slightly more than one, for clocks with millisecond resolution."""
WIDEST = 1.25
WIDEN = 0.02
MOST_DELAY = 1.0
"""Longest assumed travel time of a request in seconds; used in full for unanswered requests."""
JUMP = 0.02
"""Seconds by which Discord's clock must go back to count as another clock."""
FEW = 16
"""Answers with Discord's time required before the fastest travel time is estimated from them."""


class GlobalLimit:
    """At most ``limit`` arrivals in any window; None means no limit. Times are monotonic seconds."""

    __slots__ = ("_blocked_until", "_ends", "_outbound", "_purge_at", "_trip", "limit", "window")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.window = WINDOW
        self._ends: list[float] = []
        self._purge_at = FEW
        self._blocked_until = 0.0
        self._trip = FastestRoundTrip(least=SAMPLE, unknown=0.0)
        self._outbound = FastestRoundTrip(least=FEW, unknown=-math.inf, jump=JUMP)

    def next_at(self, now: float) -> float:
        """Return when the next grant is possible; a time up to ``now`` means at once."""
        if self.limit is None:
            return now
        ends, limit = self._ends, self.limit
        free = now if len(ends) < limit else ends[len(ends) - limit]
        return free if free > self._blocked_until else self._blocked_until

    def take(self, now: float) -> None:
        """Use one slot."""
        if self.limit is None:
            return
        ends = self._ends
        if len(ends) >= self._purge_at:
            # Not at every request: under a high limit, the list is long.
            del ends[: bisect_right(ends, now)]
            self._purge_at = 2 * len(ends) + FEW
        insort(ends, now + WIDEST + MOST_DELAY)

    def answered(self, granted_at: float, round_trip: RoundTrip) -> None:
        """Record an answer, which narrows down when its slot ends."""
        if self.limit is None:
            return
        arrival = self._arrival(round_trip)
        if arrival < granted_at:
            arrival = granted_at
        elif arrival > granted_at + MOST_DELAY:
            arrival = granted_at + MOST_DELAY
        if self._drop(granted_at):
            insort(self._ends, arrival + self.window)

    def _arrival(self, round_trip: RoundTrip) -> float:
        """Return the latest possible arrival, less the fastest travel time."""
        sent, received, seen = round_trip
        self._trip.add(received - sent if received > sent else 0.0)
        arrival = received - self._trip.value
        if seen is None:
            return arrival
        self._outbound.add(seen - sent)
        return min(arrival, seen - self._outbound.value)

    def give_back(self, granted_at: float) -> None:
        """Return the slot of a request that was never sent."""
        self._drop(granted_at)

    def block(self, until: float) -> None:
        """Apply a global 429: stop until then, and space requests slightly wider from now on."""
        if self.limit is None:
            return
        self._blocked_until = max(self._blocked_until, until)
        self.window = min(self.window + WIDEN, WIDEST)

    def _drop(self, granted_at: float) -> bool:
        end = granted_at + WIDEST + MOST_DELAY
        at = bisect_left(self._ends, end)
        if at == len(self._ends) or self._ends[at] != end:
            return False
        del self._ends[at]
        return True
