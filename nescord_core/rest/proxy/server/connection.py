"""A caller's connection: HTTP/1.1 by httptools, one request answered after the other.

aiohttp's server was half of what a request cost; this knows only what the proxy needs. What frames a message,
and what must be refused because two readers could frame it differently, is RFC 9112.
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
MOST_PIPELINED = 16
"""Requests of one connection that wait for their turn before it is not read any further."""
LINGER = 2.0
"""Seconds for a caller to finish sending what is not wanted any more, so that it can read the answer."""

_log = logging.getLogger("nescord.rest")

Work = Coroutine[Any, Any, Response]


class ConnectionOwner(Protocol):
    """What a connection needs of the server that made it. Time-outs are seconds."""

    begin: Callable[[Request], Response | Work]
    head_timeout: float
    idle_timeout: float
    stopping: bool
    connections: set[Connection]

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a request's coroutine."""
        ...


class Stop(Exception):
    """Ends the parsing of a request that is refused."""


class Connection(asyncio.Protocol):
    """A caller's connection: requests are answered one after the other, in the order in which they came."""

    def __init__(self, server: ConnectionOwner) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._url = b""
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._head_bytes = 0
        self._in_head = False
        self._newest: Request | None = None
        self._waiting: deque[Request | Response] = deque()
        self._current: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._refusal: Response | None = None
        self._ends = False
        self._throttled = False
        self._paused = False
        self._room: asyncio.Future[None] | None = None
        self._blocked_since: float | None = None
        self._since = self._loop.time()
        self._abort: asyncio.TimerHandle | None = None

    # -- asyncio.Protocol --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._ends:
            return
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
            if self._in_head and self._head_bytes > LONGEST_HEAD:
                self._refuse(431, f"The request's head is longer than {LONGEST_HEAD} bytes.")
        except Stop:
            self._give_up()
        except httptools.HttpParserUpgrade:
            # Answered as what it is in HTTP/1.1; what comes after it cannot be told apart any more.
            if self._newest is not None:
                self._newest.keep_alive = False
        except httptools.HttpParserError as error:
            if self._refusal is None:
                self._refusal = error_responses.error(
                    400, f"This is no HTTP/1.1 request: {_plain(error)}.", close=True
                )
            self._give_up()
        if self._current is None:
            self._advance()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._ends = True
        self._waiting.clear()
        if self._abort is not None:
            self._abort.cancel()
        if self._newest is not None and self._newest.content is not None:
            self._newest.content.fail("the caller left in the middle of its body")
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._blocked_since = self._loop.time()

    def resume_writing(self) -> None:
        self._blocked_since = None
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        if self._current is None:
            self._advance()

    # -- httptools ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = CIMultiDict()
        self._head_bytes = 0
        self._in_head = True
        self._since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > LONGEST_LINE:
            self._refuse(414, f"The request line is longer than {LONGEST_LINE} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        size = len(name) + len(value)
        self._head_bytes += size
        if size > LONGEST_LINE or self._head_bytes > LONGEST_HEAD:
            self._refuse(
                431, f"A header is longer than {LONGEST_LINE} bytes, or all of them than {LONGEST_HEAD}."
            )
        self._headers.add(name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))

    def on_headers_complete(self) -> None:
        self._in_head = False
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
            go_on=self._go_on if headers.get("Expect", "").lower() == "100-continue" else None,
        )
        self._waiting.append(request)
        if len(self._waiting) > MOST_PIPELINED:
            self._pause()

    def _check_head(self, version: str, headers: CIMultiDict[str]) -> None:
        if version not in {"1.1", "1.0"}:
            self._refuse(400, f"The proxy speaks HTTP/1.1, not {version}.")
        if len(headers.getall("Host", ())) > 1 or (version == "1.1" and "Host" not in headers):
            self._refuse(400, "This request has no Host header, or several; HTTP/1.1 wants one.")
        if version == "1.0" and "Transfer-Encoding" in headers:
            self._refuse(400, "HTTP/1.0 knows no Transfer-Encoding: send a Content-Length.")

    def on_body(self, data: bytes) -> None:
        if self._newest is not None and self._newest.content is not None:
            self._newest.content.feed(data)

    def on_message_complete(self) -> None:
        if self._newest is not None and self._newest.content is not None:
            self._newest.content.end()

    # -- answering ---------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Begin with the next request, if it may begin."""
        waiting = self._waiting
        while waiting and self._current is None and self._blocked_since is None:
            item = waiting.popleft()
            if isinstance(item, Response):
                self._send(item, None)
                return
            made = self._begin(item)
            if isinstance(made, Response):
                self._send(made, item)
                continue
            self._current = item
            self._task = self._server.spawn(self._answer(item, made))
        if self._paused:
            self._pause()

    def _begin(self, request: Request) -> Response | Work:
        try:
            return self._server.begin(request)
        except Exception:
            return _failed(request)

    async def _answer(self, request: Request, work: Work) -> None:
        try:
            answer = await work
        except Exception:
            answer = _failed(request)
        if answer.rest is not None:
            await self._pour(answer, answer.rest, request)
        self._task = self._current = None
        if not self._transport.is_closing():
            if answer.rest is None:
                self._send(answer, request)
            self._advance()

    async def _pour(self, answer: Response, rest: BodyStream, request: Request) -> None:
        """Send an answer whose body is still coming, as fast as the caller takes it."""
        is_chunked = answer.is_chunked(is_old=request.is_old)
        try:
            keep_alive = self._write(answer, request)
            while data := await rest.read():
                await self._until_room()
                self._transport.write(chunk(data) if is_chunked else data)
            if is_chunked:
                self._transport.write(LAST_CHUNK)
            await self._until_taken()
            self._sent(answer, request, keep_alive=keep_alive and not self._server.stopping)
        except BodyBroken:
            # Too late for another answer: the caller has to see that this one is not whole.
            self._transport.abort()
        except Exception:
            _failed(request)
            self._transport.abort()
        finally:
            rest.close()

    async def _until_room(self) -> None:
        if self._blocked_since is not None:
            self._room = self._loop.create_future()
            await self._room

    async def _until_taken(self) -> None:
        """Wait for all that was written to leave; whoever stops the service waits for that."""
        self._transport.set_write_buffer_limits(high=0)
        await self._until_room()
        self._transport.set_write_buffer_limits()

    def _send(self, answer: Response, request: Request | None) -> None:
        self._sent(answer, request, keep_alive=self._write(answer, request))

    def _write(self, answer: Response, request: Request | None) -> bool:
        """Write an answer as far as it has come; return whether the connection lives on after it."""
        content = request.content if request is not None else None
        is_whole = content is None or content.ended
        is_old = request is not None and request.is_old
        is_endless = answer.rest is not None and answer.rest.length is None and is_old
        keep_alive = (
            request is not None
            and request.keep_alive
            and not (answer.close or is_endless)
            and is_whole
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
        """Close, after what was written; with ``lingers``, take in what the caller still sends until then."""
        self._ends = True
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
        self._abort = self._loop.call_later(LINGER, self._transport.abort)

    def _go_on(self) -> None:
        self._transport.write(CONTINUE)

    # -- refusing and waiting ----------------------------------------------------------------------------

    def _refuse(self, status: int, message: str) -> None:
        """Answer so once the requests before are answered, and read no further."""
        self._refusal = error_responses.error(status, message, close=True)
        raise Stop

    def _give_up(self) -> None:
        """End with the refusal: as the next answer, or inside of the body that is being read."""
        refusal = self._refusal
        assert refusal is not None
        newest = self._newest
        in_body = not self._in_head and newest is not None and newest.content is not None
        if in_body and newest is not None and newest.content is not None and not newest.content.ended:
            newest.content.fail("its framing is wrong")
        else:
            self._waiting.append(refusal)
        self._ends = True

    def _throttle(self, stop: bool) -> None:
        self._throttled = stop
        self._pause()

    def _pause(self) -> None:
        """Stop or go on reading, as bodies and pipelined requests demand."""
        pause = self._throttled or len(self._waiting) > MOST_PIPELINED
        if pause is self._paused or self._transport.is_closing():
            return
        self._paused = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def look(self, now: float) -> None:
        """Let go of callers that say nothing, or take nothing."""
        if self._blocked_since is not None:
            if self._blocked_since + self._server.idle_timeout <= now:
                self._transport.abort()
        elif self._current is not None or self._waiting or self._ends:
            return
        elif self._in_head and self._since + self._server.head_timeout <= now:
            self._send(
                error_responses.error(
                    408, "The request stopped in the middle of its head; send it whole.", close=True
                ),
                None,
            )
        elif self._since + self._server.idle_timeout <= now:
            self._transport.close()

    def leave(self) -> None:
        """Close if nothing is being answered; else after the answer."""
        if self._current is None and not self._waiting:
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection and what is being answered on it."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()


def _failed(request: Request) -> Response:
    """Answer for a fault of ours, and say in the log what it was."""
    _log.exception("rest failed at a %s", request.method)
    return error_responses.error(500, "The proxy failed at this request; its log says why.", close=True)


def _plain(error: Exception) -> str:
    """Name what is wrong; the parser's messages are fixed and hold nothing of the request."""
    text = str(error).rstrip(".")
    return text[:1].lower() + text[1:] if text else type(error).__name__
