"""One websocket connection to the gateway, over aiohttp."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Self

import aiohttp
from aiohttp import ClientWSTimeout, WSMsgType
from yarl import URL

from nescord_core.errors import TransportError

__all__ = ["Transport", "connection_url"]

log = logging.getLogger("nescord.gateway")

API_VERSION = "10"

OnMessage = Callable[[bytes, bool], None]
"""Takes a message and whether it is text, which no compression applies to."""


def connection_url(base: str, compress: str) -> URL:
    """Return the URL to connect to: the same version, encoding and compression for main and resume hosts.

    https://discord.com/developers/docs/events/gateway#connecting-gateway-url-query-string-params
    """
    query = {"v": API_VERSION, "encoding": "json"}
    if compress != "none":
        query["compress"] = compress
    url = URL(base)
    return (url if url.path else url.with_path("/")).update_query(query)


class _Socket(aiohttp.ClientWebSocketResponse[Any]):
    """aiohttp's websocket, whose TCP connection can be dropped at once."""

    def abort(self) -> None:
        # aiohttp's own close() always tries a handshake and flushes first; a zombie answers neither.
        connection = self._response.connection or self._conn
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        self._response.close()


class Transport:
    """An open connection. Made by ``open``; ends when ``read`` returns."""

    def __init__(self, socket: _Socket, close_timeout: float) -> None:
        self._socket = socket
        self._close_timeout = close_timeout

    @classmethod
    async def open(
        cls, http: aiohttp.ClientSession, base_url: str, *, compress: str, close_timeout: float
    ) -> Self:
        """Connect. Raises TransportError; a time-out is the caller's (cancel it)."""
        try:
            socket = await http.ws_connect(
                connection_url(base_url, compress),
                timeout=ClientWSTimeout(ws_close=close_timeout),
                autoping=False,
                autoclose=False,
                max_msg_size=0,
                compress=0,
                decode_text=False,
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransportError(f"{base_url}: {error or type(error).__name__}") from error
        assert isinstance(socket, _Socket)
        return cls(socket, close_timeout)

    @staticmethod
    def http_session() -> aiohttp.ClientSession:
        """Return the client session that ``open`` needs: no connection kept, no time-out of its own."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            ws_response_class=_Socket,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def read(self, on_message: OnMessage) -> tuple[int | None, str]:
        """Hand on every message until the connection ends; return the peer's close code and reason."""
        socket = self._socket
        while True:
            message = await socket.receive()
            kind = message.type
            if kind is WSMsgType.BINARY:
                on_message(message.data, False)
            elif kind is WSMsgType.TEXT:
                on_message(message.data, True)
            elif kind is WSMsgType.PING:
                await socket.pong(message.data)
            elif kind is WSMsgType.CLOSE:
                return _close_code(message.data), message.extra or ""
            elif kind is not WSMsgType.PONG:
                return None, _why(message)

    async def send(self, data: bytes) -> None:
        """Send one payload. Raises TransportError."""
        try:
            await self._socket.send_frame(data, WSMsgType.TEXT)
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise TransportError(f"cannot send: {error or type(error).__name__}") from error

    async def close(self, code: int) -> None:
        """Close with a handshake, for as long as the close time-out allows; then drop the connection."""
        try:
            async with asyncio.timeout(self._close_timeout):
                await self._socket.close(code=code)
        except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError) as error:
            log.debug("the close handshake did not end well: %r", error)
        finally:
            self._socket.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._socket.abort()


def _close_code(data: object) -> int | None:
    # aiohttp gives 0 for a close frame without a code.
    return data if isinstance(data, int) and data else None


def _why(message: aiohttp.WSMessage) -> str:
    return str(message.data) if message.type is WSMsgType.ERROR else ""
