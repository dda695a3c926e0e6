"""Waits for the limiter on behalf of requests: one timer for all, one future per waiting request."""

from __future__ import annotations

import asyncio
import math
import time
from types import TracebackType

from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.response import Answer, BodyFacts, read
from nescord_core.ratelimit.route import Route
from nescord_core.ratelimit.tickets import Refusal, Ticket, TicketState
from nescord_core.rest.proxy.direct.starting import StartingCoroutines
from nescord_core.rest.proxy.upstream.response import UpstreamResponse

__all__ = ["DeadlinePassed", "Permit", "PermitRefused", "Permits"]

NO_ANSWER = 599
"""Stands for a missing response; no HTTP server sends it."""


class PermitRefused(Exception):
    """The request must not be sent; `refusal` has the reason and the response."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class DeadlinePassed(Exception):
    """The caller's deadline is before the request's turn; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("The rate limit does not allow this request before its deadline.")
        self.retry_after = retry_after


class Permit:
    """The right to send one request. Leaving the block without `complete` gives the slot back."""

    __slots__ = ("_deadline", "_is_sent", "_permits", "_ticket")

    def __init__(
        self, permits: Permits, ticket: Ticket, deadline: float | None, *, is_sent: bool = False
    ) -> None:
        self._permits = permits
        self._ticket = ticket
        self._deadline = deadline
        self._is_sent = is_sent

    async def __aenter__(self) -> Permit:
        await self._permits.turn(self._ticket, self._deadline)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticket.state is not TicketState.DONE:
            self._permits.cancel(self._ticket, sent=self._is_sent)

    def sent(self) -> None:
        """Record that the request is being sent: Discord may count it even without a response."""
        self._is_sent = True

    def complete(self, reply: UpstreamResponse, body: BodyFacts | None = None) -> bool:
        """Report the response. True: it was a rate limit, and `again` waits for this request's next turn."""
        self._is_sent = False
        answer = read(reply.status, reply.headers, body)
        return self._permits.complete(self._ticket, answer, sent=reply.sent_at, received=reply.received_at)

    def failed(self) -> None:
        """Report that there is no response; `again` may request another turn."""
        self._is_sent = False
        self._permits.complete(self._ticket, Answer(NO_ANSWER))

    async def again(self, pause: float = 0.0) -> None:
        """Wait for another turn, in the same place in the queue, after ``pause`` seconds."""
        self._permits.requeue(self._ticket, pause)
        await self._permits.turn(self._ticket, self._deadline)


class Permits:
    """Drives a limiter on the running loop's clock."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.starting = StartingCoroutines()
        self._turns: dict[Ticket, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    def acquire(self, route: Route, token: str, *, deadline: float | None = None) -> Permit:
        """Queue a request; ``async with`` waits for its turn.

        ``token`` is a fingerprint, ``deadline`` is on the loop's clock. Raises `PermitRefused`; entering the
        block raises `PermitRefused` and `DeadlinePassed`.
        """
        ticket = self.limiter.submit(route, token, _now(), at_once=True)
        if isinstance(ticket, Refusal):
            raise PermitRefused(ticket)
        return Permit(self, ticket, deadline)

    def grant_at_once(self, route: Route, token: str, lane_key: str) -> Ticket | None:
        """Grant a request if nothing has to be waited for; see `Limiter.grant_at_once`."""
        if lane_key in self.starting:
            return None
        return self.limiter.grant_at_once(route, token, _now(), lane_key)

    def resumed(self, ticket: Ticket) -> Permit:
        """Return the permit for a ticket from `grant_at_once` whose request has been sent."""
        return Permit(self, ticket, None, is_sent=True)

    async def turn(self, ticket: Ticket, deadline: float | None) -> None:
        """Wait until the ticket is granted; on any error its place is given back."""
        if ticket.state is TicketState.GRANTED:
            return
        turn = self._turns[ticket] = asyncio.get_running_loop().create_future()
        try:
            self.pump()
            if turn.done():
                turn.result()
                return
            self._refuse_late(ticket, deadline)
            async with asyncio.timeout_at(deadline):
                await turn
        except TimeoutError:
            wait = self.limiter.wait_of(ticket, _now())
            self.cancel(ticket)
            raise DeadlinePassed(wait) from None
        except BaseException:
            if ticket.state is not TicketState.DONE:
                self.cancel(ticket)
            raise
        finally:
            self._turns.pop(ticket, None)

    def _refuse_late(self, ticket: Ticket, deadline: float | None) -> None:
        if deadline is None:
            return
        now = _now()
        wait = self.limiter.wait_of(ticket, now)
        if now + wait > deadline:
            raise DeadlinePassed(wait)

    def complete(
        self, ticket: Ticket, answer: Answer, *, sent: float | None = None, received: float | None = None
    ) -> bool:
        """See `Permit.complete`."""
        again = self.limiter.complete(ticket, answer, _now(), sent=sent, received=received)
        if self.limiter.waiting:
            self.pump()
        return again

    def requeue(self, ticket: Ticket, pause: float) -> None:
        """Requeue an answered ticket in its old place, unless a rate limit already did."""
        if ticket.state is TicketState.DONE:
            self.limiter.requeue(ticket, _now(), pause=pause)

    def cancel(self, ticket: Ticket, *, sent: bool = False) -> None:
        """Give the slot back."""
        self.limiter.cancel(ticket, _now(), sent=sent)
        self.pump()

    def pump(self) -> None:
        """Grant what the limiter allows now, and set the timer for the next."""
        result = self.limiter.poll(_now())
        turns = self._turns
        for ticket in result.granted:
            turn = turns.get(ticket)
            if turn is not None and not turn.done():
                turn.set_result(None)
                self.starting.add(ticket.route.lane_key)
        for ticket, refusal in result.refused:
            turn = turns.get(ticket)
            if turn is not None and not turn.done():
                turn.set_exception(PermitRefused(refusal))
        if result.wake != self._timer_at:
            self._set_timer(result.wake)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = at
        if math.isfinite(at):
            self._timer = asyncio.get_running_loop().call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        self.pump()

    def close(self) -> None:
        """Stop the timer."""
        self._set_timer(math.inf)


_now = time.monotonic
"""The loop's clock. Asking for the running loop takes longer, and its time is that of its last iteration."""
