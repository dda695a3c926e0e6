"""A relay that records every response between a client and the server it takes for Discord."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from support.sandbox.conformity import check

PER_CONNECTION = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "host"})


@dataclass(frozen=True)
class Seen:
    """A response. ``path`` is below the API version, without the query; ``body`` is None if there is none."""

    method: str
    path: str
    query: str
    status: int
    content_type: str
    body: Any

    @property
    def wrong(self) -> list[str]:
        """Return what violates Discord's API document."""
        return [
            f"{self.method} {self.path} {self.status}: {line}"
            for line in check(self.method, self.path, self.status, self.body)
        ]


@dataclass
class Relay:
    """``url`` is the client's base URL; ``upstream`` is http://host:port.

    ``delay`` is how many seconds each answer is on its way.
    """

    upstream: str
    session: aiohttp.ClientSession
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    delay: float = 0.0

    async def pass_on(self, request: web.Request) -> web.Response:
        sent = {name: value for name, value in request.headers.items() if name.lower() not in PER_CONNECTION}
        url = URL(self.upstream + request.raw_path, encoded=True)
        body = await request.read() if request.body_exists else None
        async with self.session.request(
            request.method, url, data=body, headers=sent, allow_redirects=False
        ) as answer:
            data = await answer.read()
            self._note(request, answer, data)
            await asyncio.sleep(self.delay)
            headers = answer.headers.copy()
            for name in PER_CONNECTION:
                headers.popall(name, None)
            return web.Response(status=answer.status, reason=answer.reason, body=data, headers=headers)

    def _note(self, request: web.Request, answer: aiohttp.ClientResponse, data: bytes) -> None:
        assert "Content-Encoding" not in answer.headers, "this relay reads plain bodies only"
        path, _, query = request.raw_path.partition("?")
        path = path.removeprefix("/api")
        if path[1:2] == "v" and path[2:].partition("/")[0].isdecimal():
            path = path[path.index("/", 1) :]
        body: Any = None
        if data:
            plain = answer.content_type != "application/json"
            body = f"no JSON: {data[:200]!r}" if plain else json.loads(data)
        self.seen.append(Seen(request.method, path, query, answer.status, answer.content_type, body))


@asynccontextmanager
async def running_relay(upstream: str, host: str = "127.0.0.1") -> AsyncIterator[Relay]:
    # Headers are forwarded exactly as the client sent them, without any of aiohttp's own.
    none = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
    async with aiohttp.ClientSession(
        auto_decompress=False, skip_auto_headers=none, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        relay = Relay(upstream, session)
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", relay.pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, 0).start()
            relay.url = f"http://{host}:{runner.addresses[0][1]}"
            yield relay
        finally:
            await runner.cleanup()


@contextmanager
def relay_thread(upstream: str, host: str) -> Iterator[Relay]:
    """Run a relay in a thread of its own, for synchronous tests."""
    ready: queue.SimpleQueue[tuple[Relay, asyncio.AbstractEventLoop, asyncio.Event]] = queue.SimpleQueue()

    async def serve() -> None:
        async with running_relay(upstream, host) as relay:
            stop = asyncio.Event()
            ready.put((relay, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    relay, loop, stop = ready.get(timeout=10)
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
