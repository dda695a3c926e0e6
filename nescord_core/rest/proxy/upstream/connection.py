"""One connection to Discord: HTTP/1.1 by httptools, nothing decoded, nothing added.

aiohttp's client was the largest part of a request's cost; this implements only what the proxy needs. RFC 9112
defines where a response ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, cast

import httptools
from multidict import CIMultiDict, CIMultiDictProxy

from nescord_core.rest.proxy.body_stream import BodyStream
from nescord_core.rest.proxy.server.request import BodyReader

__all__ = ["ConnectionBroken", "UpstreamConnection", "UpstreamResponse", "request_head"]

MOST_HEADERS = 256 * 1024
MOST_WHOLE = 1024 * 1024
"""Bytes of a body that are read completely; larger ones are streamed."""
BODILESS = frozenset({204, 304})
LENGTHLESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods without a body if there is no Content-Length."""


class ConnectionBroken(Exception):
    """The connection ended or sent invalid HTTP; ``begun`` is whether a response had started."""

    def __init__(self, message: str, *, begun: bool) -> None:
        super().__init__(message)
        self.begun = begun


class UpstreamResponse(NamedTuple):
    """The response, byte for byte. Times are on the loop's clock; ``sent_at`` is when the request was sent.

    ``rest`` is what follows ``body`` if that is large.
    """

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    body: bytes
    sent_at: float
    received_at: float
    rest: BodyStream | None = None


def request_head(method: str, path: str, host: str, headers: CIMultiDict[str], *, has_body: bool) -> bytes:
    """Return the request line and headers as bytes. Raises ValueError for embedded line ends."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if not has_body and method not in LENGTHLESS and "Content-Length" not in headers:
        lines.append("Content-Length: 0")
    text = "\r\n".join(lines)
    if text.count("\r") != len(lines) - 1 or text.count("\n") != len(lines) - 1 or "\0" in text:
        raise ValueError("a header contains a line end")
    return f"{text}\r\n\r\n".encode("utf-8", "surrogateescape")


class UpstreamConnection(asyncio.Protocol):
    """A connection that carries one request at a time; ``idle_since`` is on the loop's clock."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.is_open = False
        self.used = False
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[UpstreamResponse] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._is_head = False
        self._most = MOST_WHOLE
        self._loop = asyncio.get_running_loop()
        self._sent_at = self._received_at = 0.0
        self._begin()

    # -- called by the pool ----------------------------------------------------------------------------------

    async def send(
        self,
        head: bytes,
        body: bytes | AsyncIterator[bytes],
        *,
        is_head: bool = False,
        most: int = MOST_WHOLE,
    ) -> UpstreamResponse:
        """Send one request and return its response. Cancelling closes the connection.

        ``is_head``: the response has no body, whatever its headers say. Of a body larger than ``most`` bytes
        the start is returned; the connection stays occupied until the rest has been read. Raises
        `ConnectionBroken`.
        """
        assert self._transport is not None
        answer: asyncio.Future[UpstreamResponse] = self._loop.create_future()
        self._answer = answer
        self._begin()
        self._is_head, self._most = is_head, most
        self._sent_at = time.monotonic()  # the loop's clock may be cached over many requests
        try:
            if isinstance(body, bytes):
                self._transport.write(head + body)
            else:
                self._transport.write(head)
                await self._stream(body, answer)
            return await answer
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._answer = None
            self.used = True

    async def _stream(self, body: AsyncIterator[bytes], answer: asyncio.Future[UpstreamResponse]) -> None:
        """Send a body piece by piece, as fast as Discord reads it; an early response ends the connection."""
        assert self._transport is not None
        async for chunk in body:
            if answer.done():
                self.is_open = False
                return
            self._transport.write(chunk)
            if self._writable is not None:
                futures: list[asyncio.Future[Any]] = [self._writable, answer]
                await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)

    def close(self) -> None:
        """Drop the connection at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._reason = b""
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._header_bytes = 0
        self._raw_bytes = 0
        self._chunks: list[bytes] = []
        self._size = 0
        self._rest: BodyReader | None = None
        self._begun = False
        self._complete = False
        self._ends_with_connection = False

    # -- asyncio.Protocol ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        self.is_open = True

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._rest is None and (self._answer is None or self._answer.done()):
            self.close()  # an unsolicited response must not be taken for the next request's
            return
        self._begun = True
        self._received_at = self._loop.time()
        self._raw_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(f"the response is not HTTP ({type(error).__name__})")
        if self._raw_bytes > MOST_HEADERS:
            # The parser reports a header, chunk size or trailer once it is complete, and keeps it until then.
            self._fail(
                f"more than {MOST_HEADERS // 1024} kB of headers, chunk sizes or trailers came in a row"
            )

    def eof_received(self) -> None:
        if self._ends_with_connection:
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._ends_with_connection and error is None:
            self._finish()
        self._fail("it was closed before the response was complete")

    # -- httptools -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("a second response")

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MOST_HEADERS:
            raise ValueError("too many headers")
        self._headers.add(name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))

    def on_headers_complete(self) -> None:
        self._raw_bytes = 0
        self._status = self._parser.get_status_code()
        lengthless = "Content-Length" not in self._headers and "Transfer-Encoding" not in self._headers
        self._ends_with_connection = lengthless and self._status >= 200 and self._status not in BODILESS
        if self._is_head and self._status >= 200:
            # The parser cannot be told that no body follows, so this connection is not reused.
            self._ends_with_connection = True
            self._finish()

    def on_body(self, data: bytes) -> None:
        self._raw_bytes = 0
        if self._rest is not None:
            self._rest.feed(data)
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size > self._most:
            self._rest = BodyReader(self._throttle)
            length = self._headers.get("Content-Length")
            is_length_known = length is not None and "Transfer-Encoding" not in self._headers
            whole = int(length) if length is not None and is_length_known else None
            self._answered(BodyStream(self._rest, self.close, length=whole))

    def _throttle(self, stop: bool) -> None:
        """Pause receiving while the caller does not read."""
        if self._transport is None or self._transport.is_closing():
            return
        if stop:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def on_message_complete(self) -> None:
        if self._status < 200:
            # 100 and 103 precede the actual response.
            self._reason, self._status = b"", 0
            self._headers = CIMultiDict()
            return
        self._complete = True
        if not self._parser.should_keep_alive():
            self.is_open = False
        self._finish()

    def _finish(self) -> None:
        if self._rest is not None:
            self._rest.end()
        else:
            self._answered(None)
        if self._ends_with_connection:
            self.is_open = False

    def _answered(self, rest: BodyStream | None) -> None:
        answer = self._answer
        if answer is not None and not answer.done():
            reason = self._reason.decode("latin-1")
            headers = CIMultiDictProxy(self._headers)
            body = b"".join(self._chunks)
            self._chunks.clear()
            received_at = max(self._received_at, self._sent_at)
            answer.set_result(
                UpstreamResponse(self._status, reason, headers, body, self._sent_at, received_at, rest)
            )

    def _fail(self, why: str) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()
        if self._rest is not None and not self._rest.ended:
            self._rest.fail(why)
        answer = self._answer
        if answer is not None and not answer.done():
            answer.set_exception(ConnectionBroken(why, begun=self._begun))
