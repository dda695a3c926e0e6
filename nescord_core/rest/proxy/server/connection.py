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

from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.body_stream import BodyStream
from nescord_core.rest.proxy.server.exchange import PendingResponse
from nescord_core.rest.proxy.server.parser import RequestParser, RequestRefused
from nescord_core.rest.proxy.server.remembered_heads import RememberedHeads
from nescord_core.rest.proxy.server.request import BodyBroken, BodyReader, Request
from nescord_core.rest.proxy.server.response import (
    CONTINUE,
    LAST_CHUNK,
    EncodedResponse,
    Response,
    chunk,
    encode,
)

__all__ = ["Connection", "ConnectionOwner", "Work"]

MOST_PIPELINED = 16
"""Pipelined requests of a connection after which reading pauses."""
UNSENT, HALF_CLOSED = 0.02, 0.5
"""Seconds for which a caller that has stopped sending still gets its response: while its request waits for a
rate limit, and once it is sent to Discord."""
TOO_MANY = "Too many callers are connected and wait for responses (rest.max_connections)."
LINGER = 2.0
"""Seconds for a caller to finish sending an unwanted body, so that it can read the response."""

_log = logging.getLogger("nescord.rest")

Work = Coroutine[Any, Any, Response]


class ConnectionOwner(Protocol):
    """The server's interface to its connections. Time-outs are in seconds."""

    begin: Callable[[Request], Response | PendingResponse | Work]
    heads: RememberedHeads
    head_timeout: float
    idle_timeout: float
    stopping: bool
    connections: set[Connection]

    def admit(self, connection: Connection) -> bool:
        """Add a connection; return whether there is room for it."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a request's coroutine."""
        ...


class Connection(asyncio.Protocol):
    """A caller's connection: requests are answered one at a time, in order of arrival."""

    def __init__(self, server: ConnectionOwner) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = RequestParser(
            self._queue,
            on_head=self._begin_head,
            throttle=self._throttle,
            send_continue=self._send_continue,
            heads=server.heads,
        )
        self._transport: asyncio.Transport
        self._half_closed = False
        self._waiting: deque[Request | Response] = deque()
        self._current: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._pending: PendingResponse | None = None
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
        if not self._server.admit(self):
            self._send(error_responses.error(503, TOO_MANY, retry_after=1, close=True), None)

    def data_received(self, data: bytes) -> None:
        if self._is_ending:
            return
        request = self._parser.whole(data)
        if request is not None:
            if self._current is None and not self._waiting and self._blocked_since is None:
                self._start(request)
                return
            self._queue(request)
        else:
            try:
                self._parser.feed(data)
            except RequestRefused as refused:
                self._end_with(refused.response)
        if self._current is None:
            self._advance()

    def eof_received(self) -> bool:
        """Answer a caller that has closed its sending side, if that takes only a moment.

        Most of these have disconnected, which looks the same, so their slot has to be released soon.
        """
        if self._parser.body is not None:
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
        if (body := self._parser.body) is not None:
            body.fail("the caller disconnected in the middle of it")
        self._cancel()

    def _cancel(self) -> None:
        """End what the current request waits for."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
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

    # -- the parser's callbacks --------------------------------------------------------------------------

    def _begin_head(self) -> None:
        self._since = self._loop.time()

    def _queue(self, request: Request) -> None:
        self._waiting.append(request)
        if len(self._waiting) > MOST_PIPELINED:
            self._pause()

    # -- answering ---------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Start the next request, if possible."""
        waiting = self._waiting
        while waiting and self._current is None and self._blocked_since is None:
            item = waiting.popleft()
            if isinstance(item, Response):
                self._send(item, None)
                return
            self._start(item)
        if self._paused:
            self._pause()

    def _start(self, request: Request) -> None:
        outcome = self._begin(request)
        if isinstance(outcome, Response):
            self._send(outcome, request)
            return
        self._current = request
        if isinstance(outcome, PendingResponse):
            self._pending = outcome
            outcome.begin(self)
        else:
            self._task = self._server.spawn(self._answer(request, outcome))

    def respond(self, answer: EncodedResponse | Response) -> None:
        """Send the response that was pending. See `Caller`."""
        request, self._current, self._pending = self._current, None, None
        if not self._transport.is_closing():
            self._send(answer, request)
            if self._waiting or self._paused:
                self._advance()

    def wait_for(self, work: Work) -> None:
        """Wait for a coroutine that takes over what was pending as soon as it runs. See `Caller`."""
        assert self._current is not None
        self._task = self._server.spawn(self._answer(self._current, work))

    def _begin(self, request: Request) -> Response | PendingResponse | Work:
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
        self._task = self._current = self._pending = None
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

    def _send(self, answer: EncodedResponse | Response, request: Request | None) -> None:
        self._sent(answer, request, keep_alive=self._write(answer, request))

    def _write(self, answer: EncodedResponse | Response, request: Request | None) -> bool:
        """Write what there is of a response; return whether the connection stays open after it."""
        if isinstance(answer, EncodedResponse):
            keep_alive = not (self._half_closed or self._server.stopping)
            self._transport.write(answer.encode(keep_alive=keep_alive))
            return keep_alive
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

    def _sent(self, answer: EncodedResponse | Response, request: Request | None, *, keep_alive: bool) -> None:
        self._since = self._loop.time()
        if not keep_alive:
            content = request.content if request is not None else None
            is_whole = content is None or content.ended
            closes = isinstance(answer, Response) and answer.close
            self._end(content, lingers=request is None or not is_whole or closes)

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

    def _end_with(self, refusal: Response) -> None:
        """End with a refusal: as the next answer, or inside of the body that is being read."""
        body = self._parser.body
        if body is not None and not self._parser.in_head:
            body.fail("its framing is wrong")
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

    @property
    def is_idle(self) -> bool:
        """Whether no request is being received, answered or ended."""
        return self._current is None and not self._waiting and not self._is_ending

    @property
    def idle_since(self) -> float:
        """The time of the loop at which the connection was made or the last response was sent."""
        return self._since

    def check_idle(self, now: float) -> None:
        """Close the connection if the caller has been idle, or not reading, for too long."""
        if self._blocked_since is not None:
            if self._blocked_since + self._server.idle_timeout <= now:
                self._transport.abort()
        elif self._current is not None or self._waiting or self._is_ending:
            return
        elif self._parser.in_head and self._since + self._server.head_timeout <= now:
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
        self._cancel()


def _internal_error(request: Request) -> Response:
    """Log an internal error, and return the response for it."""
    _log.exception("rest failed to handle a %s", request.method)
    return error_responses.internal_error()
