"""One websocket connection to the gateway, on picows.

picows calls back for every frame as it is read: a queue or a task in between would be most of the cost of
receiving a message.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
import urllib.parse
from collections.abc import Callable
from typing import Self

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

from nescord_core._version import USER_AGENT
from nescord_core.errors import TransportError
from nescord_core.gateway.session.inflate import LARGEST_PAYLOAD
from nescord_core.process.os_errors import reason_of

__all__ = ["OnMessage", "Transport", "connection_url"]

API_VERSION = "10"
MAX_MESSAGE = LARGEST_PAYLOAD
"""Bytes of a message and of each of its frames, compressed or not."""

OnMessage = Callable[[bytes, bool], None]
"""Takes a message and whether it is text; text is never compressed."""

_BINARY = WSMsgType.BINARY  # enum members are slow to look up, and this one is needed for every event

# The shard logs the same problems in its own words.
wire_log = logging.getLogger("nescord.gateway.wire")
wire_log.setLevel(logging.CRITICAL)


def connection_url(base: str, compress: str) -> str:
    """Return the URL to connect to: the same version, encoding and compression for main and resume hosts.

    https://discord.com/developers/docs/events/gateway#connecting-gateway-url-query-string-params
    """
    query = {"v": API_VERSION, "encoding": "json"}
    if compress != "none":
        query["compress"] = compress
    parts = urllib.parse.urlsplit(base)
    own = {name: value for name, value in urllib.parse.parse_qsl(parts.query) if name not in query}
    return parts._replace(path=parts.path or "/", query=urllib.parse.urlencode(own | query)).geturl()


class Transport(WSListener):
    """A connection, opened by ``open`` and over when ``read`` returns.

    ``on_open`` is called once it is established, before the first ``on_message``.
    """

    def __init__(self, on_open: Callable[[], None], on_message: OnMessage) -> None:
        self._on_open = on_open
        self._on_message = on_message
        self._ws: WSTransport | None = None
        self._parts: list[bytes] = []
        self._parts_are_text = False
        self._parts_size = 0
        self._is_dropped = False
        self._end: asyncio.Future[tuple[int | None, str]] = asyncio.get_running_loop().create_future()
        self._has_room = False
        self.on_writable: Callable[[], None] = _noop

    async def open(self, base_url: str, *, compress: str, timeout: float, proxy: str | None = None) -> Self:
        """Connect within ``timeout`` seconds, through ``proxy`` if there is one. Raises TransportError."""
        try:
            await ws_connect(
                lambda: self,
                connection_url(base_url, compress),
                ssl_context=_certificates() if base_url.startswith("wss:") else None,
                websocket_handshake_timeout=timeout,
                logger_name=wire_log,
                max_frame_size=MAX_MESSAGE,
                proxy=proxy,
                max_redirects=0,  # a redirect would hand the token to its target
                extra_headers={"User-Agent": USER_AGENT},
            )
        except (WSError, OSError, TimeoutError, ValueError) as error:
            raise TransportError(f"{base_url}: {_describe(error)}") from error
        return self

    async def read(self) -> tuple[int | None, str]:
        """Return the peer's close code and reason once the connection has ended."""
        code, reason = await asyncio.shield(self._end)
        if code is None and not reason and self._ws is not None:
            try:
                await self._ws.wait_disconnected()
            except WSError as error:
                reason = str(error)
        return code, reason

    @property
    def writable(self) -> bool:
        """Whether a payload would be sent at once: the peer reads, and the connection is not lost."""
        return self._has_room and self._ws is not None and not self._ws.underlying_transport.is_closing()

    def send(self, data: bytes) -> None:
        """Send one payload; dropped when the connection is gone, which ``read`` reports."""
        if self._ws is not None and not self._ws.is_disconnected:
            self._ws.send(WSMsgType.TEXT, data)

    async def close(self, code: int, timeout: float) -> None:
        """Close with a handshake of at most ``timeout`` seconds, then drop the connection."""
        self.mute()
        try:
            if self._ws is not None and not self._end.done():
                self._ws.send_close(code)  # type: ignore[arg-type]  # its enum lacks Discord's codes
                async with asyncio.timeout(timeout):
                    await asyncio.shield(self._end)
        except TimeoutError:
            wire_log.debug("the peer did not answer the close frame")
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once, or as soon as it is established."""
        self._is_dropped = True
        self.mute()
        if self._ws is not None:
            self._ws.disconnect(graceful=False)

    def mute(self) -> None:
        """Stop delivering messages."""
        self._on_message = _discard

    # Called by picows

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._ws = transport
        if self._is_dropped:
            transport.disconnect(graceful=False)
            return
        self._has_room = True
        self._call(self._on_open)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A frame was read; its memory is valid during this call only."""
        try:
            if frame.msg_type is _BINARY and frame.fin:
                self._on_message(frame.get_payload_as_bytes(), False)
            else:
                self._handle_frame(transport, frame)
        except BaseException as error:
            self._fail(error)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The TCP connection is closed."""
        self._has_room = False
        self._ended(None, "")

    def pause_writing(self) -> None:
        """The send buffer is full because the peer does not read: stop writing."""
        self._has_room = False

    def resume_writing(self) -> None:
        """The peer reads again: resume writing."""
        self._has_room = True
        self.on_writable()

    def _handle_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        match frame.msg_type:
            case WSMsgType.CLOSE:
                code = int.from_bytes(frame.get_payload_as_bytes()[:2], "big")
                self._ended(code or None, frame.get_close_reason() or "")
                transport.send_close(code or WSCloseCode.NO_INFO)  # type: ignore[arg-type]
                transport.disconnect()
            case WSMsgType.TEXT | WSMsgType.BINARY | WSMsgType.CONTINUATION as kind:
                if kind is not WSMsgType.CONTINUATION:
                    self._parts, self._parts_are_text = [], kind is WSMsgType.TEXT
                    self._parts_size = 0
                part = frame.get_payload_as_bytes()
                self._parts.append(part)
                self._parts_size += len(part)
                if self._parts_size > MAX_MESSAGE:
                    self._parts = []
                    self._end_with(f"a message is larger than {MAX_MESSAGE} bytes")
                elif frame.fin:
                    message, self._parts = b"".join(self._parts), []
                    self._on_message(message, self._parts_are_text)

    def _call(self, act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Raise our own error from ``read``: picows would only log it."""
        self.abort()
        if not self._end.done():
            self._end.set_exception(error)

    def _end_with(self, reason: str) -> None:
        """End the connection from our side, as if it had broken for this reason."""
        self._ended(None, reason)
        self.abort()

    def _ended(self, code: int | None, reason: str) -> None:
        if not self._end.done():
            self._end.set_result((code, reason))


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Load the system's certificates once for all connections of the process."""
    return ssl.create_default_context()


def _describe(error: BaseException) -> str:
    return str(error) if isinstance(error, WSError) else reason_of(error)


def _discard(message: bytes, is_text: bool) -> None:
    """Discard a message."""


def _noop() -> None:
    """Do nothing."""
