"""Forwards a request to Discord: one permit per attempt, and as many attempts as are safe."""

from __future__ import annotations

import json
import random
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from multidict import CIMultiDict

from nescord_core.ratelimit.response import READ_BODIES, BodyFacts
from nescord_core.ratelimit.route import Route
from nescord_core.rest.proxy.metrics import Metrics
from nescord_core.rest.proxy.permits import Permit, Permits
from nescord_core.rest.proxy.server.body import Body
from nescord_core.rest.proxy.server.request import Request
from nescord_core.rest.proxy.target import Target
from nescord_core.rest.proxy.upstream.connection import MOST_WHOLE, ConnectionBroken
from nescord_core.rest.proxy.upstream.pool import ConnectionPool, NoAnswer, may_be_stale, no_answer
from nescord_core.rest.proxy.upstream.response import UpstreamResponse
from nescord_core.tracing import spans

__all__ = ["FirstAttempt", "ForwardedRequest", "Forwarder", "body_facts"]

TRANSIENT = frozenset({500, 502, 503, 504, 524})
"""Discord's transient failures."""
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
LARGEST_ERROR = 1 << 20
"""Bytes of a decoded error that are parsed."""
_WINDOW_BITS = {"gzip": 31, "deflate": 15}
LONGEST_BACKOFF = 8.0
TIMED_OUT_TRIES = 2
SHOWN_WAIT = 0.001
"""Seconds of a wait for limits that are worth a span."""


@dataclass(frozen=True, slots=True)
class ForwardedRequest:
    """A request to forward. ``token`` is a fingerprint; ``deadline`` is on the loop's clock."""

    method: str
    target: Target
    headers: CIMultiDict[str]
    body: Body
    route: Route
    token: str
    deadline: float | None = None
    most: int = MOST_WHOLE
    """The largest response body, in bytes, that is read completely; a larger one is streamed."""
    source: Request | None = None
    """The caller's request, whose `is_sent` is set when it is sent."""

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice is safe; a message with an enforced nonce is created only once."""
        if self.method in REPEATABLE:
            return True
        if self.method != "POST" or b"enforce_nonce" not in self.body.start(LARGEST_ERROR):
            return False
        fields = read_json(self.body.start(LARGEST_ERROR))
        return isinstance(fields, dict) and bool(fields.get("nonce")) and fields.get("enforce_nonce") is True


class FirstAttempt(NamedTuple):
    """An attempt that has been made, on a kept-alive connection, before a coroutine was needed."""

    permit: Permit
    outcome: UpstreamResponse | ConnectionBroken


class Forwarder:
    """Makes up to ``tries`` attempts for a repeatable request; ``backoff`` is the first delay in seconds."""

    def __init__(
        self, permits: Permits, upstream: ConnectionPool, metrics: Metrics, *, tries: int, backoff: float
    ) -> None:
        self._metrics = metrics
        self._permits = permits
        self._upstream = upstream
        self._tries = max(tries, 1)
        self._backoff = backoff

    async def deliver(self, request: ForwardedRequest, first: FirstAttempt | None = None) -> UpstreamResponse:
        """Return Discord's response. Raises `NoAnswer`, `PermitRefused`, `DeadlinePassed`.

        The ``first`` attempt may have been made already.
        """
        if first is not None:
            async with first.permit as permit:
                return await self._attempts(request, permit, first)
        since = time.monotonic()
        async with self._permits.acquire(request.route, request.token, deadline=request.deadline) as permit:
            waited = time.monotonic() - since
            self._metrics.waited(waited)
            if spans.active is not None and waited >= SHOWN_WAIT:
                spans.active.waited(time.time() - waited)
            return await self._attempts(request, permit, None)

    async def _attempts(
        self, request: ForwardedRequest, permit: Permit, first: FirstAttempt | None
    ) -> UpstreamResponse:
        tries = timeouts = 0
        while True:
            tries += 1
            pause = 0.0
            try:
                reply = await (self._try(request, permit) if first is None else self._have(request, first))
            except NoAnswer as error:
                permit.failed()
                timeouts += error.timed_out
                if tries >= self._tries or timeouts >= TIMED_OUT_TRIES or not _may_retry(request, error):
                    raise
                pause = self._retry(tries)
            else:
                limited = permit.complete(reply, body_facts(reply))
                is_transient = reply.status in TRANSIENT and tries < self._tries and request.repeatable
                if not limited and not is_transient:
                    return reply
                if reply.rest is not None:
                    reply.rest.close()
                if limited:
                    tries -= 1
                else:
                    pause = self._retry(tries)
            first = None
            await permit.again(pause)

    async def _have(self, request: ForwardedRequest, first: FirstAttempt) -> UpstreamResponse:
        """Return the outcome of the first attempt; an idle connection may have been closed meanwhile."""
        if isinstance(first.outcome, UpstreamResponse):
            return first.outcome
        if may_be_stale(first.outcome, request.method, was_used=True):
            return await self._try(request, first.permit, reuses=False)
        raise no_answer(first.outcome)

    async def _try(
        self, request: ForwardedRequest, permit: Permit, *, reuses: bool = True
    ) -> UpstreamResponse:
        permit.sent()
        if request.source is not None:
            request.source.is_sent = True
        url = request.target.url
        with spans.sending(request.method, request.route.template, urlsplit(url).netloc) as span:
            reply = await self._upstream.send(
                request.method, url, request.headers, request.body, most=request.most, reuses=reuses
            )
            span.result(reply.status)
        self._metrics.upstream_answered(reply.received_at - reply.sent_at)
        return reply

    def _retry(self, tries: int) -> float:
        """Count a retry; return the seconds until it."""
        self._metrics.retried += 1
        longest: float = min(self._backoff * 2 ** (tries - 1), LONGEST_BACKOFF)
        return longest * random.uniform(0.5, 1.0)


def _may_retry(request: ForwardedRequest, error: NoAnswer) -> bool:
    return not error.reached or request.repeatable


def body_facts(reply: UpstreamResponse) -> BodyFacts | None:
    """Return what the limiter needs of an error's body; None for statuses that it ignores."""
    if reply.status not in READ_BODIES:
        return None
    content = read_json(_decoded(reply.body, reply.headers))
    if not isinstance(content, dict):
        return BodyFacts()
    wait = content.get("retry_after")
    code = content.get("code")
    return BodyFacts(
        is_json=True,
        retry_after=_seconds(wait),
        is_global=content.get("global") is True,
        code=code if isinstance(code, int) else 0,
    )


def _seconds(wait: object) -> float | None:
    if isinstance(wait, bool) or not isinstance(wait, int | float):
        return None
    try:
        return float(wait)
    except OverflowError:
        return None


def read_json(data: bytes) -> Any:
    """Return the decoded value, or None if it is not JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _decoded(body: bytes, headers: Mapping[str, str]) -> bytes:
    coding = headers.get("Content-Encoding", "").lower()
    try:
        if coding in _WINDOW_BITS:
            # An error's body is small; anything beyond that is ignored.
            return zlib.decompressobj(_WINDOW_BITS[coding]).decompress(body, LARGEST_ERROR)
    except zlib.error:
        return b""
    return body
