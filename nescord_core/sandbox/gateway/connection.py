"""One gateway connection: passes payloads to the rules, applies effects, writes the events of its session.

The writer follows the session with a cursor and has no queue of its own. So a replay and live events are the
same, and a slow client costs no memory beyond the events that the session stores anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter, deque
from collections.abc import Iterable
from typing import Protocol

import msgspec
from aiohttp import WSMsgType, web

from nescord_core.sandbox.faults import FaultPlan
from nescord_core.sandbox.gateway.compression import Encoder
from nescord_core.sandbox.gateway.connection_rules import (
    ConnectionRules,
    Effect,
    SessionResumed,
    SessionStarted,
)
from nescord_core.sandbox.gateway.protocol import Close, CloseCode, Command, Frame, Op
from nescord_core.sandbox.gateway.sessions import Session

__all__ = ["GatewayConnection"]

BATCH_SIZE = 64
"""Events written at a time; heartbeats are answered in between."""

_encode = msgspec.json.Encoder().encode


class ConnectionHost(Protocol):
    """The gateway server, as its connections see it."""

    faults: FaultPlan
    closes: Counter[int]
    totals: Counter[str]

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    def on_session(self, connection: GatewayConnection, effect: SessionStarted | SessionResumed) -> None:
        """Send a session its first events, or those that it missed."""
        ...

    def on_command(self, connection: GatewayConnection, command: Command) -> Close | None:
        """Answer a command; returns how to close the connection for a malformed one."""
        ...


class GatewayConnection:
    """Runs one connection."""

    def __init__(
        self,
        rules: ConnectionRules,
        ws: web.WebSocketResponse,
        encoder: Encoder,
        host: ConnectionHost,
        transport: asyncio.Transport | None,
    ) -> None:
        self.rules = rules
        self.ws = ws
        self.cursor = 0
        self.resumed_at_seq = 0
        self.received = 0
        self.sent = 0
        self.events_sent = 0
        self.opened_at = host.now()
        self.closing: Close | None = None
        self.closing_since = 0.0
        self.silenced = False
        self._host = host
        self._encoder = encoder
        self._transport = transport
        self._control: deque[bytes] = deque()
        self._wake = asyncio.Event()

    @property
    def session(self) -> Session | None:
        """The attached session, if any."""
        return self.rules.session

    @property
    def compress(self) -> str:
        """The transport compression that the client chose, or ``none``."""
        return self._encoder.name

    async def run(self, version: str) -> None:
        """Serve the connection until either side closes it."""
        client_code = None
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write())
                self.apply(self.rules.on_open(version))
                client_code = await self._read()
                if self.closing is None:
                    writer.cancel()
        finally:
            self.rules.on_disconnect(client_code, self._host.now())

    def apply(self, effects: Iterable[Effect]) -> None:
        """Apply the effects of the rules."""
        for effect in effects:
            match effect:
                case Frame(op, d):
                    self.push(op, d)
                case SessionStarted() | SessionResumed():
                    self._host.on_session(self, effect)
                case Command():
                    if (refused := self._host.on_command(self, effect)) is not None:
                        self.close(refused)
                case Close():
                    self.close(effect)
        self._wake.set()

    def push(self, op: Op, d: object) -> None:
        """Send a payload that is not an event."""
        if op is Op.HEARTBEAT_ACK and self._host.faults.gateway.no_heartbeat_ack:
            return
        if op is Op.INVALID_SESSION:
            self._host.totals["invalid_sessions"] += 1
        self._control.append(_encode({"t": None, "s": None, "op": int(op), "d": d}))
        self._wake.set()

    def push_frame(self, frame: bytes) -> None:
        """Send bytes as a payload, unchecked; a fault."""
        self._control.append(frame)
        self._wake.set()

    def wake(self) -> None:
        """Note that the session has new events."""
        self._wake.set()

    def close(self, close: Close) -> None:
        """Close with a code, after sending what is queued; a silenced connection stays open."""
        if self.closing is None and not self.silenced:
            self.closing, self.closing_since = close, self._host.now()
            self._host.closes[close.code] += 1
        self._wake.set()

    def reset(self) -> None:
        """Reset the TCP connection, as a failing network does."""
        if self._transport is None:
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            # Lingering for zero seconds makes close() send RST instead of FIN (socket(7), SO_LINGER).
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def silence(self) -> None:
        """Send nothing more, not even a close, and keep the connection open: a zombie."""
        self.silenced = True

    def close_overdue(self, timeout: float) -> bool:
        """Return whether a close is pending for longer than ``timeout``: the client does not read."""
        return self.closing is not None and self._host.now() - self.closing_since > timeout

    def fell_behind(self) -> bool:
        """Return whether the session has dropped events that this client has not got yet."""
        if self.session is None or self.silenced:
            return False
        return not self.session.can_replay(self.cursor)

    async def _read(self) -> int | None:
        """Read until the connection ends; return the client's close code, if the client closed it."""
        while True:
            message = await self.ws.receive()
            if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
                self.received += 1
                raw = message.data.encode() if message.type is WSMsgType.TEXT else message.data
                self.apply(self.rules.on_payload(raw, self._host.now()))
            elif message.type is WSMsgType.CLOSE:
                return int(message.data) if self.closing is None and message.data else None
            else:
                return None

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._host.faults.gateway.delay:
                    await asyncio.sleep(self._host.faults.gateway.delay)
                while await self._write_batch():
                    pass
                if self.closing is not None:
                    await self.ws.close(code=self.closing.code, message=self.closing.reason.encode())
                    return

    async def _write_batch(self) -> bool:
        if self.silenced:
            return False
        while self._control:
            await self._send(self._control.popleft())
        session = self.session
        if session is None or session.connection != self.rules.id:
            return False
        if not session.can_replay(self.cursor):
            self.close(Close(CloseCode.UNKNOWN_ERROR, "The client reads too slowly."))
            return False
        batch = session.after(self.cursor, BATCH_SIZE)
        for event in batch:
            self.cursor = event.seq
            if event.transient and event.seq < self.resumed_at_seq:
                continue  # RESUMED of an earlier connection
            await self._send(event.frame())
            self.events_sent += 1
        return bool(batch)

    async def _send(self, payload: bytes) -> None:
        message = self._encoder.encode(payload)
        self.sent += 1
        if self._encoder.binary:
            await self.ws.send_bytes(message)
        else:
            await self.ws.send_str(message.decode())
