"""One websocket connection to the gateway, over picows.

picows calls back for every frame as it is read, without a queue or a task in between: those are most of what
it costs to take in a message.
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
from nescord_core.process.os_errors import reason_of

__all__ = ["OnMessage", "Transport", "connection_url"]

API_VERSION = "10"
MAX_FRAME = 1 << 30
"""Bytes. Discord sets no limit, and the guild with the most members has a GUILD_CREATE of many MB."""

OnMessage = Callable[[bytes, bool], None]
"""Takes a message and whether it is text, which no compression applies to."""

_BINARY = WSMsgType.BINARY  # members of an enum are slow to look up, and one is looked up for every event

# What picows has to say about a connection is said by the shard, too, in words of its own.
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
    """A connection. Made by ``open``; ends when ``read`` returns.

    ``on_open`` is called once it is there, before the first ``on_message``, which comes for every message.
    """

    def __init__(self, on_open: Callable[[], None], on_message: OnMessage) -> None:
        self._on_open = on_open
        self._on_message = on_message
        self._ws: WSTransport | None = None
        self._parts: list[bytes] = []
        self._parts_are_text = False
        self._is_dropped = False
        self._end: asyncio.Future[tuple[int | None, str]] = asyncio.get_running_loop().create_future()
        self.writable = False
        self.on_writable: Callable[[], None] = _nothing

    async def open(self, base_url: str, *, compress: str, timeout: float) -> Self:
        """Connect within ``timeout`` seconds. Raises TransportError."""
        try:
            await ws_connect(
                lambda: self,
                connection_url(base_url, compress),
                ssl_context=_certificates() if base_url.startswith("wss:") else None,
                websocket_handshake_timeout=timeout,
                logger_name=wire_log,
                max_frame_size=MAX_FRAME,
                max_redirects=0,  # whoever redirects would be shown the token
                extra_headers={"User-Agent": USER_AGENT},
            )
        except (WSError, OSError, TimeoutError, ValueError) as error:
            raise TransportError(f"{base_url}: {_why(error)}") from error
        return self

    async def read(self) -> tuple[int | None, str]:
        """Return the peer's close code and reason when the connection has ended."""
        code, reason = await asyncio.shield(self._end)
        if code is None and not reason and self._ws is not None:
            try:
                await self._ws.wait_disconnected()
            except WSError as error:
                reason = str(error)
        return code, reason

    def send(self, data: bytes) -> None:
        """Send one payload; into the void when the connection is gone, which ``read`` tells."""
        if self._ws is not None and not self._ws.is_disconnected:
            self._ws.send(WSMsgType.TEXT, data)

    async def close(self, code: int, timeout: float) -> None:
        """Close with a handshake of at most ``timeout`` seconds; then drop the connection."""
        self.mute()
        try:
            if self._ws is not None and not self._end.done():
                self._ws.send_close(code)  # type: ignore[arg-type]  # its enum lacks Discord's codes
                async with asyncio.timeout(timeout):
                    await asyncio.shield(self._end)
        except TimeoutError:
            wire_log.debug("the peer answers no close frame")
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once, or as soon as it is there."""
        self._is_dropped = True
        self.mute()
        if self._ws is not None:
            self._ws.disconnect(graceful=False)

    def mute(self) -> None:
        """Hand on nothing any more."""
        self._on_message = _ignore

    # Called by picows

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._ws = transport
        if self._is_dropped:
            transport.disconnect(graceful=False)
            return
        self.writable = True
        self._guarded(self._on_open)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A frame was read; its memory is valid during this call only."""
        try:
            if frame.msg_type is _BINARY and frame.fin:
                self._on_message(frame.get_payload_as_bytes(), False)
            else:
                self._other(transport, frame)
        except BaseException as error:
            self._fail(error)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The TCP connection is gone."""
        self.writable = False
        self._ended(None, "")

    def pause_writing(self) -> None:
        """The peer does not read: what is sent now would pile up."""
        self.writable = False

    def resume_writing(self) -> None:
        """The peer reads again."""
        self.writable = True
        self.on_writable()

    def _other(self, transport: WSTransport, frame: WSFrame) -> None:
        match frame.msg_type:
            case WSMsgType.CLOSE:
                code = int.from_bytes(frame.get_payload_as_bytes()[:2], "big")
                self._ended(code or None, frame.get_close_reason() or "")
                transport.send_close(code or WSCloseCode.NO_INFO)  # type: ignore[arg-type]
                transport.disconnect()
            case WSMsgType.TEXT | WSMsgType.BINARY | WSMsgType.CONTINUATION as kind:
                if kind is not WSMsgType.CONTINUATION:
                    self._parts, self._parts_are_text = [], kind is WSMsgType.TEXT
                self._parts.append(frame.get_payload_as_bytes())
                if frame.fin:
                    message, self._parts = b"".join(self._parts), []
                    self._on_message(message, self._parts_are_text)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Let whoever reads have an error of ours: picows would only log it."""
        self.abort()
        if not self._end.done():
            self._end.set_exception(error)

    def _ended(self, code: int | None, reason: str) -> None:
        if not self._end.done():
            self._end.set_result((code, reason))


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Read the system's certificates once for all connections of the process."""
    return ssl.create_default_context()


def _why(error: BaseException) -> str:
    return str(error) if isinstance(error, WSError) else reason_of(error)


def _ignore(message: bytes, is_text: bool) -> None:
    """Take a message that nobody wants."""


def _nothing() -> None:
    """Nobody waits."""
