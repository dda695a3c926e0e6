"""The connections to Discord: one request, one answer, nothing decoded on the way."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from nescord_core.errors import TransportError
from nescord_core.rest.bodies import Body
from nescord_core.rest.wire import Broken, Reply, WireConnection, request_head

__all__ = ["NoAnswer", "Reply", "Upstream"]

SLOWEST_UPLOAD = 64 * 1024
"""Bytes per second: how much longer than a small request a large one may take."""
CONNECT_TIMEOUT = 10.0
MOST_IDLE = 15.0
"""Seconds for which an unused connection is kept; servers close theirs later than that."""
REPEATABLE = frozenset({"GET", "OPTIONS", "PUT", "DELETE"})
AUTO_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers that aiohttp would make up where the caller sent none."""


class NoAnswer(TransportError):
    """No whole answer came. ``reached`` is false when the request certainly was not sent."""

    def __init__(self, message: str, *, reached: bool, timed_out: bool = False) -> None:
        super().__init__(message)
        self.reached = reached
        self.timed_out = timed_out


class Upstream:
    """A pool of connections to the API; ``timeout`` in seconds for a small request.

    Bodies that lie in a file, and HEAD, go by aiohttp: they are rare, and it streams.
    """

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._idle: list[WireConnection] = []
        self._tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> Upstream:
        self._tls = ssl.create_default_context()
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=AUTO_HEADERS,
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, ssl=self._tls),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._idle:
            self._idle.pop().close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, method: str, url: URL, headers: CIMultiDict[str], body: Body) -> Reply:
        """Ask once; redirects are answers like any other. Raises `NoAnswer`."""
        payload = body.payload()
        if method == "HEAD" or not (payload is None or isinstance(payload, bytes)):
            return await self._stream(method, url, headers, body)
        host = url.host_port_subcomponent or ""
        try:
            head = request_head(method, url.raw_path_qs, host, headers, has_body=bool(payload))
        except ValueError as error:
            raise NoAnswer(f"The request cannot be sent: {error}.", reached=False) from error
        try:
            async with asyncio.timeout(self._timeout + body.size / SLOWEST_UPLOAD):
                return await self._ask(method, url, head, payload or b"")
        except TimeoutError as error:
            raise NoAnswer("Discord's API did not answer in time.", reached=True, timed_out=True) from error
        except Broken as error:
            raise NoAnswer(f"The connection to Discord's API broke: {error}.", reached=True) from error

    async def _ask(self, method: str, url: URL, head: bytes, body: bytes) -> Reply:
        connection = self._kept() or await self._open(url)
        was_used = connection.used
        try:
            reply = await connection.ask(head, body)
        except Broken as error:
            # The other side closed what had been idle, as it may at any time (RFC 9112, 9.3.1).
            if error.begun or not was_used or method not in REPEATABLE:
                raise
            connection = await self._open(url)
            reply = await connection.ask(head, body)
        if connection.is_open:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def _kept(self) -> WireConnection | None:
        """Return the connection used last, and drop those idle for too long."""
        idle, oldest = self._idle, asyncio.get_running_loop().time() - MOST_IDLE
        while idle and (idle[0].idle_since < oldest or not idle[0].is_open):
            idle.pop(0).close()
        while idle:
            connection = idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _open(self, url: URL) -> WireConnection:
        tls = self._tls if url.scheme == "https" else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                _, connection = await loop.create_connection(
                    WireConnection, url.host or "", url.port or 0, ssl=tls
                )
        except (TimeoutError, OSError) as error:
            raise NoAnswer(f"Discord's API could not be reached: {_what(error)}.", reached=False) from error
        return connection

    async def _stream(self, method: str, url: URL, headers: CIMultiDict[str], body: Body) -> Reply:
        assert self._session is not None
        timeout = aiohttp.ClientTimeout(
            total=self._timeout + body.size / SLOWEST_UPLOAD, sock_connect=CONNECT_TIMEOUT
        )
        try:
            async with self._session.request(
                method, url, headers=headers, data=body.payload(), allow_redirects=False, timeout=timeout
            ) as response:
                content = await response.read()
                return Reply(response.status, response.reason or "", response.headers, content)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NoAnswer(f"Discord's API could not be reached: {_what(error)}.", reached=False) from error
        except TimeoutError as error:
            raise NoAnswer("Discord's API did not answer in time.", reached=True, timed_out=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(f"The connection to Discord's API broke: {_what(error)}.", reached=True) from error


def _what(error: BaseException) -> str:
    """Name an error without the URL in it: the URL may hold a webhook's token."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
