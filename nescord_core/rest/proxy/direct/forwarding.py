"""Answers requests at once where that is possible: from the cache's memory, or by sending them to Discord.

A request is sent at once if its headers have been seen before, every rate limit has room for it and a
connection is idle. If it is left to a coroutine instead, nothing has been taken from it and no limit used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from nescord_core.ratelimit.response import read_settled
from nescord_core.ratelimit.tickets import GRANTED
from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.access import AccessDenied
from nescord_core.rest.proxy.active_requests import ActiveRequests
from nescord_core.rest.proxy.body_stream import BodyStream
from nescord_core.rest.proxy.cache.cache import Cache, CacheAnswer
from nescord_core.rest.proxy.cache.keys import key_of
from nescord_core.rest.proxy.direct.exchange import Exchange, Planned
from nescord_core.rest.proxy.direct.plans import Plans
from nescord_core.rest.proxy.direct.replies import cached_answer, reply_of
from nescord_core.rest.proxy.metrics import Metrics
from nescord_core.rest.proxy.permits import Permits
from nescord_core.rest.proxy.server.body import Body, BodyBudget
from nescord_core.rest.proxy.server.remembered_heads import CallerHeaders
from nescord_core.rest.proxy.server.request import Request
from nescord_core.rest.proxy.server.response import Response
from nescord_core.rest.proxy.upstream.connection import MOST_WHOLE, ConnectionBroken
from nescord_core.rest.proxy.upstream.pool import ConnectionPool
from nescord_core.rest.proxy.upstream.response import PlainResponse, UpstreamResponse
from nescord_core.tracing import spans

__all__ = ["DirectForwarder", "DirectParts"]

Resume = Callable[[Exchange, UpstreamResponse | ConnectionBroken], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class DirectParts:
    """The parts of the proxy that a request passes. ``resume`` returns a coroutine for what is left over.

    ``ttl`` is the time to live, in seconds, of a cached response by its kind and a token's fingerprint;
    ``most_shared`` the size in bytes up to which a response may be cached, ``spool`` that of a body.
    """

    plans: Plans
    permits: Permits
    upstream: ConnectionPool
    metrics: Metrics
    cache: Cache | None
    bodies: BodyBudget
    active: ActiveRequests
    resume: Resume
    ttl: Callable[[str, str], float]
    most_shared: int
    spool: int


class DirectForwarder:
    """Sends requests, and passes on their responses."""

    def __init__(self, parts: DirectParts) -> None:
        self._plans = parts.plans
        self._permits = parts.permits
        self._upstream = parts.upstream
        self._metrics = parts.metrics
        self._cache = parts.cache
        self._bodies = parts.bodies
        self._active = parts.active
        self._resume = parts.resume
        self._ttl = parts.ttl
        self._most_shared = parts.most_shared
        self._spool = parts.spool

    def begin(self, request: Request, known: CallerHeaders) -> Response | Exchange | None:
        """Return the response, or the request on its way; None if a coroutine has to answer it."""
        line = self._plans.line(request.method, request.raw_path)
        if line is None or spans.active is not None:
            return None
        try:
            head = self._plans.head(known, line.route.authenticated, line.needs_length)
        except AccessDenied:
            return None
        if head is None:
            return None
        cache, key = self._cache, None
        if cache is not None and line.kind and head.vary is not None and request.content is None:
            key = key_of(head.token, line.target.url, head.vary)
            found = cache.recent(key, self._ttl(line.kind, head.token))
            if found is not None:
                self._metrics.answered("GET", line.route.template, found.status, 0.0)
                return _hit(found)
            if not cache.is_unknown(key):
                return None
        return self._send(Planned(request, line, head, key))

    def _send(self, planned: Planned) -> Exchange | None:
        request, line, head, key = planned
        size = 0 if request.known is None else request.known.length
        if size and not self._has_room(size):
            return None
        connection = self._upstream.take_idle()
        if connection is None:
            return None
        ticket = self._permits.grant_at_once(line.route, head.token, line.lane_key)
        if ticket is None:
            self._upstream.put_back(connection)
            return None
        exchange = Exchange(self, planned, ticket, connection, self._body(request))
        if self._cache is not None:
            exchange.flight = self._cache.miss(key, line.tags) if key is not None else None
            self._drop(exchange)
        self._active.begin()
        self._metrics.did_not_wait()
        request.is_sent = True
        data = b"".join((line.start, head.lines, b"\r\n", exchange.body.data if exchange.body else b""))
        self._upstream.start(connection, data, exchange, self._most_shared if key else MOST_WHOLE)
        return exchange

    def _has_room(self, size: int) -> bool:
        return size <= self._spool and self._bodies.has_room(size)

    def _body(self, request: Request) -> Body | None:
        if request.content is None:
            return None
        body = Body(self._bodies)
        body.keep(request.content.take())
        return body

    def _drop(self, exchange: Exchange) -> None:
        """Drop what a write makes outdated: before, so that nobody reads it; after, as somebody may have."""
        line = exchange.planned.line
        if self._cache is not None and not line.is_read:
            self._cache.drop(line.tags)

    # -- outcomes --------------------------------------------------------------------------------------------

    def answered(self, exchange: Exchange, reply: PlainResponse, sent_at: float, received_at: float) -> None:
        """Pass on a response; the limiter learns from it first."""
        line, key = exchange.planned.line, exchange.planned.key
        self._release(exchange, None)
        self._metrics.upstream_answered(received_at - sent_at)
        limits = read_settled(reply.status, reply.limits)
        self._permits.complete(exchange.ticket, limits, sent=sent_at, received=received_at)
        answer = reply_of(reply, ("bypass" if key is None else "miss") if line.is_read else "")
        if self._cache is not None:
            if exchange.flight is not None:
                self._cache.settle(exchange.flight, cached_answer(reply))
            self._drop(exchange)
        if exchange.body is not None:
            exchange.body.close()
        exchange.is_over = True
        seconds = time.monotonic() - exchange.started_at
        self._metrics.answered(exchange.planned.request.method, line.route.template, reply.status, seconds)
        self._active.end()
        exchange.caller.respond(answer)

    def left_over(self, exchange: Exchange, outcome: UpstreamResponse | ConnectionBroken) -> None:
        """Find a response by a coroutine."""
        if isinstance(outcome, UpstreamResponse):
            self._metrics.upstream_answered(outcome.received_at - outcome.sent_at)
        self._permits.starting.add(exchange.planned.line.lane_key)
        exchange.caller.wait_for(self._resume(exchange, outcome))

    def handed_over(self, exchange: Exchange, outcome: UpstreamResponse | ConnectionBroken) -> None:
        """Note that a coroutine has begun, which gives back what the exchange has from now on.

        Until then the connection is the exchange's: a caller that leaves ends a body that is still coming.
        """
        exchange.is_over = True
        self._release(exchange, outcome.rest if isinstance(outcome, UpstreamResponse) else None)
        self._active.end()

    def _release(self, exchange: Exchange, rest: BodyStream | None) -> None:
        connection, exchange.connection = exchange.connection, None
        if connection is not None:
            self._upstream.finished(connection, rest)

    def cancelled(self, exchange: Exchange) -> None:
        """Give back what the exchange has: its caller has left."""
        if exchange.connection is not None:
            exchange.connection.close()
        self._abandon(exchange)

    def broke(self, exchange: Exchange) -> None:
        """Answer for a failure of the proxy itself."""
        self._abandon(exchange)
        exchange.caller.respond(error_responses.internal_error())

    def _abandon(self, exchange: Exchange) -> None:
        exchange.is_over = True
        self._release(exchange, None)
        if exchange.ticket.state is GRANTED:
            self._permits.cancel(exchange.ticket, sent=True)
        if self._cache is not None and exchange.flight is not None:
            self._cache.abandon(exchange.flight)
        self._drop(exchange)
        if exchange.body is not None:
            exchange.body.close()
        self._active.end()


def _hit(found: CacheAnswer) -> Response:
    headers = (*found.headers, ("X-Nescord-Cache", "hit"))
    return Response(found.status, found.reason, headers, found.body)
