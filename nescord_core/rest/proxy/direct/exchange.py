"""A request that has been sent to Discord without a task; its outcome comes as a call."""

from __future__ import annotations

import logging
import time
from typing import NamedTuple, Protocol

from nescord_core.ratelimit.response import READ_BODIES
from nescord_core.ratelimit.tickets import Ticket
from nescord_core.rest.proxy.cache.cache import Flight
from nescord_core.rest.proxy.direct.plans import HeadPlan, LinePlan
from nescord_core.rest.proxy.server.body import Body
from nescord_core.rest.proxy.server.exchange import Caller, PendingResponse
from nescord_core.rest.proxy.server.request import Request
from nescord_core.rest.proxy.upstream.connection import ConnectionBroken, UpstreamConnection
from nescord_core.rest.proxy.upstream.response import PlainResponse, UpstreamResponse

__all__ = ["Exchange", "ExchangeOwner", "Planned"]

_log = logging.getLogger("nescord.rest")


class Planned(NamedTuple):
    """A request with what was decided about it; ``key`` is that of its cached response, if it may be."""

    request: Request
    line: LinePlan
    head: HeadPlan
    key: str | None


class ExchangeOwner(Protocol):
    """What an exchange needs of the proxy."""

    def answered(self, exchange: Exchange, reply: PlainResponse, sent_at: float, received_at: float) -> None:
        """Pass on a response that needs nothing else."""
        ...

    def left_over(self, exchange: Exchange, outcome: UpstreamResponse | ConnectionBroken) -> None:
        """Find a response by a coroutine: it has to be waited for, repeated or looked into."""
        ...

    def cancelled(self, exchange: Exchange) -> None:
        """Give back what the exchange has: its caller has left."""
        ...

    def broke(self, exchange: Exchange) -> None:
        """Answer for a failure of the proxy itself."""
        ...


class Exchange(PendingResponse):
    """One request on its way. It is a `Receiver` for its connection, and what its caller waits for."""

    __slots__ = (
        "_owner",
        "body",
        "caller",
        "connection",
        "flight",
        "is_over",
        "planned",
        "started_at",
        "ticket",
    )

    def __init__(
        self,
        owner: ExchangeOwner,
        planned: Planned,
        ticket: Ticket,
        connection: UpstreamConnection,
        body: Body | None,
    ) -> None:
        self._owner = owner
        self.planned = planned
        self.ticket = ticket
        self.connection: UpstreamConnection | None = connection
        self.body = body
        self.is_over = False
        """Whether somebody else gives back what it has, or that has been done."""
        self.flight: Flight | None = None
        self.started_at = time.monotonic()
        self.caller: Caller

    # -- the caller's side -------------------------------------------------------------------------------

    def begin(self, caller: Caller) -> None:
        """Name the caller. Its request has been sent; no outcome comes before this."""
        self.caller = caller

    def cancel(self) -> None:
        """Give up: the caller has left."""
        if not self.is_over:
            self._owner.cancelled(self)

    # -- the connection's side ---------------------------------------------------------------------------

    def received(self, reply: PlainResponse | UpstreamResponse, sent_at: float, received_at: float) -> None:
        """Take the response."""
        try:
            if isinstance(reply, UpstreamResponse):
                self._owner.left_over(self, reply)
            elif reply.status >= 500 or reply.status in READ_BODIES:
                self._owner.left_over(self, reply.with_headers(sent_at, received_at))
            else:
                self._owner.answered(self, reply, sent_at, received_at)
        except Exception:
            self._broke()

    def failed(self, error: ConnectionBroken) -> None:
        """Take the reason why there is no response."""
        try:
            self._owner.left_over(self, error)
        except Exception:
            self._broke()

    def _broke(self) -> None:
        _log.exception("rest failed to handle a %s", self.planned.request.method)
        if not self.is_over:
            self._owner.broke(self)
