"""A gateway that replays recorded frames on any number of connections.

    python benchmarks/recorded_gateway.py COMPRESS SHARDS EVENTS

Prints the port it listens on. Every connection receives the same payloads, except for its shard in READY:
Hello, and after IDENTIFY a READY, the guilds, then EVENTS events of mixed types and sizes
(recorded_events.py), compressed as one stream. ``GET /go?rate=R`` starts the events (0: as fast as they are
read, else R a second over all connections); ``GET /times`` returns when each was written.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
import time
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import zstandard

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.recorded_events import BOT, GUILDS, World, encode, payloads, start


def record(compress: str, stream: list[bytes]) -> list[bytes]:
    """Return the WebSocket frames of one connection's stream."""
    compressor = zlib.compressobj() if compress == "zlib-stream" else zstandard.ZstdCompressor().compressobj()
    flush = zlib.Z_SYNC_FLUSH if compress == "zlib-stream" else zstandard.COMPRESSOBJ_FLUSH_BLOCK
    return [_frame(compressor.compress(payload) + compressor.flush(flush)) for payload in stream]


def _frame(data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return b"\x82" + bytes([size]) + data
    if size < 65536:
        return b"\x82\x7e" + size.to_bytes(2, "big") + data
    return b"\x82\x7f" + size.to_bytes(8, "big") + data


class RecordedGateway:
    """The server, for HTTP requests and WebSocket connections on one port."""

    def __init__(self, compress: str, shards: int, events: int) -> None:
        self._compress, self._shards, self._events = compress, shards, events
        self._identified: dict[int, asyncio.StreamWriter] = {}
        self._go = asyncio.Event()
        self._rate = 0.0
        self._times: list[float] = []
        self._frames: list[list[bytes]] = []

    async def run(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self._url = f"ws://127.0.0.1:{port}/gateway"
        world = World()
        recorded = list(payloads(world, self._events))
        for shard in range(self._shards):
            self._frames.append(
                record(self._compress, start(world, self._url, (shard, self._shards)) + recorded)
            )
        events, frames = recorded[GUILDS:], self._frames[0][GUILDS + 2 :]
        print(port, *(f"{sum(map(len, each)) / len(each):.0f}" for each in (events, frames)), flush=True)
        await self._go.wait()
        await self._send()
        await asyncio.Event().wait()

    async def _send(self) -> None:
        first, shards = GUILDS + 2, self._shards
        writers = [self._identified[shard] for shard in range(shards)]
        if not self._rate:
            async with asyncio.TaskGroup() as tasks:
                for writer, frames in zip(writers, self._frames, strict=True):
                    tasks.create_task(self._write_all(writer, frames[first:]))
            return
        began, sent = time.monotonic(), 0
        while sent < self._events * shards:
            due = min(int((time.monotonic() - began) * self._rate), self._events * shards)
            for number in range(sent, due):
                self._times.append(time.monotonic())
                writers[number % shards].write(self._frames[number % shards][first + number // shards])
            sent = due
            await asyncio.sleep(max(0.0005, 1 / self._rate))

    async def _write_all(self, writer: asyncio.StreamWriter, frames: list[bytes]) -> None:
        for a, b in pairwise([*range(0, len(frames), 64), len(frames)]):
            writer.write(b"".join(frames[a:b]))
            await writer.drain()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            if "upgrade: websocket" in head.lower():
                await self._serve_websocket(head, reader, writer)
                return
            body = encode(self._answer(path))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            await writer.drain()
            writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    def _answer(self, path: str) -> Any:
        if path.startswith("/go"):
            self._rate = float(path.rpartition("=")[2])
            self._go.set()
        elif path == "/times":
            return {"times": self._times}
        elif path.endswith("/gateway/bot"):
            limit = {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 16}
            return {"url": self._url, "shards": self._shards, "session_start_limit": limit}
        elif path.endswith("/applications/@me"):
            fields: dict[str, Any] = dict.fromkeys(("name", "verify_key", "description", "summary"), "bench")
            owner = {"id": str(BOT), "username": "bench", "discriminator": "0000", "avatar": None}
            return fields | {"id": str(BOT), "flags": 0, "icon": None, "owner": owner, "team": None} | {
                "bot_public": True, "bot_require_code_grant": False, "rpc_origins": [],
            }  # fmt: skip
        elif path.endswith("/users/@me"):
            return {"id": str(BOT), "username": "bench", "discriminator": "0000", "avatar": None, "bot": True}
        return {"connections": len(self._identified)}

    async def _serve_websocket(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        key = next(
            line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key")
        )
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{answer}Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n\r\n".encode())
        writer.write(self._frames[0][0])
        while b'"op":2' not in (identify := await _read(reader)):
            pass
        shard = json.loads(identify)["d"]["shard"][0]
        for frame in self._frames[shard][1 : GUILDS + 2]:
            writer.write(frame)
        await writer.drain()
        self._identified[shard] = writer
        while await reader.read(65536):
            pass


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Return the payload of one client frame, with the spaces of its JSON removed."""
    head = await reader.readexactly(2)
    size = head[1] & 127
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)).replace(b" ", b"")


if __name__ == "__main__":
    asyncio.run(RecordedGateway(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).run())
