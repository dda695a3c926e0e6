"""A strict fake Discord for the proxy's tests: limits, hashes, faults, on a real socket."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from support.ratelimit.discord_model import ServerBucket

VIA = "1.1 google"
TOKEN = "fake.token.for-tests"


@dataclass
class Limit:
    """A bucket of a route: ``kind`` as in the model; ``hidden`` limits send no headers."""

    limit: int
    period: float
    kind: str = "fixed"
    name: str = ""
    hidden: bool = False


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    raw_headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    at: float
    status: int = 0


Fault = Callable[[BaseRequest], Awaitable[web.StreamResponse | None]]


@dataclass
class FakeDiscord:
    """``limits`` maps "POST /channels/:id/messages" to its limits; each request uses up one of ``faults``."""

    limits: dict[str, list[Limit]] = field(default_factory=dict)
    global_limit: int = 10_000
    seen: list[Seen] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    delay: float = 0.0
    url: str = ""
    token: str = TOKEN
    reset_skew: float = 0.0
    answers: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    _buckets: dict[tuple[str, str, int], ServerBucket] = field(default_factory=dict)
    _global: deque[float] = field(default_factory=deque)
    _serial: int = 0

    @property
    def limited(self) -> int:
        return sum(seen.status == 429 for seen in self.seen)

    def calls(self, method: str, path: str) -> list[Seen]:
        return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]

    async def answer(self, request: BaseRequest) -> web.StreamResponse:
        body = await request.read()
        path = request.raw_path
        seen = Seen(request.method, path, dict(request.headers), request.raw_headers, body, time.monotonic())
        self.seen.append(seen)
        if self.faults:
            made = await self.faults.popleft()(request)
            if made is not None:
                seen.status = made.status
                return made
        response = self._respond(request, path.removeprefix("/api/v10").partition("?")[0], body)
        seen.status = response.status
        if self.delay:
            await asyncio.sleep(self.delay)
        return response

    def _respond(self, request: BaseRequest, path: str, body: bytes) -> web.Response:
        if not path.startswith("/api/") and request.headers.get("Authorization") != f"Bot {self.token}":
            public = path.startswith(("/webhooks/", "/interactions/", "/gateway"))
            if not public or "Authorization" in request.headers:
                return _json(401, {"message": "401: Unauthorized", "code": 0})
        exempt = path.startswith("/interactions/")
        if not exempt and not self._global_ok():
            return _limited(
                0.4, {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}, everywhere=True
            )
        headers, refusal = self._limit(request.method, path)
        if refusal is not None:
            return refusal
        self._serial += 1
        content = self.answers.get(path, {"serial": self._serial, "path": path})
        if isinstance(content, int):
            return _json(content, {"message": "said so", "code": 10003}, headers)
        return _json(200, content, {**headers, **self.headers})

    def _limit(self, method: str, path: str) -> tuple[dict[str, str], web.Response | None]:
        template = re.sub(r"/\d+", "/:id", path)
        major = "/".join(path.split("/")[:3])
        headers: dict[str, str] = {}
        for number, limit in enumerate(self.limits.get(f"{method} {template}", [])):
            key = (limit.name or f"{method} {template}", major, number)
            bucket = self._buckets.setdefault(key, ServerBucket(limit.kind, limit.limit, limit.period))
            allowed, remaining, after = bucket.take(time.monotonic())
            if not limit.hidden:
                headers = {
                    "X-RateLimit-Bucket": limit.name or f"hash-of-{method}-{template}",
                    "X-RateLimit-Limit": str(limit.limit),
                    "X-RateLimit-Remaining": str(remaining),
                    "X-RateLimit-Reset-After": f"{after:.3f}",
                    "X-RateLimit-Reset": f"{time.time() + after + self.reset_skew:.3f}",
                }
            if not allowed:
                return headers, _limited(after, {**headers, "X-RateLimit-Scope": "user"})
        return headers, None

    def _global_ok(self) -> bool:
        now = time.monotonic()
        while self._global and self._global[0] + 1.0 <= now:
            self._global.popleft()
        if len(self._global) >= self.global_limit:
            return False
        self._global.append(now)
        return True

    def fail(self, *faults: Fault) -> None:
        self.faults.extend(faults)


def _json(status: int, content: Any, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(content).encode(),
        headers={"Via": VIA, "Content-Type": "application/json", **(headers or {})},
    )


def _limited(after: float, headers: dict[str, str], *, everywhere: bool = False) -> web.Response:
    content = {"message": "You are being rate limited.", "retry_after": round(after, 3), "global": everywhere}
    return _json(429, content, {"Retry-After": str(int(after) + (after % 1 > 0.9)), **headers})


def status(code: int, body: bytes = b"<html>oops</html>", **headers: str) -> Fault:
    async def fault(_: BaseRequest) -> web.StreamResponse:
        return web.Response(status=code, body=body, headers={"Content-Type": "text/html", **_names(headers)})

    return fault


def json_status(code: int, content: Any, **headers: str) -> Fault:
    async def fault(_: BaseRequest) -> web.StreamResponse:
        return _json(code, content, _names(headers))

    return fault


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def hang_up() -> Fault:
    async def fault(request: BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return fault


def hang_up_in_the_body() -> Fault:
    async def fault(request: BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    return fault


def slow(seconds: float) -> Fault:
    async def fault(_: BaseRequest) -> web.StreamResponse | None:
        await asyncio.sleep(seconds)
        return None

    return fault


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> BaseRequest:
    loop = asyncio.get_running_loop()
    return BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=1 << 30)


@asynccontextmanager
async def fake_discord(fake: FakeDiscord | None = None) -> AsyncIterator[FakeDiscord]:
    discord = fake or FakeDiscord()
    server = web.Server(discord.answer, access_log=None, auto_decompress=False, request_factory=_request)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, backlog=1024)
    host, port = listener.sockets[0].getsockname()
    discord.url = f"http://{host}:{port}/api/v10"
    try:
        yield discord
    finally:
        listener.close()
        await server.shutdown(0.1)
