"""The proxy: accepts any request for Discord's API and returns Discord's response."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.route import needs_fields, route_of
from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.access import Access, AccessDenied
from nescord_core.rest.proxy.active_requests import ActiveRequests
from nescord_core.rest.proxy.admission import Admission, AdmittedRequest, Refused
from nescord_core.rest.proxy.cache.cache import Cache, CacheAnswer, Flight
from nescord_core.rest.proxy.cache.coherence import CacheCoherence
from nescord_core.rest.proxy.cache.invalidation import by_write, kind_of, tags_of
from nescord_core.rest.proxy.cache.keys import UNSHARED, key_of, kind_of_cacheable, vary_of
from nescord_core.rest.proxy.direct.exchange import Exchange
from nescord_core.rest.proxy.direct.forwarding import DirectForwarder, DirectParts
from nescord_core.rest.proxy.direct.plans import Plans
from nescord_core.rest.proxy.forwarded_headers import for_caller, for_discord
from nescord_core.rest.proxy.forwarding import FirstAttempt, ForwardedRequest, Forwarder, read_json
from nescord_core.rest.proxy.metrics import Metrics
from nescord_core.rest.proxy.own_routes import ServiceRoutes
from nescord_core.rest.proxy.permits import DeadlinePassed, PermitRefused, Permits
from nescord_core.rest.proxy.route_labels import route_label
from nescord_core.rest.proxy.server.body import Body, BodyBudget, BodyTooLarge, BodyTooSlow, NoRoomForBodies
from nescord_core.rest.proxy.server.exchange import PendingResponse
from nescord_core.rest.proxy.server.request import BodyBroken, Request
from nescord_core.rest.proxy.server.response import Response
from nescord_core.rest.proxy.target import Targets
from nescord_core.rest.proxy.upstream.connection import MOST_WHOLE, ConnectionBroken
from nescord_core.rest.proxy.upstream.pool import ConnectionPool, NoAnswer
from nescord_core.rest.proxy.upstream.response import UpstreamResponse
from nescord_core.settings import RestSettings
from nescord_core.tracing import spans

__all__ = ["Proxy"]

KB = 1024
MB = 1024 * 1024
MOST_SHARED = 8 * MB
"""Bytes of a response that may be cached or shared; any other is streamed from 1 MB on."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_log = logging.getLogger("nescord.rest")


class SentRequest(NamedTuple):
    """A request that has been sent before its coroutine began: what it has, and what came of it."""

    first: FirstAttempt
    body: Body
    flight: Flight | None
    started_at: float


class Proxy:
    """Answers requests; use it inside `running`."""

    def __init__(self, settings: RestSettings) -> None:
        self._settings = settings
        access = Access(
            settings.token,
            settings.security.secret,
            passthrough=settings.passthrough,
            hosts=settings.security.hosts,
        )
        self._access = access
        self._admission = Admission(Targets(settings.api_url), access)
        self.limiter = Limiter(global_limit=settings.global_limit, max_queue=settings.max_queue)
        self.cache = Cache(settings.cache, settings.state_dir / "cache") if settings.cache.enabled else None
        self._permits = Permits(self.limiter)
        self._upstream = ConnectionPool(
            settings.api_url,
            timeout=settings.request_timeout,
            proxy=settings.proxies.proxy_for(settings.api_url),
        )
        self.coherence = CacheCoherence()
        self._metrics = Metrics(self.limiter, self.cache, self.coherence)
        self._forwarder = Forwarder(
            self._permits,
            self._upstream,
            self._metrics,
            tries=settings.retries,
            backoff=settings.retry_backoff,
        )
        self._service_routes = ServiceRoutes(access, self._metrics, self.limiter, self.cache, self.coherence)
        self._bodies = BodyBudget(memory=settings.bodies_memory_mb * MB, total=settings.max_bodies_mb * MB)
        self._active = ActiveRequests()
        self._direct = self._direct_forwarder(access)

    def _direct_forwarder(self, access: Access) -> DirectForwarder:
        plans = Plans(
            Targets(self._settings.api_url),
            access,
            self._service_routes.is_own,
            origin=self._upstream.origin,
            host=self._upstream.host_header,
        )
        return DirectForwarder(
            DirectParts(
                plans,
                self._permits,
                self._upstream,
                self._metrics,
                self.cache,
                self._bodies,
                self._active,
                ttl=self._ttl,
                resume=self._resume,
                most_shared=MOST_SHARED,
                spool=min(self._settings.spool_kb * KB, MB),
            )
        )

    def _resume(
        self, exchange: Exchange, outcome: UpstreamResponse | ConnectionBroken
    ) -> Coroutine[Any, Any, Response]:
        """Return a coroutine that finds the response of a request that has been sent."""
        return self._answer(self._forward_sent, exchange, outcome)

    async def _forward_sent(
        self, exchange: Exchange, outcome: UpstreamResponse | ConnectionBroken
    ) -> Response:
        self._direct.handed_over(exchange, outcome)
        request, line, head, key = exchange.planned
        admitted = AdmittedRequest(line.target, line.route, head.authorization, head.token, None)
        first = FirstAttempt(self._permits.resumed(exchange.ticket), outcome)
        sent = SentRequest(first, exchange.body or Body(), exchange.flight, exchange.started_at)
        return await self._forward(request, admitted, key, sent)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """Keep the connections and the cache open while the block runs."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._upstream)
            if self.cache is not None:
                await stack.enter_async_context(self.cache.running())
            stack.callback(self._permits.close)
            yield self

    def begin(self, request: Request) -> Response | PendingResponse | Coroutine[Any, Any, Response]:
        """Return the response, or one that is on its way, or a coroutine for it if that has to wait.

        None of them raises, whatever a caller sends.
        """
        if request.known is not None:
            outcome = self._direct.begin(request, request.known)
            if outcome is not None:
                return outcome
        try:
            self._access.check_host(request.headers)
            service_route = self._service_routes.find(request)
            if service_route is not None:
                return self._answer(service_route, request)
            admitted = self._admission.admit(request)
        except Refused as refused:
            return refused.answer
        except AccessDenied as denied:
            self._metrics.denied += 1
            return error_responses.error(denied.status, denied.message)
        key = self._key_of(request, admitted)
        if key is not None:
            cached = self._cached(request, admitted, key)
            if cached is not None:
                self._record_cached(request, admitted, cached)
                return cached
        self._permits.starting.add(admitted.route.lane_key)
        return self._answer(self._forward, request, admitted, key)

    async def _answer(self, work: Callable[..., Coroutine[Any, Any, Response]], *arguments: Any) -> Response:
        self._active.begin()
        try:
            answer = await work(*arguments)
            if answer.rest is not None:
                self._active.begin()
                answer.rest.on_end(self._active.end)
            return answer
        except Refused as refused:
            return refused.answer
        except BodyTooLarge:
            limit = self._settings.max_body_mb
            return error_responses.error(
                413, f"The body is larger than {limit} MB (rest.max_body_mb).", close=True
            )
        except NoRoomForBodies:
            return error_responses.error(
                503,
                f"Waiting requests hold {self._settings.max_bodies_mb} MB of bodies (rest.max_bodies_mb).",
                retry_after=1.0,
                close=True,
            )
        except BodyTooSlow:
            return error_responses.error(
                408, "The body stopped in the middle; send as many bytes as Content-Length says.", close=True
            )
        except BodyBroken as error:
            return error_responses.error(400, f"The body is incomplete: {error}.", close=True)
        finally:
            self._active.end()

    async def finish(self, timeout: float) -> int:
        """Wait up to ``timeout`` seconds for running requests; return how many are left."""
        return await self._active.finish(timeout)

    def metrics(self) -> bytes:
        """Return the page for Prometheus."""
        return self._metrics.render()

    # -- one request -------------------------------------------------------------------------------------

    @staticmethod
    def _record_cached(request: Request, admitted: AdmittedRequest, answer: Response) -> None:
        if spans.active is not None:
            with spans.serving(request.method, admitted.route.template, request.headers) as span:
                span.result(answer.status)
                span.note("nescord.cache", "hit")

    async def _forward(
        self, request: Request, admitted: AdmittedRequest, key: str | None, sent: SentRequest | None = None
    ) -> Response:
        with spans.serving(request.method, admitted.route.template, request.headers) as span:
            answer = await self._forward_timed(request, admitted, key, sent)
            span.result(answer.status)
        return answer

    async def _forward_timed(
        self, request: Request, admitted: AdmittedRequest, key: str | None, sent: SentRequest | None
    ) -> Response:
        started = time.monotonic() if sent is None else sent.started_at
        template = admitted.route.template
        try:
            answer = await self._fulfil(request, admitted, key, sent)
        except PermitRefused as refused:
            answer = error_responses.refused(refused.refusal)
        except DeadlinePassed as passed:
            answer = error_responses.error(504, str(passed), retry_after=passed.retry_after)
        except NoAnswer as error:
            _log.warning("%s %s: %s", request.method, route_label(template), error.message)
            answer = error_responses.error(504 if error.timed_out else 502, error.message)
        seconds = time.monotonic() - started
        self._metrics.answered(request.method, template, answer.status, seconds)
        return answer

    async def _fulfil(
        self, request: Request, admitted: AdmittedRequest, key: str | None, sent: SentRequest | None
    ) -> Response:
        if key is not None and self.cache is not None:
            return await self._get(self.cache, request, admitted, key, sent)
        with Body(self._bodies) if sent is None else sent.body as body:
            first = None if sent is None else sent.first
            if sent is None:
                await self._read(request, body)
                admitted = _with_fields(request.method, admitted, body)
            if request.method in SAFE:
                mark = "bypass" if request.method == "GET" else ""
                return _with_cache_header(await self._deliver(request, admitted, body, first), mark)
            tags = by_write(request.method, admitted.target.path) if self.cache is not None else frozenset()
            try:
                # Before, so that nobody reads outdated data; after, because somebody may have in the
                # meantime.
                self._drop(tags)
                return _with_cache_header(await self._deliver(request, admitted, body, first), "")
            finally:
                self._drop(tags)

    async def _get(
        self,
        cache: Cache,
        request: Request,
        admitted: AdmittedRequest,
        key: str,
        sent: SentRequest | None,
    ) -> Response:
        async def fetch() -> CacheAnswer:
            first = None if sent is None else sent.first
            return await self._deliver(request, admitted, Body(), first, most=MOST_SHARED)

        if sent is not None and sent.flight is not None:
            return _with_cache_header(await cache.complete(sent.flight, fetch), "miss")
        tags = tags_of(admitted.route.template, admitted.target.path)
        if _bypasses_cache(request.headers):
            return _with_cache_header(await cache.refresh(key, tags, fetch), "bypass")
        answer = await cache.get(key, tags, fetch, self._ttl_of(admitted))
        return _with_cache_header(answer, "hit" if answer.hit else "miss")

    def _cached(self, request: Request, admitted: AdmittedRequest, key: str) -> Response | None:
        """Return a cached response from memory, if there is a usable one."""
        if self.cache is None or _bypasses_cache(request.headers):
            return None
        answer = self.cache.recent(key, self._ttl_of(admitted))
        if answer is None:
            return None
        self._metrics.answered("GET", admitted.route.template, answer.status, 0.0)
        return _with_cache_header(answer, "hit")

    def _ttl_of(self, admitted: AdmittedRequest) -> float:
        return self._ttl(kind_of(admitted.route.template), admitted.token)

    def _ttl(self, kind: str, token: str) -> float:
        linked = self.coherence.is_complete(token, time.monotonic())
        return self._settings.cache.ttl_of(kind, linked=linked)

    def _key_of(self, request: Request, admitted: AdmittedRequest) -> str | None:
        """Return the cache key of a request, None if its response must not be cached."""
        if self.cache is None or request.method != "GET" or request.content is not None:
            return None
        if not kind_of_cacheable(admitted.route, admitted.target):
            return None
        headers = request.headers
        if "no-store" in headers.get("Cache-Control", "").lower():
            return None
        if any(name in headers for name in UNSHARED):
            return None
        return key_of(admitted.token, admitted.target.url, vary_of(headers))

    async def _deliver(
        self,
        request: Request,
        admitted: AdmittedRequest,
        body: Body,
        first: FirstAttempt | None = None,
        *,
        most: int = MOST_WHOLE,
    ) -> CacheAnswer:
        length = body.size if body.size or request.headers.get("Content-Length") == "0" else None
        headers = for_discord(request.headers, authorization=admitted.authorization, length=length)
        route, token = admitted.route, admitted.token
        order = ForwardedRequest(
            request.method, admitted.target, headers, body, route, token, admitted.deadline, most, request
        )
        reply = await self._forwarder.deliver(order, first)
        passed = for_caller(reply.headers, status=reply.status, is_head=request.method == "HEAD")
        return CacheAnswer(reply.status, reply.reason, passed.items(), reply.body, rest=reply.rest)

    async def _read(self, request: Request, body: Body) -> None:
        if request.content is None:
            return
        most = self._settings.max_body_mb * MB
        if request.content_length > most:
            raise BodyTooLarge
        request.want_body()
        await body.read(
            request.content,
            most=most,
            spool=min(self._settings.spool_kb * KB, MB),
            timeout=self._settings.request_timeout,
        )

    def _drop(self, tags: frozenset[str]) -> None:
        if self.cache is not None:
            self.cache.drop(tags)


def _with_fields(method: str, admitted: AdmittedRequest, body: Body) -> AdmittedRequest:
    if not needs_fields(method, admitted.target.path):
        return admitted
    fields = read_json(body.start(MB))
    if not isinstance(fields, dict):
        return admitted
    route = route_of(method, admitted.target.path, unix_ms=0, fields=frozenset(fields))
    return admitted._replace(route=route._replace(priority=admitted.route.priority))


def _bypasses_cache(headers: Mapping[str, str]) -> bool:
    wish = headers.get("Cache-Control")
    if wish is None:
        return "no-cache" in headers.get("Pragma", "").lower()  # RFC 9111, 5.4
    wish = wish.lower()
    return "no-cache" in wish or "max-age=0" in wish.replace(" ", "")


def _with_cache_header(answer: CacheAnswer, mark: str) -> Response:
    headers = (*answer.headers, ("X-Nescord-Cache", mark)) if mark else answer.headers
    return Response(answer.status, answer.reason, headers, answer.body, rest=answer.rest)
