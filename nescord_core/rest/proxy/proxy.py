"""The proxy: accepts any request for Discord's API and returns Discord's response."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.route import needs_fields, route_of
from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.access import Access, AccessDenied
from nescord_core.rest.proxy.admission import Admission, AdmittedRequest, Refused
from nescord_core.rest.proxy.cache.cache import Cache, CacheAnswer
from nescord_core.rest.proxy.cache.coherence import CacheCoherence
from nescord_core.rest.proxy.cache.invalidation import by_write, is_cacheable, kind_of, tags_of
from nescord_core.rest.proxy.forwarded_headers import accept_encoding, for_caller, for_discord
from nescord_core.rest.proxy.forwarding import ForwardedRequest, Forwarder, read_json
from nescord_core.rest.proxy.metrics import Metrics
from nescord_core.rest.proxy.own_routes import ServiceRoutes
from nescord_core.rest.proxy.permits import DeadlinePassed, PermitRefused, Permits
from nescord_core.rest.proxy.route_labels import route_label
from nescord_core.rest.proxy.server.body import Body, BodyBudget, BodyTooLarge, BodyTooSlow, NoRoomForBodies
from nescord_core.rest.proxy.server.request import BodyBroken, Request
from nescord_core.rest.proxy.server.response import Response
from nescord_core.rest.proxy.target import Targets
from nescord_core.rest.proxy.upstream.connection import MOST_WHOLE
from nescord_core.rest.proxy.upstream.pool import ConnectionPool, NoAnswer
from nescord_core.settings import RestSettings
from nescord_core.tracing import spans

__all__ = ["Proxy"]

KB = 1024
MB = 1024 * 1024
MOST_SHARED = 8 * MB
"""Bytes of a response that may be cached or shared; any other is streamed from 1 MB on."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
UNSHARED = ("Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Range")
LONGEST_KEY = 512
"""Characters of a cache key; a longer one is replaced by its digest."""
VARY = ("Accept", "Accept-Language", "X-Discord-Locale")

_log = logging.getLogger("nescord.rest")


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
        self._active = 0
        self._idle: asyncio.Event | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """Keep the connections and the cache open while the block runs."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._upstream)
            if self.cache is not None:
                await stack.enter_async_context(self.cache.running())
            stack.callback(self._permits.close)
            yield self

    def begin(self, request: Request) -> Response | Coroutine[Any, Any, Response]:
        """Return the response if there is nothing to wait for, otherwise a coroutine for it.

        Neither raises, whatever a caller sends.
        """
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
        return self._answer(self._forward, request, admitted, key)

    async def _answer(self, work: Callable[..., Coroutine[Any, Any, Response]], *arguments: Any) -> Response:
        self._active += 1
        try:
            answer = await work(*arguments)
            if answer.rest is not None:
                self._active += 1
                answer.rest.on_end(self._request_ended)
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
            self._request_ended()

    def _request_ended(self) -> None:
        self._active -= 1
        if self._idle is not None and not self._active:
            self._idle.set()

    async def finish(self, timeout: float) -> int:
        """Wait up to ``timeout`` seconds for running requests; return how many are left."""
        await asyncio.sleep(0)  # lets requests that have just arrived start
        self._idle = asyncio.Event()
        if self._active:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._idle.wait()
        return self._active

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

    async def _forward(self, request: Request, admitted: AdmittedRequest, key: str | None) -> Response:
        with spans.serving(request.method, admitted.route.template, request.headers) as span:
            answer = await self._forward_timed(request, admitted, key)
            span.result(answer.status)
        return answer

    async def _forward_timed(self, request: Request, admitted: AdmittedRequest, key: str | None) -> Response:
        started = asyncio.get_running_loop().time()
        template = admitted.route.template
        try:
            answer = await self._fulfil(request, admitted, key)
        except PermitRefused as refused:
            answer = error_responses.refused(refused.refusal)
        except DeadlinePassed as passed:
            answer = error_responses.error(504, str(passed), retry_after=passed.retry_after)
        except NoAnswer as error:
            _log.warning("%s %s: %s", request.method, route_label(template), error.message)
            answer = error_responses.error(504 if error.timed_out else 502, error.message)
        seconds = asyncio.get_running_loop().time() - started
        self._metrics.answered(request.method, template, answer.status, seconds)
        return answer

    async def _fulfil(self, request: Request, admitted: AdmittedRequest, key: str | None) -> Response:
        if key is not None and self.cache is not None:
            return await self._get(self.cache, request, admitted, key)
        with Body(self._bodies) as body:
            await self._read(request, body)
            admitted = _with_fields(request.method, admitted, body)
            if request.method in SAFE:
                mark = "bypass" if request.method == "GET" else ""
                return _with_cache_header(await self._deliver(request, admitted, body), mark)
            tags = by_write(request.method, admitted.target.path) if self.cache is not None else frozenset()
            try:
                # Before, so that nobody reads outdated data; after, because somebody may have in the
                # meantime.
                self._drop(tags)
                return _with_cache_header(await self._deliver(request, admitted, body), "")
            finally:
                self._drop(tags)

    async def _get(self, cache: Cache, request: Request, admitted: AdmittedRequest, key: str) -> Response:
        async def fetch() -> CacheAnswer:
            return await self._deliver(request, admitted, Body(), most=MOST_SHARED)

        tags = tags_of(admitted.route.template, admitted.target.path)
        if _bypasses_cache(request.headers):
            return _with_cache_header(await cache.refresh(key, tags, fetch), "bypass")
        answer = await cache.get(key, tags, fetch, self._ttl(admitted))
        return _with_cache_header(answer, "hit" if answer.hit else "miss")

    def _cached(self, request: Request, admitted: AdmittedRequest, key: str) -> Response | None:
        """Return a cached response from memory, if there is a usable one."""
        if self.cache is None or _bypasses_cache(request.headers):
            return None
        answer = self.cache.recent(key, self._ttl(admitted))
        if answer is None:
            return None
        self._metrics.answered("GET", admitted.route.template, answer.status, 0.0)
        return _with_cache_header(answer, "hit")

    def _ttl(self, admitted: AdmittedRequest) -> float:
        linked = self.coherence.is_complete(admitted.token, asyncio.get_running_loop().time())
        return self._settings.cache.ttl_of(kind_of(admitted.route.template), linked=linked)

    def _key_of(self, request: Request, admitted: AdmittedRequest) -> str | None:
        """Return the cache key of a request, None if its response must not be cached."""
        if self.cache is None or request.method != "GET" or request.content is not None:
            return None
        if not admitted.route.authenticated or not is_cacheable(
            admitted.route.template, admitted.target.query
        ):
            return None
        if len(admitted.target.path) > LONGEST_KEY:
            return None  # no id of Discord's is that long, and the path would be part of the tags
        headers = request.headers
        if "no-store" in headers.get("Cache-Control", "").lower():
            return None
        return None if any(name in headers for name in UNSHARED) else _key(admitted, headers)

    async def _deliver(
        self, request: Request, admitted: AdmittedRequest, body: Body, *, most: int = MOST_WHOLE
    ) -> CacheAnswer:
        length = body.size if body.size or request.headers.get("Content-Length") == "0" else None
        headers = for_discord(request.headers, authorization=admitted.authorization, length=length)
        route, token = admitted.route, admitted.token
        order = ForwardedRequest(
            request.method, admitted.target, headers, body, route, token, admitted.deadline, most, request
        )
        reply = await self._forwarder.deliver(order)
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


def _key(admitted: AdmittedRequest, headers: Mapping[str, str]) -> str:
    parts = [admitted.token, admitted.target.url, accept_encoding(headers)]
    parts += [headers.get(name, "") for name in VARY]
    key = "\n".join(parts)
    if len(key) <= LONGEST_KEY:
        return key
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _with_cache_header(answer: CacheAnswer, mark: str) -> Response:
    headers = (*answer.headers, ("X-Nescord-Cache", mark)) if mark else answer.headers
    return Response(answer.status, answer.reason, headers, answer.body, rest=answer.rest)
