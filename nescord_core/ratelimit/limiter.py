"""The rate limiter: decides which requests may go to Discord, and when, for all tokens; no I/O.

`submit` a request, `poll` for granted tickets, then `complete` each with Discord's answer or `cancel` it.
Times are monotonic seconds. Every granted ticket must be completed or cancelled, or its slot leaks.
https://github.com/discord/discord-api-docs/blob/main/docs/topics/rate-limits.md
"""

from __future__ import annotations

import math

from nescord_core.ratelimit.invalid_requests import InvalidRequests
from nescord_core.ratelimit.learning import learn, round_trip_of
from nescord_core.ratelimit.refusals import Refusals
from nescord_core.ratelimit.response import Answer
from nescord_core.ratelimit.route import Priority, Route
from nescord_core.ratelimit.scheduler import Scheduler
from nescord_core.ratelimit.tickets import GRANTED, QUEUED, Poll, Refusal, Ticket, TicketState
from nescord_core.ratelimit.token_scopes import TokenScopes
from nescord_core.ratelimit.too_many_requests import block, kind_of

__all__ = ["Limiter", "Poll", "Refusal", "Ticket", "TicketState"]

PENALTY = {Priority.INTERACTION: -60.0, Priority.NORMAL: 0.0, Priority.BULK: 30.0}
"""Seconds added to a request's time of arrival for its rank. Finite, so that no priority starves."""
TRIES = 5
SWEEP_EVERY = 30.0


class Limiter:
    """The rate limiter of one process. ``global_limit`` is in requests per second and token.

    ``limited`` counts 429s by kind: ``user``, ``global``, ``shared``, ``hidden`` (a limit that no header
    shows), ``front`` (Cloudflare's ban of the address).
    """

    def __init__(
        self, *, global_limit: int = 50, max_queue: int = 10_000, invalid: InvalidRequests | None = None
    ) -> None:
        self.max_queue = max_queue
        self.invalid = invalid or InvalidRequests()
        self.limited: dict[str, int] = {}
        self._refusals = Refusals(self.invalid)
        self._scheduler = Scheduler(self._refusals)
        self._tokens = TokenScopes(global_limit)
        self._seq = 0
        self._next_sweep = SWEEP_EVERY

    # -- life of a request -------------------------------------------------------------------------------

    def submit(self, route: Route, token: str, now: float, *, at_once: bool = False) -> Ticket | Refusal:
        """Queue a request under the fingerprint of its token ("" for none), or return why it is refused.

        With ``at_once``, the ticket is granted immediately if no request waits and every limit allows it;
        `poll` does not return it then.
        """
        self._sweep_if_due(now)
        scope = self._tokens.scope(token, now)
        refusal = self._refusals.refusal(route, scope, now)
        if refusal is not None:
            return refusal
        if self._scheduler.waiting >= self.max_queue:
            return Refusal(503, "Too many requests are waiting for rate limits.", retry_after=1.0)
        self._seq += 1
        ticket = Ticket(route, scope, now + PENALTY[route.priority], self._seq)
        ticket.lane = scope.lane_of(route, route.lane_key)
        if not (at_once and self._scheduler.at_once(ticket, now)):
            self._scheduler.push(ticket, now)
        return ticket

    def grant_at_once(self, route: Route, token: str, now: float, lane_key: str) -> Ticket | None:
        """Grant a request immediately, as `submit` does; None if it has to be submitted.

        ``lane_key`` is the route's `lane_key`, which callers keep for the routes that they see often.
        """
        self._sweep_if_due(now)
        scope = self._tokens.scope(token, now)
        if self._refusals.refusal(route, scope, now) is not None:
            return None
        ticket = Ticket(route, scope, now + PENALTY[route.priority], self._seq + 1)
        ticket.lane = scope.lane_of(route, lane_key)
        if not self._scheduler.at_once(ticket, now):
            return None
        self._seq += 1
        return ticket

    def poll(self, now: float) -> Poll:
        """Grant every request that may go now, and return their tickets; they count as sent."""
        self._sweep_if_due(now)
        return self._scheduler.grant_ready(now)

    def _sweep_if_due(self, now: float) -> None:
        """Forget what is idle. While no request has to wait, nobody calls `poll`."""
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_EVERY
            self._tokens.sweep(now)

    def complete(
        self,
        ticket: Ticket,
        answer: Answer,
        now: float,
        *,
        sent: float | None = None,
        received: float | None = None,
    ) -> bool:
        """Apply an answer. Returns True if it was a 429 and the ticket is queued again, at the front.

        ``sent`` and ``received`` are when the request was sent and its answer arrived; they default to the
        time of the grant and ``now``.
        """
        lane = self._scheduler.release(ticket)
        lane.sent(now)
        arrived = now if received is None else received
        if not ticket.route.exempt:
            round_trip = round_trip_of(ticket, answer, sent, arrived)
            ticket.scope.global_limit.answered(ticket.granted_at, round_trip)
        self._refusals.saw(ticket, answer, now)
        if answer.status == 429:
            return self._limited(ticket, answer, now)
        left = learn(ticket, lane, answer, now, arrived)
        if left is not None:
            self._scheduler.touch(ticket.scope, left, now)
        self._scheduler.touch(ticket.scope, lane.bucket, now)
        return False

    def _limited(self, ticket: Ticket, answer: Answer, now: float) -> bool:
        lane = ticket.lane
        assert lane is not None
        kind = kind_of(answer)
        self.limited[kind] = self.limited.get(kind, 0) + 1
        if not answer.is_ban:
            block(ticket, lane, answer, now)
        if answer.is_ban or ticket.tries >= TRIES:
            self._scheduler.touch(ticket.scope, lane.bucket, now)
            return False
        self._scheduler.push(ticket, now)
        return True

    def requeue(self, ticket: Ticket, now: float, *, pause: float = 0.0) -> None:
        """Queue an answered ticket again at its old position, for the caller's retry.

        Its lane pauses for ``pause`` seconds, so that no later request overtakes it.
        """
        lane = ticket.lane = ticket.scope.lane_of(ticket.route, ticket.route.lane_key)
        lane.parked_until = max(lane.parked_until, now + pause)
        self._scheduler.push(ticket, now)

    def cancel(self, ticket: Ticket, now: float, *, sent: bool = False) -> None:
        """Give back the slot of an abandoned or failed request. ``sent``: Discord may have counted it."""
        lane = ticket.lane
        assert lane is not None
        if ticket.state is QUEUED:
            self._scheduler.remove(ticket)
        elif ticket.state is GRANTED:
            self._scheduler.release(ticket)
            if sent:
                lane.sent(now)
                lane.bucket.debit(now)
            elif not ticket.route.exempt:
                ticket.scope.global_limit.give_back(ticket.granted_at)
        self._scheduler.touch(ticket.scope, lane.bucket, now)

    def wait_of(self, ticket: Ticket, now: float) -> float:
        """Return a lower bound of a queued ticket's remaining wait in seconds (0 if unknown)."""
        lane = ticket.lane
        assert lane is not None
        at = max(lane.bucket.next_at(now), lane.next_at(now))
        if not ticket.route.exempt:
            at = max(at, ticket.scope.global_limit.next_at(now))
        return max(at - now, 0.0) if math.isfinite(at) else 0.0

    def unlock(self, token: str = "") -> None:
        """Unlock a token that got a 401; without a fingerprint, all tokens."""
        for scope in self._tokens.scopes():
            if not token or scope.key == token:
                scope.locked_until = None

    # -- state -------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """The number of queued requests."""
        return self._scheduler.waiting

    @property
    def in_flight(self) -> int:
        """The number of granted requests that are neither completed nor cancelled."""
        return self._scheduler.in_flight

    @property
    def banned_until(self) -> float:
        """The end of Cloudflare's ban of this address; 0 if there was none."""
        return self._refusals.banned_until

    def buckets(self) -> int:
        """Return the number of known buckets."""
        return sum(len(scope.buckets) for scope in self._tokens.scopes())

    def tokens(self) -> int:
        """Return the number of known tokens, counting "no token" as one."""
        return len(self._tokens.scopes())

    def tokens_locked(self, now: float) -> int:
        """Return the number of tokens locked after a 401."""
        return sum(self.locked(scope.key, now) for scope in self._tokens.scopes())

    def locked(self, token: str, now: float) -> bool:
        """Return whether a token is locked after a 401."""
        scope = self._tokens.get(token)
        return scope is not None and scope.locked_until is not None and scope.locked_until > now
