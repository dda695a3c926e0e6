"""A caller's connection: HTTP/1.1 by httptools, one request at a time.

aiohttp's server was half of a request's cost; this implements only what the proxy needs. RFC 9112 defines the
framing of a message, and what must be refused because two parsers could frame it differently.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

import httptools
from multidict import CIMultiDict

from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.body_stream import BodyStream
from nescord_core.rest.proxy.server.request import BodyBroken, BodyReader, Request
from nescord_core.rest.proxy.server.response import CONTINUE, LAST_CHUNK, Response, chunk, encode

__all__ = ["Connection", "ConnectionOwner", "Work"]

LONGEST_LINE = 8 * 1024
"""Bytes of a request line or of one header."""
LONGEST_HEAD = 64 * 1024
LONGEST_FRAMING = 16 * 1024
"""Consecutive bytes after the head that are not body: chunk sizes and extensions, trailers."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""The methods of Discord's API; others are not forwarded."""
MOST_PIPELINED = 16
"""Pipelined requests of a connection after which reading pauses."""
UNSENT, HALF_CLOSED = 0.02, 0.5
"""Seconds for which a caller that has stopped sending still gets its response: while its request waits for a
rate limit, and once it is sent to Discord."""
LINGER = 2.0
"""Seconds for a caller to finish sending an unwanted body, so that it can read the response."""

_log = logging.getLogger("nescord.rest")

Work = Coroutine[Any, Any, Response]


class ConnectionOwner(Protocol):
    """The server's interface to its connections. Time-outs are in seconds."""

    begin: Callable[[Request], Response | Work]
    head_timeout: float
    idle_timeout: float
    stopping: bool
    connections: set[Connection]

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a request's coroutine."""
        ...


class Stop(Exception):
    """Ends the parsing of a refused request."""


class Connection(asyncio.Protocol):
    """A caller's connection: requests are answered one at a time, in order of arrival."""

    def __init__(self, server: ConnectionOwner) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._url = b""
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._head_bytes = 0
        self._raw_bytes = 0
        self._in_head = False
        self._is_replayed = False
        self._half_closed = False
        self._newest: Request | None = None
        self._waiting: deque[Request | Response] = deque()
        self._current: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._refusal: Response | None = None
        self._is_ending = False
        self._throttled = False
        self._paused = False
        self._writable: asyncio.Future[None] | None = None
        self._blocked_since: float | None = None
        self._since = self._loop.time()
        self._abort: asyncio.TimerHandle | None = None

    # -- asyncio.Protocol --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._is_ending:
            return
        try:
            self._feed(data)
        except Stop:
            self._end_with_refusal()
        except httptools.HttpParserError as error:
            if self._refusal is None:
                self._refusal = error_responses.error(
                    400, f"This is not an HTTP/1.1 request: {_describe(error)}.", close=True
                )
            self._end_with_refusal()
        if self._current is None:
            self._advance()

    def eof_received(self) -> bool:
        """Answer a caller that has closed its sending side, if that takes only a moment.

        Most of these have disconnected, which looks the same, so their slot has to be released soon.
        """
        newest = self._newest
        if newest is not None and newest.content is not None and not newest.content.ended:
            return False
        self._half_closed = True
        if self._current is None and not self._waiting:
            return False
        if self._abort is None:
            self._abort = self._loop.call_later(UNSENT, self._end_unless_sent)
        return True

    def _end_unless_sent(self) -> None:
        if self._current is not None and self._current.is_sent:
            self._abort = self._loop.call_later(HALF_CLOSED, self.abort)
        else:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._is_ending = True
        self._waiting.clear()
        if self._abort is not None:
            self._abort.cancel()
        if self._newest is not None and self._newest.content is not None:
            self._newest.content.fail("the caller disconnected in the middle of its body")
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._blocked_since = self._loop.time()

    def resume_writing(self) -> None:
        self._blocked_since = None
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if self._current is None:
            self._advance()

    # -- httptools ---------------------------------------------------------------------------------------

    def _feed(self, data: bytes) -> None:
        """Parse received data; limit bytes that belong to neither head nor body, which the parser buffers."""
        self._raw_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline_upgrade()
            at = offer.args[0] if offer.args else len(data)
            if at < len(data):
                self._feed(data[at:])
            return
        if self._in_head and self._raw_bytes > LONGEST_HEAD:
            self._refuse(431, f"The request's head is longer than {LONGEST_HEAD} bytes.")
        if not self._in_head and self._raw_bytes > LONGEST_FRAMING + len(data):
            self._refuse(431, f"More than {LONGEST_FRAMING} bytes of chunk sizes or trailers came in a row.")

    def _decline_upgrade(self) -> None:
        """Continue in HTTP/1.1 as if no upgrade had been offered (RFC 9110, 7.8).

        httptools ends a message at the offer. Its body, which every JVM client sends along with an h2c offer,
        gets a parser of its own, with a head that repeats the framing.
        """
        self._parser = httptools.HttpRequestParser(self)
        newest = self._newest
        if newest is None or newest.content is None:
            return
        framing = [
            f"{name}: {newest.headers[name]}"
            for name in ("Content-Length", "Transfer-Encoding")
            if name in newest.headers
        ]
        self._is_replayed = True
        self._parser.feed_data("\r\n".join(("POST / HTTP/1.1", "Host: x", *framing, "", "")).encode())
        self._is_replayed = False

    def on_message_begin(self) -> None:
        if self._is_replayed:
            return
        self._url = b""
        self._headers = CIMultiDict()
        self._head_bytes = 0
        self._raw_bytes = 0
        self._in_head = True
        self._since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        if self._is_replayed:
            return
        self._url += url
        if len(self._url) > LONGEST_LINE:
            self._refuse(414, f"The request line is longer than {LONGEST_LINE} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_replayed or not self._in_head:
            return  # a trailer must not become a header (RFC 9110, 6.5.1), as the checks are done
        size = len(name) + len(value)
        self._head_bytes += size
        if size > LONGEST_LINE or self._head_bytes > LONGEST_HEAD:
            self._refuse(
                431, f"A header is longer than {LONGEST_LINE} bytes, or all of them than {LONGEST_HEAD}."
            )
        self._headers.add(name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))

    def on_headers_complete(self) -> None:
        if self._is_replayed:
            return
        self._in_head = False
        self._raw_bytes = 0
        version, headers = self._parser.get_http_version(), self._headers
        self._check_head(version, headers)
        has_body = "Transfer-Encoding" in headers or headers.get("Content-Length", "0").strip("0") != ""
        request = self._newest = Request(
            self._parser.get_method().decode("latin-1"),
            self._url.decode("utf-8", "surrogateescape"),
            headers,
            content=BodyReader(self._throttle) if has_body else None,
            keep_alive=self._parser.should_keep_alive(),
            is_old=version == "1.0",
            send_continue=self._send_continue
            if headers.get("Expect", "").lower() == "100-continue"
            else None,
        )
        self._waiting.append(request)
        if len(self._waiting) > MOST_PIPELINED:
            self._pause()

    def _check_head(self, version: str, headers: CIMultiDict[str]) -> None:
        method = self._parser.get_method().decode("latin-1")
        # A 1.0 OPTIONS is what an RTSP request looks like.
        if version not in {"1.1", "1.0"} or (version == "1.0" and method == "OPTIONS"):
            self._refuse(400, f"The proxy speaks HTTP/1.1, not {version}.")
        if method not in METHODS:
            self._refuse(501, f"Discord's API has no {method}.")
        coding = headers.get("Transfer-Encoding")
        if coding is not None and (coding.strip().lower() != "chunked" or "Content-Length" in headers):
            self._refuse(501, "The proxy only accepts bodies that are chunked or have a Content-Length.")
        if len(headers.getall("Host", ())) > 1 or (version == "1.1" and "Host" not in headers):
            self._refuse(400, "HTTP/1.1 requires exactly one Host header.")
        if version == "1.0" and "Transfer-Encoding" in headers:
            self._refuse(400, "HTTP/1.0 has no Transfer-Encoding: send a Content-Length.")

    def on_body(self, data: bytes) -> None:
        self._raw_bytes = 0
        if self._newest is not None and self._newest.content is not None:
            self._newest.content.feed(data)

    def on_message_complete(self) -> None:
        if self._is_replayed or self._parser.should_upgrade():
            return  # only the upgrade offer ends here; the body follows
        self._raw_bytes = 0
        if self._newest is not None and self._newest.content is not None:
            self._newest.content.end()

    # -- answering ---------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Start the next request, if possible."""
        waiting = self._waiting
        while waiting and self._current is None and self._blocked_since is None:
            item = waiting.popleft()
            if isinstance(item, Response):
                self._send(item, None)
                return
            outcome = self._begin(item)
            if isinstance(outcome, Response):
                self._send(outcome, item)
                continue
            self._current = item
            self._task = self._server.spawn(self._answer(item, outcome))
        if self._paused:
            self._pause()

    def _begin(self, request: Request) -> Response | Work:
        try:
            return self._server.begin(request)
        except Exception:
            return _internal_error(request)

    async def _answer(self, request: Request, work: Work) -> None:
        try:
            answer = await work
        except Exception:
            answer = _internal_error(request)
        if answer.rest is not None:
            await self._stream(answer, answer.rest, request)
        self._task = self._current = None
        if not self._transport.is_closing():
            if answer.rest is None:
                self._send(answer, request)
            self._advance()

    async def _stream(self, answer: Response, rest: BodyStream, request: Request) -> None:
        """Send a response whose body is still arriving, as fast as the caller reads it."""
        is_chunked = answer.is_chunked(is_old=request.is_old)
        try:
            keep_alive = self._write(answer, request)
            while data := await rest.read():
                await self._until_writable()
                self._transport.write(chunk(data) if is_chunked else data)
            if is_chunked:
                self._transport.write(LAST_CHUNK)
            await self._until_flushed()
            self._sent(answer, request, keep_alive=keep_alive and not self._server.stopping)
        except BodyBroken:
            # Too late for another response: the caller has to notice that this one is incomplete.
            self._transport.abort()
        except Exception:
            _internal_error(request)
            self._transport.abort()
        finally:
            rest.close()

    async def _until_writable(self) -> None:
        if self._blocked_since is not None:
            self._writable = self._loop.create_future()
            await self._writable

    async def _until_flushed(self) -> None:
        """Wait until everything written has been sent; a stopping service waits for that."""
        self._transport.set_write_buffer_limits(high=0)
        await self._until_writable()
        self._transport.set_write_buffer_limits()

    def _send(self, answer: Response, request: Request | None) -> None:
        self._sent(answer, request, keep_alive=self._write(answer, request))

    def _write(self, answer: Response, request: Request | None) -> bool:
        """Write what there is of a response; return whether the connection stays open after it."""
        content = request.content if request is not None else None
        is_whole = content is None or content.ended
        is_old = request is not None and request.is_old
        is_endless = answer.rest is not None and answer.rest.length is None and is_old
        keep_alive = (
            request is not None
            and request.keep_alive
            and not (answer.close or is_endless)
            and is_whole
            and not self._half_closed
            and not self._server.stopping
        )
        data = encode(
            answer,
            is_head=request is not None and request.method == "HEAD",
            keep_alive=keep_alive,
            is_old=is_old,
        )
        self._transport.write(data)
        return keep_alive

    def _sent(self, answer: Response, request: Request | None, *, keep_alive: bool) -> None:
        self._since = self._loop.time()
        if not keep_alive:
            content = request.content if request is not None else None
            is_whole = content is None or content.ended
            self._end(content, lingers=request is None or not is_whole or answer.close)

    def _end(self, content: BodyReader | None, *, lingers: bool) -> None:
        """Close after the pending output; with ``lingers``, first read what the caller is still sending."""
        self._is_ending = True
        self._waiting.clear()
        if not lingers:
            self._transport.close()
            return
        if content is not None:
            content.discard()
        self._throttled = False
        self._pause()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        if self._abort is not None:
            self._abort.cancel()
        self._abort = self._loop.call_later(LINGER, self._transport.abort)

    def _send_continue(self) -> None:
        self._transport.write(CONTINUE)

    # -- refusing and waiting ----------------------------------------------------------------------------

    def _refuse(self, status: int, message: str) -> None:
        """Answer with an error after the earlier requests, and stop reading."""
        self._refusal = error_responses.error(status, message, close=True)
        raise Stop

    def _end_with_refusal(self) -> None:
        """End with the refusal: as the next response, or within the body that is being read."""
        refusal = self._refusal
        assert refusal is not None
        newest = self._newest
        in_body = not self._in_head and newest is not None and newest.content is not None
        if in_body and newest is not None and newest.content is not None and not newest.content.ended:
            newest.content.fail("its framing is wrong")
        else:
            self._waiting.append(refusal)
        self._is_ending = True

    def _throttle(self, stop: bool) -> None:
        self._throttled = stop
        self._pause()

    def _pause(self) -> None:
        """Pause or resume reading, as bodies and pipelined requests require."""
        pause = self._throttled or len(self._waiting) > MOST_PIPELINED
        if pause is self._paused or self._transport.is_closing():
            return
        self._paused = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def check_idle(self, now: float) -> None:
        """Close the connection if the caller has been idle, or not reading, for too long."""
        if self._blocked_since is not None:
            if self._blocked_since + self._server.idle_timeout <= now:
                self._transport.abort()
        elif self._current is not None or self._waiting or self._is_ending:
            return
        elif self._in_head and self._since + self._server.head_timeout <= now:
            self._send(
                error_responses.error(
                    408, "The request stopped in the middle of its head; send it completely.", close=True
                ),
                None,
            )
        elif self._since + self._server.idle_timeout <= now:
            self._transport.close()

    def close_when_idle(self) -> None:
        """Close now if nothing is being answered, otherwise after the response."""
        if self._current is None and not self._waiting:
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection and cancel its running request."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()


def _internal_error(request: Request) -> Response:
    """Log an internal error, and return the response for it."""
    _log.exception("rest failed to handle a %s", request.method)
    return error_responses.error(500, "The proxy failed to handle this request; see its log.", close=True)


def _describe(error: Exception) -> str:
    """Describe a parser error; its messages are fixed and contain nothing of the request."""
    text = str(error).rstrip(".")
    return text[:1].lower() + text[1:] if text else type(error).__name__
