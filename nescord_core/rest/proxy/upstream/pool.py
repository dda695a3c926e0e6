"""The connection pool to Discord: one request, one response, nothing decoded."""

from __future__ import annotations

import asyncio
import ssl
import time
from functools import partial
from types import TracebackType
from urllib.parse import urlsplit

from multidict import CIMultiDict

from nescord_core.errors import TransportError
from nescord_core.process.safe_text import printable
from nescord_core.rest.proxy.body_stream import BodyStream
from nescord_core.rest.proxy.server.body import Body
from nescord_core.rest.proxy.upstream.connection import (
    MOST_WHOLE,
    ConnectionBroken,
    Receiver,
    UpstreamConnection,
    request_head,
)
from nescord_core.rest.proxy.upstream.response import UpstreamResponse

__all__ = ["ConnectionPool", "NoAnswer", "may_be_stale", "no_answer"]

SLOWEST_UPLOAD = 64 * 1024
"""Bytes per second: adds to the time-out of large requests."""
CONNECT_TIMEOUT = 10.0
MOST_IDLE = 15.0
"""Seconds for which an unused connection is kept; servers close theirs later."""
WATCHES = 20
"""Number of checks within the time-out of the requests that no coroutine waits for."""
MOST_BETWEEN = 0.5
"""Seconds between two of those checks, at the most."""
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
PORTS = {"http": 80, "https": 443}


class NoAnswer(TransportError):
    """There is no complete response. ``reached`` is false if the request was certainly not sent."""

    def __init__(self, message: str, *, reached: bool, timed_out: bool = False) -> None:
        super().__init__(message)
        self.reached = reached
        self.timed_out = timed_out


def no_answer(error: ConnectionBroken) -> NoAnswer:
    """Return the error for a request that has been sent and whose connection has ended without a response."""
    if error.timed_out:
        return NoAnswer("Discord's API did not respond in time.", reached=True, timed_out=True)
    return NoAnswer(f"The connection to Discord's API broke: {error}.", reached=True)


def may_be_stale(error: ConnectionBroken, method: str, *, was_used: bool) -> bool:
    """Return whether a request may be sent again at once, on another connection.

    The other side may close an idle connection at any time (RFC 9112, 9.3.1).
    """
    return was_used and not error.begun and not error.timed_out and method in REPEATABLE


class ConnectionPool:
    """A pool of connections to the host of ``api_url``; ``timeout`` is in seconds, for a small request."""

    def __init__(self, api_url: str, *, timeout: float, proxy: str | None = None) -> None:
        parts = urlsplit(api_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.host_header = parts.netloc.rpartition("@")[2]
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS.get(parts.scheme, 0)
        self._is_secure = parts.scheme == "https"
        self._timeout = timeout
        self._proxy = proxy
        self._idle: list[UpstreamConnection] = []
        self._busy: dict[UpstreamConnection, float] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._tls: ssl.SSLContext | None = None
        self._loop: asyncio.AbstractEventLoop

    async def __aenter__(self) -> ConnectionPool:
        self._loop = asyncio.get_running_loop()
        if self._is_secure:
            self._tls = ssl.create_default_context()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for timer in (self._sweep, self._watch):
            if timer is not None:
                timer.cancel()
        while self._idle:
            self._idle.pop().close()
        for connection in list(self._busy):
            connection.close()

    # -- requests that no coroutine waits for ----------------------------------------------------------------

    def start(self, connection: UpstreamConnection, data: bytes, receiver: Receiver, most: int) -> None:
        """Send a request on a connection from `take_idle`.

        The receiver, once it has been told the outcome, gives the connection back by `finished`.
        """
        self._busy[connection] = time.monotonic() + self._timeout + len(data) / SLOWEST_UPLOAD
        if self._watch is None:
            self._watch_later()
        connection.start(data, receiver, most=most)

    def finished(self, connection: UpstreamConnection, rest: BodyStream | None) -> None:
        """Take back a connection whose request has an outcome, after the rest of the body if there is one."""
        self._busy.pop(connection, None)
        if rest is None:
            self._release(connection)
        else:
            self._release_after(connection, rest)

    def put_back(self, connection: UpstreamConnection) -> None:
        """Take back a connection that has not been used."""
        self._idle.append(connection)

    def _watch_later(self) -> None:
        between = min(self._timeout / WATCHES, MOST_BETWEEN)
        self._watch = self._loop.call_later(between, self._end_overdue)

    def _end_overdue(self) -> None:
        """End the requests whose deadline has passed: one timer for all, as hardly any ever does."""
        self._watch = None
        now = time.monotonic()
        for connection in [each for each, deadline in self._busy.items() if deadline <= now]:
            connection.time_out()
        if self._busy:
            self._watch_later()

    # -- requests that a coroutine waits for -----------------------------------------------------------------

    async def send(
        self,
        method: str,
        url: str,
        headers: CIMultiDict[str],
        body: Body,
        *,
        most: int = MOST_WHOLE,
        reuses: bool = True,
    ) -> UpstreamResponse:
        """Send once, without following redirects. ``url`` is below the API's. Raises `NoAnswer`.

        A body of more than ``most`` bytes is streamed; see `UpstreamResponse`. Without ``reuses``, a new
        connection is opened.
        """
        path = url.removeprefix(self.origin)
        try:
            head = request_head(method, path, self.host_header, headers, has_body=bool(body.size))
        except ValueError as error:
            raise NoAnswer(f"The request cannot be sent: {error}.", reached=False) from error
        try:
            async with asyncio.timeout(self._timeout + body.size / SLOWEST_UPLOAD):
                return await self._send_once(method, head, body, most, reuses=reuses)
        except TimeoutError as error:
            raise no_answer(ConnectionBroken("too late", begun=False, timed_out=True)) from error
        except ConnectionBroken as error:
            raise no_answer(error) from error

    async def _send_once(
        self, method: str, head: bytes, body: Body, most: int, *, reuses: bool
    ) -> UpstreamResponse:
        connection = (self.take_idle() if reuses else None) or await self._open()
        was_used, is_head = connection.used, method == "HEAD"
        try:
            reply = await connection.send(head, body.payload() or b"", is_head=is_head, most=most)
        except ConnectionBroken as error:
            if not may_be_stale(error, method, was_used=was_used):
                raise
            connection = await self._open()
            reply = await connection.send(head, body.payload() or b"", is_head=is_head, most=most)
        self._release_after(connection, reply.rest)
        return reply

    def _release_after(self, connection: UpstreamConnection, rest: BodyStream | None) -> None:
        if rest is None:
            self._release(connection)
        else:
            rest.timeout = self._timeout
            rest.on_end(partial(self._release, connection))

    def _release(self, connection: UpstreamConnection) -> None:
        if connection.is_open:
            connection.idle_since = self._loop.time()
            self._idle.append(connection)
            if self._sweep is None:
                self._sweep_later(MOST_IDLE)
        else:
            connection.close()

    def _sweep_later(self, seconds: float) -> None:
        self._sweep = self._loop.call_later(seconds, self._drop_unused)

    def _drop_unused(self) -> None:
        self._sweep = None
        self._drop_old()
        if self._idle:
            oldest = self._idle[0].idle_since + MOST_IDLE - self._loop.time()
            self._sweep_later(max(oldest, 0.1))

    def _drop_old(self) -> None:
        idle, oldest = self._idle, self._loop.time() - MOST_IDLE
        while idle and (idle[0].idle_since <= oldest or not idle[0].is_open):
            idle.pop(0).close()

    def take_idle(self) -> UpstreamConnection | None:
        """Return the most recently used idle connection, and drop those idle for too long."""
        idle = self._idle
        if not idle:
            return None
        self._drop_old()
        while idle:
            connection = idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _open(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                if self._proxy is not None:
                    return await self._open_tunnel(self._proxy)
                _, connection = await loop.create_connection(
                    UpstreamConnection, self._host, self._port, ssl=self._tls
                )
        except (TimeoutError, OSError) as error:
            raise NoAnswer(f"Cannot reach Discord's API: {_describe(error)}.", reached=False) from error
        return connection

    async def _open_tunnel(self, proxy: str) -> UpstreamConnection:
        """Connect through an HTTP proxy by CONNECT, with the credentials in its URL."""
        from python_socks import ProxyError
        from python_socks.async_.asyncio import Proxy

        try:
            tunnel = await Proxy.from_url(proxy).connect(self._host, self._port)
        except ProxyError as error:
            why = printable(str(error), 100)
            raise NoAnswer(f"The outgoing proxy refused the connection: {why}.", reached=False) from error
        _, connection = await asyncio.get_running_loop().create_connection(
            UpstreamConnection,
            sock=tunnel,
            ssl=self._tls,
            server_hostname=self._host if self._tls is not None else None,
        )
        return connection


def _describe(error: BaseException) -> str:
    """Describe an error without the URL, which may contain a webhook's token."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
