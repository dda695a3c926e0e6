"""The limit over all routes of a token: so many requests in any second, told by no header.

Discord counts a request when it arrives, somewhere between its being sent and its answer; the next to take
its slot has to arrive a second after that moment. Since that one needs its own time on the way, at least that
of the quickest ones, a slot is free a second after the latest moment of arrival, less the quickest way. Two
estimates of that moment are kept, both of which can only err to the late side, and the earlier one counts:

- the answer's own time, less the quickest of all round trips;
- Discord's clock: a bucket's Reset less its Reset-After is when the request was looked at. How far that clock
  is off does not matter, as only differences to the smallest one (the quickest way there) are used. A clock
  that jumps, or several servers with clocks of their own, make slots end later, never earlier.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort

from nescord_core.ratelimit.round_trips import SAMPLE, FastestRoundTrip, RoundTrip

__all__ = ["GlobalLimit"]

WINDOW = 1.007
"""Seconds. A little more than the second itself, for clocks that tick in milliseconds."""
WIDEST = 1.25
WIDEN = 0.02
MOST_DELAY = 1.0
"""Seconds that a request is believed to be on its way at most; unanswered ones count with all of it."""
JUMP = 0.02
"""Seconds by which Discord's clock goes back before it counts as another one."""
FEW = 16
"""Answers with Discord's time in them before the quickest way there is taken from them."""


class GlobalLimit:
    """At most ``limit`` arrivals in any window; None means no limit. Times are monotonic seconds."""

    __slots__ = ("_blocked_until", "_ends", "_trip", "_way", "limit", "window")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.window = WINDOW
        self._ends: list[float] = []
        self._blocked_until = 0.0
        self._trip = FastestRoundTrip(least=SAMPLE, unknown=0.0)
        self._way = FastestRoundTrip(least=FEW, unknown=-math.inf, jump=JUMP)

    def next_at(self, now: float) -> float:
        """Return when the next grant is possible; not after ``now`` means at once."""
        if self.limit is None:
            return now
        ends = self._ends
        if ends and ends[0] <= now:
            del ends[: bisect_right(ends, now)]
        free = now if len(ends) < self.limit else ends[len(ends) - self.limit]
        return max(free, self._blocked_until)

    def take(self, now: float) -> None:
        """Spend one slot."""
        if self.limit is not None:
            insort(self._ends, now + WIDEST + MOST_DELAY)

    def answered(self, granted_at: float, round_trip: RoundTrip) -> None:
        """Note an answer: its slot's end is known better from now on."""
        if self.limit is None:
            return
        arrival = max(self._arrival(round_trip), granted_at)
        if self._drop(granted_at):
            insort(self._ends, min(arrival, granted_at + MOST_DELAY) + self.window)

    def _arrival(self, round_trip: RoundTrip) -> float:
        """Return the latest moment of arrival, less the quickest way."""
        self._trip.note(max(round_trip.received - round_trip.sent, 0.0))
        arrival = round_trip.received - self._trip.value
        if round_trip.seen is not None:
            self._way.note(round_trip.seen - round_trip.sent)
            arrival = min(arrival, round_trip.seen - self._way.value)
        return arrival

    def give_back(self, granted_at: float) -> None:
        """Return the slot of a request that was never sent."""
        self._drop(granted_at)

    def block(self, until: float) -> None:
        """Stop until then, and keep a little more distance from now on: Discord said it was too much."""
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
