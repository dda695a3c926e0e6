"""One rate-limit bucket: how many requests it allows now, and when it allows the next.

The state is Discord's latest headers (limit, remaining, reset) less the requests in flight. Three kinds of
window exist. A leaky bucket gives one request back per interval; a fixed window gives all back at the reset;
a sliding log gives each back when its own time is over. Only what answers prove is relied on: until then a
bucket is assumed to give nothing back before its reset, which is safe for all three.
"""

from __future__ import annotations

import enum
import heapq
import math
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from nescord_core.ratelimit.response import Window

if TYPE_CHECKING:
    from nescord_core.ratelimit.route import SubLimit

__all__ = ["Bucket", "Kind", "Lane", "Queued"]

MARGIN = 0.002
"""Seconds to wait past a reset: Discord rounds to milliseconds, and clocks have a resolution."""
SAME_RESET = 0.05
"""Resets that differ by less than this (seconds) are the same moment."""
ENOUGH = 1 << 30


class Kind(enum.Enum):
    """How the bucket gives requests back, as far as it is known."""

    UNKNOWN = "no answer yet: one request at a time probes it"
    UNLIMITED = "answers carry no rate-limit headers"
    FIXED = "gives all back at the reset"
    LEAKY = "gives one back per interval"


# Looking up a member of an enum takes ten times as long as a name of the module, and the rules below do so
# for every request.
UNKNOWN, UNLIMITED, FIXED, LEAKY = Kind.UNKNOWN, Kind.UNLIMITED, Kind.FIXED, Kind.LEAKY


class Queued(Protocol):
    """An item of a lane; ``rank``, then ``seq``, decide the order."""

    rank: float
    seq: int


T = TypeVar("T", bound=Queued)


class Lane(Generic[T]):
    """A queue inside a bucket, ordered by rank, that a hidden limit can park without the other lanes."""

    __slots__ = (
        "_sent",
        "bucket",
        "bucket_hash",
        "cancelled",
        "heap",
        "in_flight",
        "key",
        "parked_until",
        "sub",
    )

    def __init__(self, key: str, bucket: Bucket[T], sub: SubLimit | None) -> None:
        self.key = key
        self.bucket = bucket
        self.bucket_hash = ""
        """Discord's hash of the bucket, if an answer has shown it."""
        self.sub = sub
        self.heap: list[tuple[float, int, T]] = []
        self.cancelled = 0
        self.in_flight = 0
        self.parked_until = 0.0
        self._sent: deque[float] = deque()

    def push(self, ticket: T) -> None:
        """Queue a ticket by its rank; a retried one gets its old position back."""
        heapq.heappush(self.heap, (ticket.rank, ticket.seq, ticket))

    def sent(self, now: float) -> None:
        """Record an answered request. Discord counted it before its answer, so this errs on the late side."""
        if self.sub is not None:
            self._sent.append(now)

    def next_at(self, now: float) -> float:
        """Return when the hidden limit allows the next request; infinite while that depends on an answer."""
        sub = self.sub
        if sub is None:
            return self.parked_until
        sent = self._sent
        while sent and sent[0] + sub.window + MARGIN <= now:
            sent.popleft()
        over = len(sent) + self.in_flight - sub.limit
        if over < 0:
            return self.parked_until
        if over >= len(sent):
            return math.inf
        return max(self.parked_until, sent[over] + sub.window + MARGIN)

    def idle_at(self, now: float) -> bool:
        """Return whether the lane can be dropped."""
        return not self.heap and not self.in_flight and self.next_at(now) <= now and not self._sent


class Bucket(Generic[T]):
    """The state of one bucket, shared by its ``lanes``. Times are monotonic seconds."""

    __slots__ = (
        "_as_of",
        "_confirmed",
        "_debt",
        "_interval",
        "_lost_at",
        "_period",
        "_reset",
        "_reset_after",
        "_since",
        "in_flight",
        "key",
        "kind",
        "lanes",
        "limit",
        "parked_until",
        "ready_rank",
        "remaining",
        "reset_at",
        "timer_at",
    )

    def __init__(self, key: str) -> None:
        self.key = key
        self.kind = UNKNOWN
        self.lanes: dict[str, Lane[T]] = {}
        self.in_flight = 0
        self.limit = 1
        self.remaining = 1
        self.reset_at = 0.0
        self.parked_until = 0.0
        self.ready_rank: float | None = None
        self.timer_at = math.inf
        self._as_of = 0.0
        self._reset_after = 0.0
        self._reset: float | None = None
        self._since = 0.0
        """Start of the current window: answers to requests granted earlier may be about the previous one."""
        self._period = 0.0
        self._interval = 0.0
        self._confirmed = False
        self._debt = 0
        self._lost_at = 0.0

    # -- queries -----------------------------------------------------------------------------------------

    def next_at(self, now: float) -> float:
        """Return when the next request may go; infinite while that depends on an answer in flight."""
        at = self._next_at(now)
        return at if at > self.parked_until else self.parked_until

    def _next_at(self, now: float) -> float:
        if self.kind is UNLIMITED:
            return now
        if self.kind is UNKNOWN:
            return math.inf if self.in_flight else now
        owed = self._owed(now)
        if now >= self.reset_at:
            # One request probes, once, whether the reset gives back everything.
            full = self.limit if self._confirmed or self.kind is LEAKY else 1
            if self.in_flight + owed < full:
                return now
            return self._debt_ends() if self.in_flight < full else math.inf
        missing = self.in_flight + 1 + owed - self.remaining
        if missing <= 0:
            return now
        if self.kind is LEAKY:
            return self._nth_back(missing)
        return self.reset_at if self.in_flight < self.limit else math.inf

    def _nth_back(self, nth: int) -> float:
        used = self.limit - self.remaining
        if nth > used:
            return self._debt_ends() if self._debt else math.inf
        return self._as_of + self._reset_after - (used - nth) * self._interval + MARGIN

    def _owed(self, now: float) -> int:
        """Return the number of requests that Discord may have counted although their answers are lost."""
        if self._debt and now >= self._debt_ends():
            # Expired by all we know, but no answer confirms it: let one request probe.
            self._debt = 0
            self._confirmed = False
            self.kind = FIXED
        return self._debt

    def _debt_ends(self) -> float:
        after_reset = self._debt * self._interval if self.kind is LEAKY else 0.0
        return max(self._lost_at + self._period, self.reset_at + after_reset) + MARGIN

    def has_queue(self) -> bool:
        """Return whether any lane has a queue. A plain loop, as this runs three times per request."""
        for lane in self.lanes.values():  # noqa: SIM110 - see above
            if lane.heap:
                return True
        return False

    def idle_at(self, now: float) -> bool:
        """Return whether the bucket can be dropped without losing state."""
        return (
            not self.in_flight
            and not self._owed(now)
            and now >= self.reset_at
            and now >= self.parked_until
            and not self.lanes
        )

    def ready(self, now: float) -> Iterator[tuple[tuple[float, int, T], Lane[T]]]:
        """Yield the head of each lane whose hidden limit allows a request now."""
        for lane in self.lanes.values():
            if lane.heap and lane.next_at(now) <= now:
                yield lane.heap[0], lane

    def lanes_next_at(self, now: float) -> float:
        """Return the earliest time at which the hidden limit of a queued lane allows a request."""
        return min((lane.next_at(now) for lane in self.lanes.values() if lane.heap), default=math.inf)

    # -- learning ----------------------------------------------------------------------------------------

    def learn(self, window: Window, now: float, granted_at: float, received: float | None = None) -> None:
        """Apply the headers of an answer, other than a 429, to a request granted at ``granted_at``.

        ``received`` is when the answer arrived, if earlier than ``now``: the headers are as of then.
        """
        arrived = now if received is None else min(received, now)
        if granted_at > self._lost_at:
            self._debt = 0  # this request reached Discord after the lost ones, so its headers include them
        if (self.kind is UNKNOWN or self.kind is UNLIMITED) or window.limit != self.limit:
            self._start(window, arrived)
            return
        if now < self.reset_at:
            if self._is_older(window, now):
                if granted_at >= self._since:
                    self.remaining = min(self.remaining, window.remaining)
                return
            self._infer_kind(window)
        elif granted_at >= self.reset_at:
            self._since = self.reset_at
            if self.kind is FIXED:
                self._confirmed = self._confirmed or window.remaining == window.limit - 1
        self._adopt(window, now, arrived)

    def learn_unlimited(self) -> None:
        """Record a successful answer without headers: some routes have no bucket."""
        if self.kind is UNKNOWN:
            self.kind = UNLIMITED

    def exhausted(self, until: float, window: Window | None) -> None:
        """Apply a 429 of the bucket itself; what was inferred about its kind was too optimistic."""
        self.kind = FIXED
        self._confirmed = False
        self._interval = 0.0
        self.remaining = 0
        self._debt = 0
        self.limit = window.limit if window else max(self.limit, 1)
        self._reset = window.reset if window else None
        self.reset_at = max(self.reset_at, until)

    def debit(self, now: float) -> None:
        """Count a request whose answer had no headers or was lost: Discord may have counted it."""
        if self.kind is FIXED or self.kind is LEAKY:
            self._debt = self._owed(now) + 1
            self._lost_at = now

    def _start(self, window: Window, arrived: float) -> None:
        self.kind = FIXED
        self._confirmed = False
        self._interval = 0.0
        self.limit = window.limit
        self._reset = None
        self._since = 0.0
        self.reset_at = 0.0
        self._adopt(window, arrived, arrived)

    def _is_older(self, window: Window, now: float) -> bool:
        if window.reset is not None and self._reset is not None:
            return window.reset < self._reset - 0.0005
        return now + window.reset_after < self.reset_at - MARGIN - SAME_RESET

    def _infer_kind(self, window: Window) -> None:
        """Infer the kind from two answers of one busy period, by Discord's own clock, which has no jitter."""
        used, before = window.limit - window.remaining, self.limit - self.remaining
        if used <= before or before < 1 or window.reset is None or self._reset is None:
            return
        if window.reset - window.reset_after >= self._reset:
            return  # by Discord's clock the previous window was over by then: another period
        grown = window.reset_after - self._reset_after
        if grown > max(0.003, 0.5 * (used - before) * window.reset_after / used):
            self.kind = LEAKY
        elif grown <= 0.003 and abs(window.reset - self._reset) <= SAME_RESET:
            self.kind = FIXED

    def _adopt(self, window: Window, now: float, arrived: float) -> None:
        same = (
            window.reset is not None
            and self._reset is not None
            and abs(window.reset - self._reset) <= SAME_RESET
        )
        reset_at = arrived + window.reset_after + MARGIN
        if same and now < self.reset_at and self.kind is FIXED:
            # The same reset, reported again: the answer with the least delay places it best.
            # A shift by Discord's own clock still counts: a sliding log's reset moves with each request.
            self.reset_at = min(self.reset_at + self._reset_shift(window), reset_at)
            self.remaining = min(self.remaining, window.remaining)
        else:
            self.reset_at = reset_at
            self.remaining = window.remaining
        self._as_of = arrived
        self._reset_after = window.reset_after
        self._reset = window.reset
        self._period = max(self._period, window.reset_after)
        used = window.limit - window.remaining
        if used:
            # Each sample is at most the true interval; the largest is closest to it.
            self._interval = max(self._interval, window.reset_after / used)

    def _reset_shift(self, window: Window) -> float:
        return max(window.reset - self._reset, 0.0) if window.reset and self._reset else 0.0

    # -- lanes -------------------------------------------------------------------------------------------

    def lane(self, key: str, sub: SubLimit | None) -> Lane[T]:
        """Return the lane of a key, created if needed."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(key, self, sub)
        return lane

    def move_lane(self, lane: Lane[T], to: Bucket[T]) -> None:
        """Move a lane with everything in it: its route turned out to share another bucket."""
        del self.lanes[lane.key]
        self.in_flight -= lane.in_flight
        to.in_flight += lane.in_flight
        to.parked_until = max(to.parked_until, self.parked_until)
        lane.bucket = to
        to.lanes[lane.key] = lane
