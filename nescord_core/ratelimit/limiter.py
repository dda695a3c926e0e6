"""Which request may go to Discord, and when: all limits of all tokens together, without I/O.

`submit` a request, `poll` for the tickets whose turn it is, then `complete` each with what Discord
answered, or `cancel` it. Times are monotonic seconds. Every granted ticket must end in one of the two, or its
slot is lost: https://github.com/discord/discord-api-docs/blob/main/docs/topics/rate-limits.md
"""

from __future__ import annotations

import heapq
import math

from nescord_core.ratelimit.bucket import Bucket, Lane
from nescord_core.ratelimit.global_limit import Flight
from nescord_core.ratelimit.headers import Answer, Scope
from nescord_core.ratelimit.invalid_requests import InvalidRequests
from nescord_core.ratelimit.memory import Gone
from nescord_core.ratelimit.route import Priority, Route
from nescord_core.ratelimit.tickets import Poll, Refusal, Ticket, TicketState, TokenScope

__all__ = ["Limiter", "Poll", "Refusal", "Ticket", "TicketState"]

PENALTY = {Priority.INTERACTION: -60.0, Priority.NORMAL: 0.0, Priority.BULK: 30.0}
"""Seconds by which a request counts as older or younger than it is. Finite, so that nobody starves."""
TRIES = 5
DEFAULT_BAN = 60.0
DEFAULT_WAIT = 1.0
RECHECK_TOKEN = 60.0
FORGET_TOKEN = 3600.0
"""Seconds without a request after which what a token taught (which routes share buckets) is let go."""
MOST_TOKENS = 2048
"""Tokens known at once: callers of a proxy that takes any may make them up."""
SWEEP_EVERY = 30.0


class Limiter:
    """See the module. ``global_limit`` is in requests per second and token.

    ``limited`` counts the 429s: ``user``, ``global``, ``shared``, ``hidden`` (no header shows that limit),
    ``front`` (a ban of the address).
    """

    def __init__(
        self, *, global_limit: int = 50, max_queue: int = 10_000, invalid: InvalidRequests | None = None
    ) -> None:
        self.max_queue = max_queue
        self.waiting = 0
        self.in_flight = 0
        self.invalid = invalid or InvalidRequests()
        self.banned_until = 0.0
        self.limited: dict[str, int] = {}
        self._global_limit = global_limit
        self._scopes: dict[str, TokenScope] = {}
        self._active: dict[str, TokenScope] = {}
        self._gone = Gone()
        self._timers: list[tuple[float, int, TokenScope, Bucket]] = []
        self._seq = 0
        self._next_sweep = SWEEP_EVERY

    # -- the four calls ----------------------------------------------------------------------------------

    def submit(self, route: Route, token: str, now: float, *, at_once: bool = False) -> Ticket | Refusal:
        """Queue a request under the fingerprint of its token (empty for none), or say why not.

        With ``at_once``, the ticket may come back granted: where nobody waits and every limit has room.
        A `poll` does not name it then.
        """
        scope = self._scope(token, now)
        refusal = self._refusal(route, scope, now)
        if refusal is not None:
            return refusal
        if self.waiting >= self.max_queue:
            return Refusal(503, "Too many requests wait for their rate limits.", retry_after=1.0)
        self._seq += 1
        ticket = Ticket(route, scope, now + PENALTY[route.priority], self._seq)
        lane = ticket.lane = scope.lane_of(route)
        if at_once and self._is_free(scope, lane, now, exempt=route.exempt):
            self._give(ticket, lane, now)
            return ticket
        lane.push(ticket)
        self.waiting += 1
        self._touch(scope, lane.bucket, now)
        return ticket

    def poll(self, now: float) -> Poll:
        """Return the tickets whose turn it is; they count as sent from now on."""
        result = Poll()
        timers = self._timers
        while timers and timers[0][0] <= now:
            _, _, scope, bucket = heapq.heappop(timers)
            bucket.timer_at = math.inf
            self._touch(scope, bucket, now)
        for scope in list(self._active.values()):
            self._drain(scope, scope.exempt_ready, now, result, exempt=True)
            self._drain(scope, scope.ready, now, result, exempt=False)
            if not scope.ready:
                del self._active[scope.key]
        if timers:
            result.wake = min(result.wake, timers[0][0])
        if now >= self._next_sweep:
            self._sweep(now)
        return result

    def complete(
        self,
        ticket: Ticket,
        answer: Answer,
        now: float,
        *,
        sent: float | None = None,
        received: float | None = None,
    ) -> bool:
        """Take in an answer. True: it was a 429 worth waiting for, the ticket is queued again, in front.

        ``sent`` and ``received`` say when the request went out and its answer came, where that is known
        better than from the times of the grant and of this call.
        """
        lane = self._release(ticket)
        lane.sent(now)
        if not ticket.route.exempt:
            ticket.scope.global_limit.answered(
                ticket.granted_at, _flight(ticket, answer, now, sent, received)
            )
        self.invalid.saw(answer, now)
        scope, bucket = ticket.scope, lane.bucket
        again = False
        if answer.status == 429:
            again = self._limited(ticket, lane, answer, now)
        else:
            bucket = self._learn(ticket, lane, answer, now)
        self._notice(ticket, answer, now)
        if again:
            ticket.state = TicketState.QUEUED
            lane.push(ticket)
            self.waiting += 1
        self._touch(scope, bucket, now)
        return again

    def requeue(self, ticket: Ticket, now: float, *, pause: float = 0.0) -> None:
        """Queue an answered ticket again in its old place: the caller wants to try once more.

        Its kind of request rests for ``pause`` seconds, so that no later one overtakes it meanwhile.
        """
        lane = ticket.scope.lane_of(ticket.route)
        lane.parked_until = max(lane.parked_until, now + pause)
        ticket.lane = lane
        ticket.state = TicketState.QUEUED
        lane.push(ticket)
        self.waiting += 1
        self._touch(ticket.scope, lane.bucket, now)

    def cancel(self, ticket: Ticket, now: float, *, sent: bool = False) -> None:
        """Give a slot back: the caller left, or the request failed. ``sent``: Discord may have counted it."""
        lane = ticket.lane
        assert lane is not None
        if ticket.state is TicketState.QUEUED:
            ticket.state = TicketState.DONE
            self.waiting -= 1
            _forget_queued(lane)
        elif ticket.state is TicketState.GRANTED:
            self._release(ticket)
            if sent:
                lane.sent(now)
                lane.bucket.debit(now)
            elif not ticket.route.exempt:
                ticket.scope.global_limit.give_back(ticket.granted_at)
        self._touch(ticket.scope, lane.bucket, now)

    def unlock(self, token: str = "") -> None:
        """Let a token that got a 401 try again; without a fingerprint, all of them."""
        for key, scope in self._scopes.items():
            if not token or key == token:
                scope.locked_until = None

    def wait_of(self, ticket: Ticket, now: float) -> float:
        """Return a lower bound of the seconds that a queued ticket has to wait still (0 when unknown)."""
        lane = ticket.lane
        assert lane is not None
        at = max(lane.bucket.next_at(now), lane.next_at(now))
        if not ticket.route.exempt:
            at = max(at, ticket.scope.global_limit.next_at(now))
        return max(at - now, 0.0) if math.isfinite(at) else 0.0

    def buckets(self) -> int:
        """Return how many buckets are known."""
        return sum(len(scope.buckets) for scope in self._scopes.values())

    def tokens(self) -> int:
        """Return how many tokens are known, none at all included."""
        return len(self._scopes)

    def tokens_locked(self, now: float) -> int:
        """Return how many of them are locked after a 401."""
        return sum(self.locked(key, now) for key in self._scopes)

    def locked(self, token: str, now: float) -> bool:
        """Say whether a token is locked after a 401."""
        scope = self._scopes.get(token)
        return scope is not None and scope.locked_until is not None and scope.locked_until > now

    # -- granting ----------------------------------------------------------------------------------------

    def _drain(
        self,
        scope: TokenScope,
        ready: list[tuple[float, int, Bucket]],
        now: float,
        result: Poll,
        *,
        exempt: bool,
    ) -> None:
        while ready:
            at = self._free_at(scope, now, exempt=exempt)
            if at > now:
                # The global slot comes last: until there is one, no bucket gives anything away.
                result.wake = min(result.wake, at)
                return
            _, _, bucket = heapq.heappop(ready)
            bucket.ready_rank = None
            head = self._head(bucket, now)
            if head is not None:
                self._grant(head, now, result)
            self._touch(scope, bucket, now)

    def _is_free(self, scope: TokenScope, lane: Lane, now: float, *, exempt: bool) -> bool:
        """Say whether a request may go without a look at the queues: nobody is ahead of it in any."""
        bucket = lane.bucket
        if bucket.has_queue() or (scope.exempt_ready if exempt else scope.ready):
            return False
        if bucket.next_at(now) > now or lane.next_at(now) > now:
            return False
        return self._free_at(scope, now, exempt=exempt) <= now

    def _free_at(self, scope: TokenScope, now: float, *, exempt: bool) -> float:
        if exempt:
            return now
        return max(scope.global_limit.next_at(now), self.invalid.next_at(now))

    def _head(self, bucket: Bucket, now: float) -> Lane | None:
        if bucket.next_at(now) > now:
            return None
        best = min(bucket.ready(now), key=_by_rank, default=None)
        return best[1] if best else None

    def _grant(self, lane: Lane, now: float, result: Poll) -> None:
        ticket = heapq.heappop(lane.heap)[2]
        self.waiting -= 1
        _trim(lane)
        refusal = self._refusal(ticket.route, ticket.scope, now)
        if refusal is not None:
            ticket.state = TicketState.DONE
            result.refused.append((ticket, refusal))
            return
        self._give(ticket, lane, now)
        result.granted.append(ticket)

    def _give(self, ticket: Ticket, lane: Lane, now: float) -> None:
        ticket.state = TicketState.GRANTED
        ticket.granted_at = now
        ticket.tries += 1
        if ticket.scope.locked_until is not None and ticket.route.authenticated:
            ticket.scope.locked_until = now + RECHECK_TOKEN  # one request at a time asks again
        lane.in_flight += 1
        lane.bucket.in_flight += 1
        self.in_flight += 1
        if not ticket.route.exempt:
            ticket.scope.global_limit.take(now)
            self.invalid.took(now)

    def _touch(self, scope: TokenScope, bucket: Bucket, now: float) -> None:
        """Put a bucket where it belongs: among the ready, or on the clock, or nowhere until an answer."""
        if not bucket.has_queue():
            return
        at = max(bucket.next_at(now), bucket.lanes_next_at(now))
        if at > now:
            if at < bucket.timer_at:
                bucket.timer_at = at
                self._seq += 1
                heapq.heappush(self._timers, (at, self._seq, scope, bucket))
            return
        best = min(bucket.ready(now), key=_by_rank)[0]
        if bucket.ready_rank is None or best[0] < bucket.ready_rank:
            bucket.ready_rank = best[0]
            heap = scope.exempt_ready if best[2].route.exempt else scope.ready
            heapq.heappush(heap, (best[0], best[1], bucket))
            self._active[scope.key] = scope

    def _release(self, ticket: Ticket) -> Lane:
        lane = ticket.lane
        assert lane is not None
        if ticket.state is not TicketState.GRANTED:
            raise ValueError(f"the ticket is not out: it {ticket.state.value}")
        ticket.state = TicketState.DONE
        lane.in_flight -= 1
        lane.bucket.in_flight -= 1
        self.in_flight -= 1
        return lane

    # -- learning ----------------------------------------------------------------------------------------

    def _learn(self, ticket: Ticket, lane: Lane, answer: Answer, now: float) -> Bucket:
        bucket, window = lane.bucket, answer.window
        if not ticket.route.exact:
            if window is not None and window.remaining == 0:
                bucket.parked_until = max(bucket.parked_until, now + window.reset_after)
            return bucket
        if window is None:
            if answer.status < 400:
                bucket.learn_unlimited()
            else:
                bucket.debit(now)
            return bucket
        if window.bucket:
            bucket = self._settle(ticket, lane, window.bucket, now)
        bucket.learn(window, now, ticket.granted_at)
        return bucket

    def _settle(self, ticket: Ticket, lane: Lane, learned: str, now: float) -> Bucket:
        """Move a lane to the bucket that the answer names; all routes with that hash share it."""
        scope, route, bucket = ticket.scope, ticket.route, lane.bucket
        scope.hashes[route.family] = learned
        key = f"{learned}|{route.variant}|{route.major}"
        if key == bucket.key:
            return bucket
        target = scope.buckets.get(key)
        if target is None and len(bucket.lanes) == 1:
            # Alone in a provisional bucket: give that its name.
            scope.buckets.pop(bucket.key, None)
            bucket.key = key
            scope.buckets[key] = bucket
            return bucket
        if target is None:
            target = scope.buckets[key] = Bucket(key)
        bucket.move_lane(lane, target)
        if not bucket.lanes:
            scope.buckets.pop(bucket.key, None)
        self._touch(scope, bucket, now)
        return target

    def _limited(self, ticket: Ticket, lane: Lane, answer: Answer, now: float) -> bool:
        bucket, window = lane.bucket, answer.window
        wait = answer.retry_after
        kind = _kind(answer)
        self.limited[kind] = self.limited.get(kind, 0) + 1
        if answer.is_ban:
            self.banned_until = max(self.banned_until, now + (DEFAULT_BAN if wait is None else wait))
            return False
        until = now + max(wait or DEFAULT_WAIT, window.reset_after if window and not window.remaining else 0)
        if answer.scope is Scope.GLOBAL:
            ticket.scope.global_limit.block(until)
            if ticket.route.exempt:
                lane.parked_until = max(lane.parked_until, until)
        elif answer.scope is Scope.SHARED or (answer.remaining or 0) > 0 or not ticket.route.exact:
            # A hidden limit, or the resource's own: only this kind of request waits.
            lane.parked_until = max(lane.parked_until, until)
        else:
            bucket.exhausted(until, window)
        return ticket.tries < TRIES

    def _notice(self, ticket: Ticket, answer: Answer, now: float) -> None:
        route, scope = ticket.route, ticket.scope
        if answer.status == 401 and route.authenticated and scope.key and not answer.code:
            scope.locked_until = now + RECHECK_TOKEN
        elif scope.locked_until is not None and route.authenticated and _shows_token_holds(answer):
            scope.locked_until = None
        if answer.status == 404 and route.webhook and answer.code in {0, 10015}:
            self._gone.add(route.webhook)

    def _refusal(self, route: Route, scope: TokenScope, now: float) -> Refusal | None:
        if self.banned_until > now:
            return Refusal(
                429, "Discord's front bans this address for now.", retry_after=self.banned_until - now
            )
        until = self.invalid.refused_until(now)
        if until is not None:
            message = "Too many 401, 403 and 429 answers: more would have Discord ban this address."
            return Refusal(429, message, retry_after=until - now)
        if route.authenticated and scope.locked_until is not None and scope.locked_until > now:
            message = "401: Unauthorized (Discord rejected this token; not asked again for now)"
            return Refusal(401, message)
        if route.webhook and route.webhook in self._gone:
            return Refusal(404, "Unknown Webhook", code=10015)
        return None

    def _scope(self, token: str, now: float) -> TokenScope:
        scope = self._scopes.get(token)
        if scope is None:
            if len(self._scopes) >= MOST_TOKENS:
                self._forget_idle_token()
            scope = self._scopes[token] = TokenScope(token, self._global_limit)
        scope.used_at = now
        return scope

    def _forget_idle_token(self) -> None:
        """Let go of the token that has been idle for longest; all of them may be at work, then none."""
        idle = (scope for scope in self._scopes.values() if scope.is_idle)
        oldest = min(idle, key=lambda scope: scope.used_at, default=None)
        if oldest is not None:
            del self._scopes[oldest.key]
            self._active.pop(oldest.key, None)

    def _sweep(self, now: float) -> None:
        self._next_sweep = now + SWEEP_EVERY
        for key, scope in list(self._scopes.items()):
            for bucket in list(scope.buckets.values()):
                for lane in [lane for lane in bucket.lanes.values() if lane.idle_at(now)]:
                    del bucket.lanes[lane.key]
                    del scope.lanes[lane.key]
                if bucket.idle_at(now) and bucket.ready_rank is None:
                    scope.buckets.pop(bucket.key, None)
            if not scope.buckets and scope.used_at + FORGET_TOKEN < now:
                del self._scopes[key]
                self._active.pop(key, None)


def _kind(answer: Answer) -> str:
    """Name a 429 for whoever counts them: its scope, or what it turned out to be."""
    if answer.is_ban:
        return "front"
    return "hidden" if answer.scope is Scope.USER and (answer.remaining or 0) > 0 else answer.scope.value


def _flight(ticket: Ticket, answer: Answer, now: float, sent: float | None, received: float | None) -> Flight:
    window = answer.window
    clock = window.reset if window is not None and answer.status != 429 else None
    return Flight(
        ticket.granted_at if sent is None else sent,
        now if received is None else received,
        clock - window.reset_after if window is not None and clock is not None else None,
    )


def _shows_token_holds(answer: Answer) -> bool:
    """A limit and a failure may come before the token was looked at."""
    return answer.status < 500 and answer.status not in {401, 429}


def _by_rank(item: tuple[tuple[float, int, Ticket], Lane]) -> tuple[float, int]:
    return item[0][0], item[0][1]


def _forget_queued(lane: Lane) -> None:
    lane.cancelled += 1
    if lane.cancelled > 16 and lane.cancelled * 2 > len(lane.heap):
        lane.heap = [entry for entry in lane.heap if entry[2].state is TicketState.QUEUED]
        heapq.heapify(lane.heap)
        lane.cancelled = 0
    _trim(lane)


def _trim(lane: Lane) -> None:
    """Keep a live ticket at the head."""
    while lane.heap and lane.heap[0][2].state is not TicketState.QUEUED:
        heapq.heappop(lane.heap)
        lane.cancelled -= 1
