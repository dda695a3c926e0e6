"""A gateway on a real socket that follows a test's script. It shares no code with the client."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import zstandard
from aiohttp import WSMsgType, web

Script = Callable[["Peer"], Awaitable[None]]


class Gone(Exception):
    """The client closed or dropped the connection; ``code`` is aiohttp's close code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Peer:
    """The server's end of one connection."""

    def __init__(self, request: web.Request, ws: web.WebSocketResponse) -> None:
        self.query = dict(request.query)
        self.ws = ws
        self.transport = request.transport
        self.received: list[dict[str, Any]] = []
        self.left_with: int | None = None
        kind = self.query.get("compress")
        self._zlib = zlib.compressobj() if kind == "zlib-stream" else None
        self._zstd = zstandard.ZstdCompressor().compressobj() if kind == "zstd-stream" else None

    def pack(self, payload: object) -> bytes:
        raw = json.dumps(payload).encode()
        if self._zlib:
            return self._zlib.compress(raw) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        if self._zstd:
            return self._zstd.compress(raw) + self._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return raw

    async def send(self, op: int, d: object = None, *, s: int | None = None, t: str | None = None) -> None:
        data = self.pack({"op": op, "d": d, "s": s, "t": t})
        if self._zlib or self._zstd:
            await self.ws.send_bytes(data)
        else:
            await self.ws.send_str(data.decode())

    async def hello(self, interval: float = 41.25) -> None:
        await self.send(10, {"heartbeat_interval": interval * 1000})

    async def event(self, s: int, t: str = "MESSAGE_CREATE", **d: object) -> None:
        await self.send(0, d or {"id": str(s), "guild_id": "7", "channel_id": "8"}, s=s, t=t)

    async def ready(self, session: str = "one", url: str | None = None, s: int = 1, **more: object) -> None:
        d = {"session_id": session, "resume_gateway_url": url, "application": {"id": "99"}, "v": 10}
        await self.event(s, "READY", **d, **more)

    async def receive(self) -> dict[str, Any]:
        """Return the next payload, and record it."""
        message = await self.ws.receive()
        if message.type is not WSMsgType.TEXT:
            raise Gone(self.ws.close_code)
        payload: dict[str, Any] = json.loads(message.data)
        self.received.append(payload)
        return payload

    async def expect(self, op: int, *, acks: bool = True) -> Any:
        """Wait for a payload with this opcode, acknowledging heartbeats; return its ``d``."""
        while True:
            payload = await self.receive()
            if payload["op"] == 1 and acks:
                await self.send(11)
            if payload["op"] == op:
                return payload["d"]

    async def until_gone(self, *, acks: bool = True) -> int | None:
        """Acknowledge heartbeats until the client leaves; return its close code."""
        try:
            while True:
                await self.expect(-1, acks=acks)
        except Gone as gone:
            return gone.code

    def reset(self) -> None:
        """Send a TCP RST."""
        assert self.transport is not None
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.abort()

    def write_raw(self, data: bytes) -> None:
        """Write to the TCP connection, bypassing the websocket."""
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.write(data)


class Scripted:
    """Runs one script per connection, in order; the last one serves all later ones."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.peers: list[Peer] = []
        self.errors: list[BaseException] = []
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(max_msg_size=0, compress=False, timeout=0.5)
        await ws.prepare(request)
        peer = Peer(request, ws)
        script = self.scripts[min(len(self.peers), len(self.scripts) - 1)]
        self.peers.append(peer)
        try:
            await script(peer)
        except (Gone, ConnectionError):
            pass
        except Exception as error:
            self.errors.append(error)
        return ws


@asynccontextmanager
async def listening(*scripts: Script) -> AsyncIterator[Scripted]:
    server = Scripted(*scripts)
    async with serving(server.serve) as url:
        server.url = url.replace("http://", "ws://")
        yield server
    assert not server.errors, server.errors


@asynccontextmanager
async def serving(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Answer every GET on a free port; yield the http:// URL."""
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def refusing_url() -> str:
    """Return the URL of a port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"ws://127.0.0.1:{sock.getsockname()[1]}"


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """Accept TCP connections and send nothing."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
