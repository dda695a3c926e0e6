"""A voice client without logic of its own, and without TLS: a websocket and a UDP socket."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass
class RawVoice:
    """One connection to the voice server."""

    ws: aiohttp.ClientWebSocketResponse
    udp: socket.socket

    async def send(self, op: int, d: Any = None) -> None:
        await self.ws.send_str(json.dumps({"op": op, "d": d}))

    async def until(self, op: int, timeout: float = 5.0) -> Any:
        """Return the next payload with this opcode."""
        async with asyncio.timeout(timeout):
            while True:
                message = await self.ws.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                payload = json.loads(message.data)
                if payload["op"] == op:
                    return payload

    async def closed(self, timeout: float = 5.0) -> int | None:
        """Return the code with which the server closes the connection."""
        async with asyncio.timeout(timeout):
            while not self.ws.closed:
                await self.ws.receive()
        return self.ws.close_code

    async def describe(self, identity: dict[str, Any], mode: str) -> dict[str, Any]:
        """Identify, discover the own address and select a protocol; returns ready and session description."""
        await self.send(0, identity)
        ready = (await self.until(2))["d"]
        address = (ready["ip"], ready["port"])
        self.udp.connect(address)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.udp, struct.pack(">HHI", 1, 70, ready["ssrc"]) + bytes(66))
        answer = await asyncio.wait_for(loop.sock_recv(self.udp, 100), 5.0)
        ip, port = struct.unpack_from(">64sH", answer, 8)
        assert (ip.rstrip(b"\0").decode(), port) == self.udp.getsockname()
        data = {"address": ip.rstrip(b"\0").decode(), "port": port, "mode": mode}
        await self.send(1, {"protocol": "udp", "data": data})
        described = await self.until(4)
        return {**ready, **described["d"], "seq": described["seq"]}

    def send_sound(self, ssrc: int, count: int, size: int = 100) -> None:
        for number in range(count):
            header = struct.pack(">BBHII", 0x80, 0x78, number & 0xFFFF, number * 960 & 0xFFFFFFFF, ssrc)
            self.udp.send(header + bytes(size))


@asynccontextmanager
async def raw_voice(endpoint: str, query: str = "v=8") -> AsyncIterator[RawVoice]:
    """Connect to an endpoint of VOICE_SERVER_UPDATE."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"ws://{endpoint}/?{query}") as ws,
        ):
            yield RawVoice(ws, udp)
