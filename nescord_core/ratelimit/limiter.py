"""Which request may go to Discord, and when: all limits of all tokens together, without I/O.

`submit` a request, `poll` for the tickets whose turn it is, then `complete` each with what Discord
answered, or `cancel` it. Times are monotonic seconds. Every granted ticket must end in one of the two, or its
slot is lost: https://github.com/discord/discord-api-docs/blob/main/docs/topics/rate-limits.md
"""

from __future__ import annotations

import math

from nescord_core.ratelimit.invalid_requests import InvalidRequests
from nescord_core.ratelimit.learning import learn, round_trip_of
from nescord_core.ratelimit.refusals import Refusals
from nescord_core.ratelimit.response import Answer
from nescord_core.ratelimit.route import Priority, Route
from nescord_core.ratelimit.scheduler import Scheduler
from nescord_core.ratelimit.tickets import Poll, Refusal, Ticket, TicketState
from nescord_core.ratelimit.tokens import TokenScopes
from nescord_core.ratelimit.too_many_requests import block, kind_of

__all__ = ["Limiter", "Poll", "Refusal", "Ticket", "TicketState"]

PENALTY = {Priority.INTERACTION: -60.0, Priority.NORMAL: 0.0, Priority.BULK: 30.0}
"""Seconds by which a request counts as older or younger than it is. Finite, so that nobody starves."""
TRIES = 5
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
        self.invalid = invalid or InvalidRequests()
        self.limited: dict[str, int] = {}
        self._refusals = Refusals(self.invalid)
        self._scheduler = Scheduler(self._refusals)
        self._tokens = TokenScopes(global_limit)
        self._seq = 0
        self._next_sweep = SWEEP_EVERY

    # -- the calls of a request --------------------------------------------------------------------------

    def submit(self, route: Route, token: str, now: float, *, at_once: bool = False) -> Ticket | Refusal:
        """Queue a request under the fingerprint of its token (empty for none), or say why not.

        With ``at_once``, the ticket may come back granted: where nobody waits and every limit has room.
        A `poll` does not name it then.
        """
        scope = self._tokens.scope(token, now)
        refusal = self._refusals.refusal(route, scope, now)
        if refusal is not None:
            return refusal
        if self._scheduler.waiting >= self.max_queue:
            return Refusal(503, "Too many requests wait for their rate limits.", retry_after=1.0)
        self._seq += 1
        ticket = Ticket(route, scope, now + PENALTY[route.priority], self._seq)
        ticket.lane = scope.lane_of(route)
        if not (at_once and self._scheduler.at_once(ticket, now)):
            self._scheduler.push(ticket, now)
        return ticket

    def poll(self, now: float) -> Poll:
        """Return the tickets whose turn it is; they count as sent from now on."""
        result = self._scheduler.hand_out(now)
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_EVERY
            self._tokens.sweep(now)
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
        lane = self._scheduler.release(ticket)
        lane.sent(now)
        came = now if received is None else received
        if not ticket.route.exempt:
            round_trip = round_trip_of(ticket, answer, sent, came)
            ticket.scope.global_limit.answered(ticket.granted_at, round_trip)
        self._refusals.saw(ticket, answer, now)
        if answer.status == 429:
            return self._limited(ticket, answer, now)
        left = learn(ticket, lane, answer, now, came)
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
        """Queue an answered ticket again in its old place: the caller wants to try once more.

        Its kind of request rests for ``pause`` seconds, so that no later one overtakes it meanwhile.
        """
        lane = ticket.lane = ticket.scope.lane_of(ticket.route)
        lane.parked_until = max(lane.parked_until, now + pause)
        self._scheduler.push(ticket, now)

    def cancel(self, ticket: Ticket, now: float, *, sent: bool = False) -> None:
        """Give a slot back: the caller left, or the request failed. ``sent``: Discord may have counted it."""
        lane = ticket.lane
        assert lane is not None
        if ticket.state is TicketState.QUEUED:
            self._scheduler.leave(ticket)
        elif ticket.state is TicketState.GRANTED:
            self._scheduler.release(ticket)
            if sent:
                lane.sent(now)
                lane.bucket.debit(now)
            elif not ticket.route.exempt:
                ticket.scope.global_limit.give_back(ticket.granted_at)
        self._scheduler.touch(ticket.scope, lane.bucket, now)

    def wait_of(self, ticket: Ticket, now: float) -> float:
        """Return a lower bound of the seconds that a queued ticket has to wait still (0 when unknown)."""
        lane = ticket.lane
        assert lane is not None
        at = max(lane.bucket.next_at(now), lane.next_at(now))
        if not ticket.route.exempt:
            at = max(at, ticket.scope.global_limit.next_at(now))
        return max(at - now, 0.0) if math.isfinite(at) else 0.0

    def unlock(self, token: str = "") -> None:
        """Let a token that got a 401 try again; without a fingerprint, all of them."""
        for scope in self._tokens.scopes():
            if not token or scope.key == token:
                scope.locked_until = None

    # -- what there is -----------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return self._scheduler.waiting

    @property
    def in_flight(self) -> int:
        """How many are out."""
        return self._scheduler.in_flight

    @property
    def banned_until(self) -> float:
        """Until when Discord's front bans this address; 0 when it never did."""
        return self._refusals.banned_until

    def buckets(self) -> int:
        """Return how many buckets are known."""
        return sum(len(scope.buckets) for scope in self._tokens.scopes())

    def tokens(self) -> int:
        """Return how many tokens are known, none at all included."""
        return len(self._tokens.scopes())

    def tokens_locked(self, now: float) -> int:
        """Return how many of them are locked after a 401."""
        return sum(self.locked(scope.key, now) for scope in self._tokens.scopes())

    def locked(self, token: str, now: float) -> bool:
        """Say whether a token is locked after a 401."""
        scope = self._tokens.get(token)
        return scope is not None and scope.locked_until is not None and scope.locked_until > now
