"""The fake Discord of the REST benchmark, and a bare relay; both use as little CPU as Python allows.

Run as `python fake_discord.py discord LIMITS GLOBAL` and `python fake_discord.py relay UPSTREAM`; each prints
its address. LIMITS is ``open`` (buckets that never fill) or ``buckets`` (5 POSTs per 5 s and channel, in
windows that start with their first request); GLOBAL is the number of requests per second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import cast

import aiohttp
import httptools
import uvloop
from aiohttp import web
from aiohttp.web_request import BaseRequest

PERIOD = 5.0
LIMIT = 5
BODY = b'{"id": "1", "type": 0, "name": "general", "guild_id": "2", "topic": null, "nsfw": false}'
Answer = tuple[int, dict[str, str], bytes]


class Discord:
    """Discord's limits, per channel and global; counts its 429s."""

    def __init__(self, *, limit: int, period: float, global_limit: int) -> None:
        self._limit = limit
        self._period = period
        self._global_limit = global_limit
        self._windows: dict[bytes, tuple[float, int]] = defaultdict(lambda: (-period, 0))
        self._global: deque[float] = deque()
        self.limited = 0
        self.arrivals: list[tuple[str, float]] = []

    def answer(self, method: bytes, path: bytes) -> Answer:
        """Return status, headers and body."""
        if path == b"/about":
            return 200, {}, json.dumps({"limited": self.limited, "arrivals": self.arrivals}).encode()
        if path.endswith(b"/gateway/bot"):  # some clients ask this at the start
            return 200, {}, b'{"session_start_limit": {"max_concurrency": 1}}'
        now = time.monotonic()
        if self._over(now):
            return self._refuse(0.5, {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"})
        started, used = self._windows[path]
        if now >= started + self._period:
            started, used = now, 0
        after = started + self._period - now
        headers = {
            "X-RateLimit-Bucket": "5e7d3c5f1b",
            "X-RateLimit-Limit": str(self._limit),
            "X-RateLimit-Remaining": str(max(self._limit - used - 1, 0)),
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
        }
        if used >= self._limit:
            self._global.pop()
            return self._refuse(after, {**headers, "X-RateLimit-Scope": "user"})
        self._windows[path] = (started, used + 1)
        if method == b"POST":
            self.arrivals.append((path.decode(), now))
        return 200, headers, BODY

    def _over(self, now: float) -> bool:
        taken = self._global
        while taken and taken[0] + 1.0 <= now:
            taken.popleft()
        if len(taken) >= self._global_limit:
            return True
        taken.append(now)
        return False

    def _refuse(self, after: float, headers: dict[str, str]) -> Answer:
        self.limited += 1
        is_global = "X-RateLimit-Global" in headers
        content = {"message": "limited", "retry_after": round(after, 3), "global": is_global}
        return 429, {**headers, "Retry-After": f"{after:.3f}"}, json.dumps(content).encode()


class Connection(asyncio.Protocol):
    """One connection of a client to this Discord."""

    def __init__(self, discord: Discord) -> None:
        self._discord = discord
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_message_complete(self) -> None:
        status, headers, body = self._discord.answer(self._parser.get_method(), self._url)
        lines = [f"HTTP/1.1 {status} {'OK' if status == 200 else 'Too Many Requests'}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Type: application/json\r\nVia: 1.1 benchmark\r\nContent-Length: {len(body)}")
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


async def relay_to(upstream: str) -> Callable[[BaseRequest], Awaitable[web.StreamResponse]]:
    """Return the minimal aiohttp handler that forwards a request."""
    session = aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0))

    async def relay(request: BaseRequest) -> web.StreamResponse:
        body = await request.read()
        async with session.request(
            request.method, upstream + request.raw_path, headers=request.headers, data=body or None
        ) as response:
            return web.Response(status=response.status, headers=response.headers, body=await response.read())

    return relay


async def main(role: str, *options: str) -> None:
    factory: Callable[[], asyncio.BaseProtocol]
    if role == "discord":
        is_open = options[0] == "open"
        limit, period = (1_000_000, 1.0) if is_open else (LIMIT, PERIOD)
        discord = Discord(limit=limit, period=period, global_limit=int(options[1]))
        factory = lambda: Connection(discord)  # noqa: E731 - one of two factories
    else:
        factory = web.Server(await relay_to(options[0]), access_log=None)
    listener = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, backlog=1024)
    print("{}:{}".format(*listener.sockets[0].getsockname()), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
