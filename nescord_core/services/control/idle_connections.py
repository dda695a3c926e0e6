"""Bounds the connections of an HTTP server: their number, their idle time, and the size of a request.

aiohttp limits the time between requests, but neither the time before the first
one nor the number of connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

__all__ = ["ConnectionLimits", "IdleConnections"]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """``idle`` is in seconds without a request being handled, ``request_bytes`` counts head and body."""

    connections: int = 128
    idle: float = 5.0
    request_bytes: int = 64 * 1024


class IdleConnections:
    """The open connections of a server, the longest idle first.

    Past the limit, a new connection closes the one that has been idle for the longest time: strangers who
    only connect cannot keep the health checks out.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._idle: dict[asyncio.BaseProtocol, _Connection] = {}
        self._busy: dict[asyncio.BaseProtocol, _Connection] = {}

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy)

    def bounded(self, factory: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """Return a protocol factory whose connections are bounded by this object."""
        return lambda: _Connection(factory(), self, self._limits)

    def began(self, protocol: asyncio.BaseProtocol) -> None:
        """Note that a request of this connection is being handled: it is not idle."""
        if (connection := self._idle.pop(protocol, None)) is not None:
            connection.stop_timer()
            self._busy[protocol] = connection

    def ended(self, protocol: asyncio.BaseProtocol) -> None:
        """Note that a request has been handled."""
        if (connection := self._busy.pop(protocol, None)) is not None:
            self._idle[protocol] = connection
            connection.start_timer()

    def opened(self, protocol: asyncio.BaseProtocol, connection: _Connection) -> None:
        """Add a connection, at the cost of the longest idle one if there are too many."""
        self._idle[protocol] = connection
        connection.start_timer()
        if len(self) > self._limits.connections:
            next(iter(self._idle.values())).abort()

    def closed(self, protocol: asyncio.BaseProtocol) -> None:
        """Remove a connection."""
        for connections in (self._idle, self._busy):
            if (connection := connections.pop(protocol, None)) is not None:
                connection.stop_timer()


class _Connection(asyncio.Protocol):
    """Passes everything on to the server's own protocol, and counts."""

    def __init__(self, inner: asyncio.Protocol, all_connections: IdleConnections, limits: ConnectionLimits):
        self._inner = inner
        self._all = all_connections
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._received = 0

    def start_timer(self) -> None:
        self._received = 0
        self._timer = asyncio.get_running_loop().call_later(self._limits.idle, self.abort)

    def stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def abort(self) -> None:
        self._all.closed(self._inner)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(transport)
        self._all.opened(self._inner, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.closed(self._inner)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._limits.request_bytes:
            self.abort()
        else:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
