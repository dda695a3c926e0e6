"""One connection to Discord: HTTP/1.1, nothing decoded, nothing added.

aiohttp's client was the largest part of a request's cost; this implements only what the proxy needs. What
arrives at once and without peculiarities is read by `plain_response`, anything else by httptools.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Protocol, cast

from multidict import CIMultiDict

from nescord_core.rest.proxy.upstream.parser import ResponseBroken, ResponseParser
from nescord_core.rest.proxy.upstream.response import PlainResponse, UpstreamResponse, plain_response

__all__ = ["ConnectionBroken", "Receiver", "UpstreamConnection", "header_lines", "request_head"]

MOST_WHOLE = 1024 * 1024
"""Bytes of a body that are read completely; larger ones are streamed."""
LENGTHLESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods without a body if there is no Content-Length."""


class ConnectionBroken(Exception):
    """The connection ended or sent invalid HTTP; ``begun`` is whether a response had started.

    ``timed_out``: nothing came until the deadline.
    """

    def __init__(self, message: str, *, begun: bool, timed_out: bool = False) -> None:
        super().__init__(message)
        self.begun = begun
        self.timed_out = timed_out


class Receiver(Protocol):
    """What is told the outcome of a request: one of the two, once."""

    def received(self, reply: PlainResponse | UpstreamResponse, sent_at: float, received_at: float) -> None:
        """Take the response. Times are on the loop's clock."""
        ...

    def failed(self, error: ConnectionBroken) -> None:
        """Take the reason why there is no response."""
        ...


def request_head(method: str, path: str, host: str, headers: CIMultiDict[str], *, has_body: bool) -> bytes:
    """Return the request line and headers as bytes. Raises ValueError for embedded line ends."""
    needs_length = not has_body and method not in LENGTHLESS and "Content-Length" not in headers
    ending = b"Content-Length: 0\r\n\r\n" if needs_length else b"\r\n"
    return _lines([f"{method} {path} HTTP/1.1", f"Host: {host}"]) + header_lines(headers) + ending


def header_lines(headers: CIMultiDict[str]) -> bytes:
    """Return headers as bytes, each with its line end. Raises ValueError for embedded line ends."""
    return _lines([f"{name}: {value}" for name, value in headers.items()])


def _lines(lines: list[str]) -> bytes:
    text = "\r\n".join((*lines, ""))
    if text.count("\r") != len(lines) or text.count("\n") != len(lines) or "\0" in text:
        raise ValueError("a header contains a line end")
    return text.encode("utf-8", "surrogateescape")


class UpstreamConnection(asyncio.Protocol):
    """A connection that carries one request at a time; ``idle_since`` is on the loop's clock."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.is_open = False
        self.used = False
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._parser: ResponseParser | None = None
        self._writable: asyncio.Future[None] | None = None
        self._is_head = False
        self._most = MOST_WHOLE
        self._loop = asyncio.get_running_loop()
        self._sent_at = 0.0

    # -- called by the pool ----------------------------------------------------------------------------------

    def start(
        self, data: bytes, receiver: Receiver, *, is_head: bool = False, most: int = MOST_WHOLE
    ) -> None:
        """Send a request, or its beginning; its response goes to ``receiver``.

        ``is_head``: the response has no body, whatever its headers say. Of a body larger than ``most`` bytes
        the start is received; the connection stays occupied until the rest has been read.
        """
        assert self._transport is not None
        self._receiver, self._parser = receiver, None
        self._is_head, self._most = is_head, most
        self._sent_at = time.monotonic()  # the loop's clock may be cached over many requests
        self._transport.write(data)

    async def send(
        self,
        head: bytes,
        body: bytes | AsyncIterator[bytes],
        *,
        is_head: bool = False,
        most: int = MOST_WHOLE,
    ) -> UpstreamResponse:
        """Send one request and return its response; see `start`. Cancelling closes the connection.

        Raises `ConnectionBroken`.
        """
        answer: asyncio.Future[UpstreamResponse] = self._loop.create_future()
        receiver = _Awaited(answer)
        try:
            if isinstance(body, bytes):
                self.start(head + body, receiver, is_head=is_head, most=most)
            else:
                self.start(head, receiver, is_head=is_head, most=most)
                await self._stream(body, answer)
            return await answer
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._receiver = None
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
        """Drop the connection at once; a request on it gets no answer any more."""
        self.is_open = False
        self._receiver = None
        if self._transport is not None:
            self._transport.abort()

    def time_out(self) -> None:
        """Drop the connection because its request's deadline has passed."""
        self._fail("no complete response came in time", timed_out=True)

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
        receiver, parser = self._receiver, self._parser
        if receiver is None and (parser is None or parser.rest is None):
            self.close()  # an unsolicited response must not be taken for the next request's
            return
        now = self._loop.time()
        if parser is None and receiver is not None:
            plain = None if self._is_head else plain_response(data, self._most)
            if plain is not None:
                self._receiver, self.used = None, True
                receiver.received(plain, self._sent_at, max(now, self._sent_at))
                return
            parser = self._parser = self._new_parser()
        if parser is not None:
            self._parse(parser, data, now)

    def _new_parser(self) -> ResponseParser:
        return ResponseParser(
            is_head=self._is_head,
            most=self._most,
            sent_at=self._sent_at,
            throttle=self._throttle,
            drop=self.close,
        )

    def _parse(self, parser: ResponseParser, data: bytes, now: float) -> None:
        try:
            parser.feed(data, now)
        except ResponseBroken as broken:
            self.is_open = False
            self._deliver(parser)
            self._fail(str(broken))
        else:
            self._deliver(parser)

    def _deliver(self, parser: ResponseParser) -> None:
        """Hand over the response if there is one, now that nothing else of it is being parsed."""
        if not parser.keeps_alive:
            self.is_open = False
        receiver, reply = self._receiver, parser.response
        if receiver is not None and reply is not None:
            self._receiver, self.used = None, True
            if parser.rest is None:
                self._parser = None
            receiver.received(reply, reply.sent_at, reply.received_at)

    def eof_received(self) -> None:
        if self._parser is not None:
            self._parser.end()
            self._deliver(self._parser)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._parser is not None and error is None:
            self._parser.end()
            self._deliver(self._parser)
        self._fail("it was closed before the response was complete")

    def _throttle(self, stop: bool) -> None:
        """Pause receiving while the caller does not read."""
        if self._transport is None or self._transport.is_closing():
            return
        if stop:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _fail(self, why: str, *, timed_out: bool = False) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()
        if self._parser is not None:
            self._parser.fail(why)
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            self.used = True
            begun = self._parser is not None
            receiver.failed(ConnectionBroken(why, begun=begun, timed_out=timed_out))


class _Awaited:
    """Receives the response of a request that a coroutine waits for."""

    __slots__ = ("_answer",)

    def __init__(self, answer: asyncio.Future[UpstreamResponse]) -> None:
        self._answer = answer

    def received(self, reply: PlainResponse | UpstreamResponse, sent_at: float, received_at: float) -> None:
        if not self._answer.done():
            whole = reply.with_headers(sent_at, received_at) if isinstance(reply, PlainResponse) else reply
            self._answer.set_result(whole)

    def failed(self, error: ConnectionBroken) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)
