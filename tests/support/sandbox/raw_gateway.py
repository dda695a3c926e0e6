"""A gateway client without logic of its own: sends what a test gives it and returns what it receives."""

from __future__ import annotations

import asyncio
import json
import zlib
from types import TracebackType
from typing import Any, Self

import aiohttp
import zstandard

PROPERTIES = {"os": "linux", "browser": "test", "device": "test"}


class RawGateway:
    """One websocket to a gateway; use as ``async with RawGateway(url) as gateway``."""

    def __init__(self, url: str, *, compress: str = "", query: str = "v=10&encoding=json") -> None:
        self._url = f"{url}?{query}" + (f"&compress={compress}" if compress else "")
        self._compress = compress
        self._zlib = zlib.decompressobj()
        self._zstd = zstandard.ZstdDecompressor().decompressobj()
        self.session_id = ""
        self.seq = 0
        self.resume_url = ""
        self.ready: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        try:
            self.ws = await self._http.ws_connect(self._url, autoclose=False, max_msg_size=0)
        except BaseException:
            await self._http.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def send(self, op: int, d: Any = None) -> None:
        await self.ws.send_str(json.dumps({"op": op, "d": d}))

    async def receive(self, timeout: float = 5.0) -> dict[str, Any]:
        """Return the next payload; a close is returned as ``{"closed": code}``."""
        message = await self.ws.receive(timeout=timeout)
        if message.type is aiohttp.WSMsgType.CLOSE:
            await self.ws.close()
            return {"closed": message.data}
        if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSING):
            return {"closed": None}
        payload: dict[str, Any] = json.loads(self._inflated(message.data))
        if payload["op"] == 0:
            self.seq = payload["s"]
        return payload

    async def until(self, event: str, timeout: float = 5.0) -> dict[str, Any]:
        """Return the payload of the next event of that name, passing over others."""
        async with asyncio.timeout(timeout):
            while True:
                payload = await self.receive(timeout)
                if "closed" in payload:
                    raise AssertionError(f"closed with {payload['closed']} before {event}")
                if payload.get("t") == event:
                    return payload

    async def closed(self, timeout: float = 5.0) -> int | None:
        """Return the code with which the server closes, passing over payloads before it."""
        async with asyncio.timeout(timeout):
            while True:
                payload = await self.receive(timeout)
                if "closed" in payload:
                    code: int | None = payload["closed"]
                    return code

    async def identify(self, token: str, *, intents: int, **more: Any) -> dict[str, Any]:
        """Take HELLO, send IDENTIFY, and return READY's payload."""
        hello = await self.receive()
        assert hello["op"] == 10
        await self.send(2, {"token": token, "intents": intents, "properties": PROPERTIES, **more})
        payload = await self.receive()
        assert payload.get("t") == "READY", payload
        self.ready = payload["d"]
        self.session_id, self.resume_url = self.ready["session_id"], self.ready["resume_gateway_url"]
        return self.ready

    async def resume(self, token: str, session_id: str, seq: int) -> None:
        hello = await self.receive()
        assert hello["op"] == 10
        await self.send(6, {"token": token, "session_id": session_id, "seq": seq})

    def _inflated(self, data: str | bytes) -> str | bytes:
        if not self._compress:
            assert isinstance(data, str)
            return data
        assert isinstance(data, bytes)
        if self._compress == "zlib-stream":
            assert data.endswith(b"\x00\x00\xff\xff"), "a message ends with the flush marker"
            return self._zlib.decompress(data)
        return self._zstd.decompress(data)
