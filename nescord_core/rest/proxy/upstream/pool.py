"""The connection pool to Discord: one request, one response, nothing decoded."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from types import TracebackType
from urllib.parse import urlsplit

from multidict import CIMultiDict

from nescord_core.errors import TransportError
from nescord_core.process.safe_text import printable
from nescord_core.rest.proxy.server.body import Body
from nescord_core.rest.proxy.upstream.connection import (
    MOST_WHOLE,
    ConnectionBroken,
    UpstreamConnection,
    UpstreamResponse,
    request_head,
)

__all__ = ["ConnectionPool", "NoAnswer", "UpstreamResponse"]

SLOWEST_UPLOAD = 64 * 1024
"""Bytes per second: adds to the time-out of large requests."""
CONNECT_TIMEOUT = 10.0
MOST_IDLE = 15.0
"""Seconds for which an unused connection is kept; servers close theirs later."""
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
PORTS = {"http": 80, "https": 443}


class NoAnswer(TransportError):
    """There is no complete response. ``reached`` is false if the request was certainly not sent."""

    def __init__(self, message: str, *, reached: bool, timed_out: bool = False) -> None:
        super().__init__(message)
        self.reached = reached
        self.timed_out = timed_out


class ConnectionPool:
    """A pool of connections to the host of ``api_url``; ``timeout`` is in seconds, for a small request."""

    def __init__(self, api_url: str, *, timeout: float, proxy: str | None = None) -> None:
        parts = urlsplit(api_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._host_header = parts.netloc.rpartition("@")[2]
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS.get(parts.scheme, 0)
        self._is_secure = parts.scheme == "https"
        self._timeout = timeout
        self._proxy = proxy
        self._idle: list[UpstreamConnection] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> ConnectionPool:
        if self._is_secure:
            self._tls = ssl.create_default_context()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            self._idle.pop().close()

    async def send(
        self, method: str, url: str, headers: CIMultiDict[str], body: Body, *, most: int = MOST_WHOLE
    ) -> UpstreamResponse:
        """Send once, without following redirects. ``url`` is below the API's. Raises `NoAnswer`.

        A body of more than ``most`` bytes is streamed; see `UpstreamResponse`.
        """
        path = url.removeprefix(self._origin)
        try:
            head = request_head(method, path, self._host_header, headers, has_body=bool(body.size))
        except ValueError as error:
            raise NoAnswer(f"The request cannot be sent: {error}.", reached=False) from error
        try:
            async with asyncio.timeout(self._timeout + body.size / SLOWEST_UPLOAD):
                return await self._send_once(method, head, body, most)
        except TimeoutError as error:
            raise NoAnswer("Discord's API did not respond in time.", reached=True, timed_out=True) from error
        except ConnectionBroken as error:
            raise NoAnswer(f"The connection to Discord's API broke: {error}.", reached=True) from error

    async def _send_once(self, method: str, head: bytes, body: Body, most: int) -> UpstreamResponse:
        connection = self._take_idle() or await self._open()
        was_used, is_head = connection.used, method == "HEAD"
        try:
            reply = await connection.send(head, body.payload() or b"", is_head=is_head, most=most)
        except ConnectionBroken as error:
            # The other side closed an idle connection, as it may at any time (RFC 9112, 9.3.1).
            if error.begun or not was_used or method not in REPEATABLE:
                raise
            connection = await self._open()
            reply = await connection.send(head, body.payload() or b"", is_head=is_head, most=most)
        if reply.rest is None:
            self._release(connection)
        else:
            reply.rest.timeout = self._timeout
            reply.rest.on_end(partial(self._release, connection))
        return reply

    def _release(self, connection: UpstreamConnection) -> None:
        if connection.is_open:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
            self._sweep_later(MOST_IDLE)
        else:
            connection.close()

    def _sweep_later(self, seconds: float) -> None:
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(seconds, self._drop_unused)

    def _drop_unused(self) -> None:
        self._sweep = None
        self._drop_old()
        if self._idle:
            oldest = self._idle[0].idle_since + MOST_IDLE - asyncio.get_running_loop().time()
            self._sweep_later(max(oldest, 0.1))

    def _drop_old(self) -> None:
        idle, oldest = self._idle, asyncio.get_running_loop().time() - MOST_IDLE
        while idle and (idle[0].idle_since <= oldest or not idle[0].is_open):
            idle.pop(0).close()

    def _take_idle(self) -> UpstreamConnection | None:
        """Return the most recently used idle connection, and drop those idle for too long."""
        self._drop_old()
        while self._idle:
            connection = self._idle.pop()
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
