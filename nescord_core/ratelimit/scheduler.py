"""Schedules requests: buckets that allow a request are in a ready queue by rank, the others have a timer.

`Scheduler.touch` must be called whenever a bucket has changed; it updates the bucket's queue and timer. The
global slot is taken last, so that a waiting bucket starves no other.
"""

from __future__ import annotations

import heapq
import math

from nescord_core.ratelimit.refusals import Refusals
from nescord_core.ratelimit.tickets import (
    DONE,
    GRANTED,
    QUEUED,
    Poll,
    Ticket,
    TicketBucket,
    TicketLane,
    TokenScope,
)

__all__ = ["Scheduler"]

ReadyQueue = list[tuple[float, int, TicketBucket]]


class Scheduler:
    """Grants queued tickets; ``waiting`` and ``in_flight`` count tickets. Times are monotonic seconds."""

    __slots__ = ("_active", "_refusals", "_serial", "_timers", "in_flight", "waiting")

    def __init__(self, refusals: Refusals) -> None:
        self.waiting = 0
        self.in_flight = 0
        self._refusals = refusals
        self._active: dict[TokenScope, None] = {}
        self._timers: list[tuple[float, int, TokenScope, TicketBucket]] = []
        self._serial = 0

    # -- queueing ----------------------------------------------------------------------------------------

    def push(self, ticket: Ticket, now: float) -> None:
        """Queue a ticket in its lane; a retried one gets its old position back."""
        lane = ticket.lane
        assert lane is not None
        ticket.state = QUEUED
        lane.push(ticket)
        self.waiting += 1
        self.touch(ticket.scope, lane.bucket, now)

    def remove(self, ticket: Ticket) -> None:
        """Remove a queued ticket."""
        assert ticket.lane is not None
        ticket.state = DONE
        self.waiting -= 1
        _count_cancelled(ticket.lane)

    def at_once(self, ticket: Ticket, now: float) -> bool:
        """Grant a new ticket without queueing it, if no request is ahead of it; return whether it was."""
        lane, scope, exempt = ticket.lane, ticket.scope, ticket.route.exempt
        assert lane is not None
        bucket = lane.bucket
        if self.waiting and (bucket.has_queue() or (scope.exempt_ready if exempt else scope.ready)):
            return False
        if bucket.next_at(now) > now or lane.next_at(now) > now:
            return False
        if self.free_at(scope, now, exempt=exempt) > now:
            return False
        self._mark_granted(ticket, lane, now)
        return True

    def release(self, ticket: Ticket) -> TicketLane:
        """End the flight of a granted ticket; raises ValueError for any other ticket."""
        lane = ticket.lane
        assert lane is not None
        if ticket.state is not GRANTED:
            raise ValueError(f"the ticket is {ticket.state.value}, not granted")
        ticket.state = DONE
        lane.in_flight -= 1
        lane.bucket.in_flight -= 1
        self.in_flight -= 1
        return lane

    # -- granting ----------------------------------------------------------------------------------------

    def grant_ready(self, now: float) -> Poll:
        """Grant every ticket that may go now."""
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

    def _drain(self, scope: TokenScope, ready: ReadyQueue, now: float, result: Poll, *, exempt: bool) -> None:
        while ready:
            at = self.free_at(scope, now, exempt=exempt)
            if at > now:
                # The global slot is taken last: without one, no bucket grants anything.
                result.wake = min(result.wake, at)
                return
            _, _, bucket = heapq.heappop(ready)
            bucket.ready_rank = None
            head = self._head(bucket, now)
            if head is not None:
                self._grant(head, now, result)
            self.touch(scope, bucket, now)

    def free_at(self, scope: TokenScope, now: float, *, exempt: bool) -> float:
        """Return when the limits over all routes allow the next request."""
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
            ticket.state = DONE
            result.refused.append((ticket, refusal))
            return
        self._mark_granted(ticket, lane, now)
        result.granted.append(ticket)

    def _mark_granted(self, ticket: Ticket, lane: TicketLane, now: float) -> None:
        ticket.state = GRANTED
        ticket.granted_at = now
        ticket.tries += 1
        lane.in_flight += 1
        lane.bucket.in_flight += 1
        self.in_flight += 1
        if not ticket.route.exempt:
            ticket.scope.global_limit.take(now)
        self._refusals.granted(ticket, now)

    def touch(self, scope: TokenScope, bucket: TicketBucket, now: float) -> None:
        """Put a bucket into the ready queue or give it a timer; neither if it must wait for an answer."""
        if not self.waiting or not bucket.has_queue():
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
            queue = scope.exempt_ready if best[2].route.exempt else scope.ready
            heapq.heappush(queue, (best[0], best[1], bucket))
            self._active[scope] = None


def _by_rank(item: tuple[tuple[float, int, Ticket], TicketLane]) -> tuple[float, int]:
    return item[0][0], item[0][1]


def _count_cancelled(lane: TicketLane) -> None:
    """Count a cancelled ticket, which stays in the heap; rebuild the heap when half of it is cancelled."""
    lane.cancelled += 1
    if lane.cancelled > 16 and lane.cancelled * 2 > len(lane.heap):
        lane.heap = [entry for entry in lane.heap if entry[2].state is QUEUED]
        heapq.heapify(lane.heap)
        lane.cancelled = 0
    _trim(lane)


def _trim(lane: TicketLane) -> None:
    """Drop cancelled tickets from the head."""
    while lane.heap and lane.heap[0][2].state is not QUEUED:
        heapq.heappop(lane.heap)
        lane.cancelled -= 1
