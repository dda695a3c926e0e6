"""Whose turn it is: buckets that have something to give stand in a row by rank, the others are on a clock.

`Scheduler.touch` is called whenever something about a bucket changed; that puts it in its place. The
global slot is taken last, so that a bucket that waits starves nobody.
"""

from __future__ import annotations

import heapq
import math

from nescord_core.ratelimit.refusals import Refusals
from nescord_core.ratelimit.tickets import Poll, Ticket, TicketBucket, TicketLane, TicketState, TokenScope

__all__ = ["Scheduler"]

Row = list[tuple[float, int, TicketBucket]]


class Scheduler:
    """Hands out turns; ``waiting`` and ``in_flight`` count tickets. Times are monotonic seconds."""

    __slots__ = ("_active", "_refusals", "_serial", "_timers", "in_flight", "waiting")

    def __init__(self, refusals: Refusals) -> None:
        self.waiting = 0
        self.in_flight = 0
        self._refusals = refusals
        self._active: dict[TokenScope, None] = {}
        self._timers: list[tuple[float, int, TokenScope, TicketBucket]] = []
        self._serial = 0

    # -- into the queue and out of it --------------------------------------------------------------------

    def push(self, ticket: Ticket, now: float) -> None:
        """Queue a ticket in its lane; one that was out already goes back to its old place."""
        lane = ticket.lane
        assert lane is not None
        ticket.state = TicketState.QUEUED
        lane.push(ticket)
        self.waiting += 1
        self.touch(ticket.scope, lane.bucket, now)

    def leave(self, ticket: Ticket) -> None:
        """Take a queued ticket out."""
        assert ticket.lane is not None
        ticket.state = TicketState.DONE
        self.waiting -= 1
        _forget_queued(ticket.lane)

    def at_once(self, ticket: Ticket, now: float) -> bool:
        """Grant a new ticket without a look at the queues, if nobody is ahead of it in any."""
        lane, scope, exempt = ticket.lane, ticket.scope, ticket.route.exempt
        assert lane is not None
        bucket = lane.bucket
        if bucket.has_queue() or (scope.exempt_ready if exempt else scope.ready):
            return False
        if bucket.next_at(now) > now or lane.next_at(now) > now:
            return False
        if self.free_at(scope, now, exempt=exempt) > now:
            return False
        self._give(ticket, lane, now)
        return True

    def release(self, ticket: Ticket) -> TicketLane:
        """Take a granted ticket back; raises ValueError for one that is not out."""
        lane = ticket.lane
        assert lane is not None
        if ticket.state is not TicketState.GRANTED:
            raise ValueError(f"the ticket is not out: it {ticket.state.value}")
        ticket.state = TicketState.DONE
        lane.in_flight -= 1
        lane.bucket.in_flight -= 1
        self.in_flight -= 1
        return lane

    # -- granting ----------------------------------------------------------------------------------------

    def hand_out(self, now: float) -> Poll:
        """Grant whatever can be granted now."""
        result = Poll()
        timers = self._timers
        while timers and timers[0][0] <= now:
            _, _, scope, bucket = heapq.heappop(timers)
            bucket.timer_at = math.inf
            self.touch(scope, bucket, now)
        for scope in list(self._active):
            self._drain(scope, scope.exempt_ready, now, result, exempt=True)
            self._drain(scope, scope.ready, now, result, exempt=False)
            if not scope.ready:
                del self._active[scope]
        if timers:
            result.wake = min(result.wake, timers[0][0])
        return result

    def _drain(self, scope: TokenScope, ready: Row, now: float, result: Poll, *, exempt: bool) -> None:
        while ready:
            at = self.free_at(scope, now, exempt=exempt)
            if at > now:
                # The global slot comes last: until there is one, no bucket gives anything away.
                result.wake = min(result.wake, at)
                return
            _, _, bucket = heapq.heappop(ready)
            bucket.ready_rank = None
            head = self._head(bucket, now)
            if head is not None:
                self._grant(head, now, result)
            self.touch(scope, bucket, now)

    def free_at(self, scope: TokenScope, now: float, *, exempt: bool) -> float:
        """Return when the limits over all routes allow one more."""
        if exempt:
            return now
        return max(scope.global_limit.next_at(now), self._refusals.invalid.next_at(now))

    def _head(self, bucket: TicketBucket, now: float) -> TicketLane | None:
        if bucket.next_at(now) > now:
            return None
        best = min(bucket.ready(now), key=_by_rank, default=None)
        return best[1] if best else None

    def _grant(self, lane: TicketLane, now: float, result: Poll) -> None:
        ticket = heapq.heappop(lane.heap)[2]
        self.waiting -= 1
        _trim(lane)
        refusal = self._refusals.refusal(ticket.route, ticket.scope, now)
        if refusal is not None:
            ticket.state = TicketState.DONE
            result.refused.append((ticket, refusal))
            return
        self._give(ticket, lane, now)
        result.granted.append(ticket)

    def _give(self, ticket: Ticket, lane: TicketLane, now: float) -> None:
        ticket.state = TicketState.GRANTED
        ticket.granted_at = now
        ticket.tries += 1
        lane.in_flight += 1
        lane.bucket.in_flight += 1
        self.in_flight += 1
        if not ticket.route.exempt:
            ticket.scope.global_limit.take(now)
        self._refusals.opens(ticket, now)

    def touch(self, scope: TokenScope, bucket: TicketBucket, now: float) -> None:
        """Put a bucket where it belongs: among the ready, or on the clock, or nowhere until an answer."""
        if not bucket.has_queue():
            return
        at = max(bucket.next_at(now), bucket.lanes_next_at(now))
        if at > now:
            if at < bucket.timer_at:
                bucket.timer_at = at
                self._serial += 1
                heapq.heappush(self._timers, (at, self._serial, scope, bucket))
            return
        best = min(bucket.ready(now), key=_by_rank)[0]
        if bucket.ready_rank is None or best[0] < bucket.ready_rank:
            bucket.ready_rank = best[0]
            row = scope.exempt_ready if best[2].route.exempt else scope.ready
            heapq.heappush(row, (best[0], best[1], bucket))
            self._active[scope] = None


def _by_rank(item: tuple[tuple[float, int, Ticket], TicketLane]) -> tuple[float, int]:
    return item[0][0], item[0][1]


def _forget_queued(lane: TicketLane) -> None:
    lane.cancelled += 1
    if lane.cancelled > 16 and lane.cancelled * 2 > len(lane.heap):
        lane.heap = [entry for entry in lane.heap if entry[2].state is TicketState.QUEUED]
        heapq.heapify(lane.heap)
        lane.cancelled = 0
    _trim(lane)


def _trim(lane: TicketLane) -> None:
    """Keep a live ticket at the head."""
    while lane.heap and lane.heap[0][2].state is not TicketState.QUEUED:
        heapq.heappop(lane.heap)
        lane.cancelled -= 1
