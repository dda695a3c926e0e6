"""The front: takes any request that Discord's API would take, and gives back what Discord answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import NamedTuple

from aiohttp import web
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict

from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.route import Priority, Route, needs_fields, route_of
from nescord_core.rest import replies
from nescord_core.rest.access import Access, AccessDenied, fingerprint
from nescord_core.rest.bodies import Body, BodyTooLarge, BodyTooSlow
from nescord_core.rest.cache import Cache, CacheAnswer
from nescord_core.rest.courier import Courier, Order, read_json
from nescord_core.rest.invalidation import by_write, is_cacheable, tags_of
from nescord_core.rest.links import Links
from nescord_core.rest.meters import Meters
from nescord_core.rest.own import OwnRoutes
from nescord_core.rest.passage import accept_encoding, for_caller, for_discord
from nescord_core.rest.permits import DeadlinePassed, PermitRefused, Permits
from nescord_core.rest.target import Target, TargetRefused, Targets
from nescord_core.rest.upstream import NoAnswer, Upstream
from nescord_core.settings import RestSettings

__all__ = ["Proxy", "make_server"]

KB = 1024
MB = 1024 * 1024
LINGER = 2.0
"""Seconds for a caller to finish sending what is not wanted any more, so that it can read the answer."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
UNSHARED = ("Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Range")
VARY = ("Accept", "Accept-Language", "X-Discord-Locale")
PRIORITIES = {"interaction": Priority.INTERACTION, "normal": Priority.NORMAL, "bulk": Priority.BULK}

_log = logging.getLogger("nescord.rest")
_http_log = logging.getLogger("nescord.rest.http")
_http_log.addFilter(lambda record: record.levelno >= logging.ERROR and record.exc_info is None)
"""aiohttp logs a traceback for every garbled request line; that is the caller's fault, not news."""


class Refused(Exception):
    """A request that is answered here; carries the answer."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class Checked(NamedTuple):
    """A request after everything that needs no body was looked at."""

    target: Target
    route: Route
    authorization: str | None
    token: str
    deadline: float | None


class Proxy:
    """Answers requests; use it inside `running`."""

    def __init__(self, settings: RestSettings) -> None:
        self._settings = settings
        self._targets = Targets(settings.api_url)
        self._access = Access(settings.token, settings.security.secret, passthrough=settings.passthrough)
        self.limiter = Limiter(global_limit=settings.global_limit, max_queue=settings.max_queue)
        self.cache = Cache(settings.cache, settings.state_dir / "cache") if settings.cache.enabled else None
        self._permits = Permits(self.limiter)
        self._upstream = Upstream(timeout=settings.request_timeout)
        self._courier = Courier(
            self._permits, self._upstream, tries=settings.retries, backoff=settings.retry_backoff
        )
        self._meters = Meters(self.limiter, self.cache, self._courier)
        self.links = Links()
        self._own = OwnRoutes(self._access, self._meters, self.limiter, self.cache, self.links)
        self._active = 0
        self._idle: asyncio.Event | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """Hold connections and the cache open for as long as the block runs."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._upstream)
            if self.cache is not None:
                await stack.enter_async_context(self.cache.running())
            stack.callback(self._permits.close)
            yield self

    async def answer(self, request: BaseRequest) -> web.StreamResponse:
        """Answer one request; nothing that a caller sends raises."""
        self._active += 1
        try:
            own = self._own.find(request)
            if own is not None:
                return await own(request)
            return await self._forward(request)
        except Refused as refused:
            return refused.response
        except AccessDenied as denied:
            return replies.error(denied.status, denied.message)
        except BodyTooLarge:
            limit = self._settings.max_body_mb
            return replies.error(413, f"The body is larger than {limit} MB (rest.max_body_mb).", close=True)
        except BodyTooSlow:
            return replies.error(408, "The body stopped in the middle.", close=True)
        except web.HTTPException as error:
            return replies.error(error.status, error.reason, close=True)
        finally:
            self._active -= 1
            if self._idle is not None and not self._active:
                self._idle.set()

    async def finish(self, timeout: float) -> int:
        """Wait up to ``timeout`` seconds for the requests being answered; return how many are left."""
        self._idle = asyncio.Event()
        if self._active:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._idle.wait()
        return self._active

    # -- one request -------------------------------------------------------------------------------------

    async def _forward(self, request: BaseRequest) -> web.StreamResponse:
        started = asyncio.get_running_loop().time()
        checked = self._check(request)
        template = checked.route.template
        try:
            response = await self._fulfil(request, checked)
        except PermitRefused as refused:
            response = replies.refused(refused.refusal)
        except DeadlinePassed as passed:
            response = replies.error(504, str(passed), retry_after=passed.retry_after)
        except NoAnswer as error:
            _log.warning("%s %s: %s", request.method, template, error.message)
            response = replies.error(504 if error.timed_out else 502, error.message)
        seconds = asyncio.get_running_loop().time() - started
        self._meters.answered(request.method, template, response.status, seconds)
        return response

    def _check(self, request: BaseRequest) -> Checked:
        headers = request.headers
        try:
            target = self._targets.resolve(request.raw_path)
        except TargetRefused as error:
            self._access.check(headers)
            raise Refused(replies.error(400, str(error))) from error
        route = route_of(request.method, target.path, unix_ms=int(time.time() * 1000))
        authorization = self._access.authorization(headers, authenticated=route.authenticated)
        wanted = headers.get("X-Nescord-Priority")
        if wanted is not None:
            route = route._replace(priority=_priority(wanted))
        token = fingerprint(authorization)
        return Checked(target, route, authorization, token, _deadline(headers.get("X-Nescord-Deadline")))

    async def _fulfil(self, request: BaseRequest, checked: Checked) -> web.Response:
        if request.method == "GET" and not request.body_exists:
            return await self._get(request, checked)
        with Body() as body:
            await self._read(request, body)
            checked = _with_fields(request.method, checked, body)
            if request.method in SAFE:
                mark = "bypass" if request.method == "GET" else ""
                return _response(await self._deliver(request, checked, body), mark=mark)
            tags = by_write(request.method, checked.target.path) if self.cache is not None else frozenset()
            try:
                # Before, so that nobody reads what is about to change; after, because somebody may have.
                self._drop(tags)
                return _response(await self._deliver(request, checked, body))
            finally:
                self._drop(tags)

    async def _get(self, request: BaseRequest, checked: Checked) -> web.Response:
        async def fetch() -> CacheAnswer:
            return await self._deliver(request, checked, Body())

        cache, headers = self.cache, request.headers
        if cache is None or not self._may_keep(checked, headers):
            return _response(await fetch(), mark="bypass")
        key = _key(checked, headers)
        tags = tags_of(checked.route.template, checked.target.path)
        if "no-cache" in headers.get("Cache-Control", "").lower():
            return _response(await cache.fresh(key, tags, fetch), mark="bypass")
        linked = self.links.is_whole(checked.token, asyncio.get_running_loop().time())
        answer = await cache.get(key, tags, fetch, linked=linked)
        return _response(answer, mark="hit" if answer.hit else "miss")

    def _may_keep(self, checked: Checked, headers: Mapping[str, str]) -> bool:
        if not checked.route.authenticated or not is_cacheable(checked.route.template, checked.target.query):
            return False
        if "no-store" in headers.get("Cache-Control", "").lower():
            return False
        return not any(name in headers for name in UNSHARED)

    async def _deliver(self, request: BaseRequest, checked: Checked, body: Body) -> CacheAnswer:
        length = body.size if body.size or request.headers.get("Content-Length") == "0" else None
        headers = for_discord(request.headers, authorization=checked.authorization, length=length)
        order = Order(
            request.method, checked.target, headers, body, checked.route, checked.token, checked.deadline
        )
        reply = await self._courier.deliver(order)
        passed = for_caller(reply.headers, status=reply.status)
        return CacheAnswer(reply.status, reply.reason, passed.items(), reply.body)

    async def _read(self, request: BaseRequest, body: Body) -> None:
        if not request.body_exists:
            return
        most = self._settings.max_body_mb * MB
        if (request.content_length or 0) > most:
            raise BodyTooLarge
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        await body.read(
            request.content,
            most=most,
            spool=min(self._settings.spool_kb * KB, MB),
            timeout=self._settings.request_timeout,
        )

    def _drop(self, tags: frozenset[str]) -> None:
        if self.cache is not None:
            self.cache.drop(tags)


def make_server(proxy: Proxy) -> web.Server:
    """Return the protocol factory to listen with; a caller that leaves cancels its request."""
    return web.Server(
        proxy.answer,
        handler_cancellation=True,
        access_log=None,
        logger=_http_log,
        auto_decompress=False,
        lingering_time=LINGER,
    )


def _with_fields(method: str, checked: Checked, body: Body) -> Checked:
    if not needs_fields(method, checked.target.path):
        return checked
    fields = read_json(body.data)
    if not isinstance(fields, dict):
        return checked
    route = route_of(method, checked.target.path, unix_ms=0, fields=frozenset(fields))
    return checked._replace(route=route._replace(priority=checked.route.priority))


def _priority(name: str) -> Priority:
    priority = PRIORITIES.get(name.strip().lower())
    if priority is None:
        raise Refused(replies.error(400, f"X-Nescord-Priority is one of {', '.join(PRIORITIES)}."))
    return priority


def _deadline(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise Refused(replies.error(400, "X-Nescord-Deadline is a number of seconds from now."))
    return asyncio.get_running_loop().time() + seconds


def _key(checked: Checked, headers: Mapping[str, str]) -> str:
    parts = [checked.token, str(checked.target.url), accept_encoding(headers)]
    parts += [headers.get(name, "") for name in VARY]
    return "\n".join(parts)


def _response(answer: CacheAnswer, *, mark: str = "") -> web.Response:
    headers = CIMultiDict(answer.headers)
    if mark:
        headers["X-Nescord-Cache"] = mark
    return web.Response(status=answer.status, reason=answer.reason, headers=headers, body=answer.body)
