"""Serves the page's files, and the websocket that keeps the page up to date."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, web

from nescord_core.sandbox.control.json_bodies import Endpoint
from nescord_core.sandbox.gateway.event_filter import encode
from nescord_core.sandbox.page.history import FrameHistory

__all__ = ["EventFeed", "add_page"]

STATIC = Path(__file__).parent / "static"
PAGE = "page.html"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".LICENSE": "text/plain"}
HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
MAX_QUEUED = 1000
"""Events that may be queued for one page; a page further behind is disconnected, and reconnects."""

FORGET_AFTER = 30.0
"""Seconds without any page after which its history is dropped, and nothing is recorded any more."""


class EventFeed:
    """Sends all events of the world to every open page: the page shows what people see, not the bot."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._id = secrets.token_hex(4)
        self._count = 0
        self._history = FrameHistory()
        self._is_viewed = asyncio.Event()
        self._is_unviewed = asyncio.Event()
        self._forgetting: asyncio.TimerHandle | None = None

    def publish(
        self, event: str, payload: Mapping[str, Any], guild_id: int = 0, _key: int | None = None
    ) -> None:
        """Queue an event; a listener of the world."""
        if not self.has_viewers():
            return
        at = round(time.time() * 1000)
        guild = str(guild_id) if guild_id else None
        self._count += 1
        frame = encode({"t": event, "guild_id": guild, "n": self._count, "at": at, "d": payload})
        self._history.add(frame)
        for queue in list(self._queues):
            if queue.qsize() < MAX_QUEUED:
                queue.put_nowait(frame)
            else:
                self._end(queue)

    def has_viewers(self) -> bool:
        """Return whether any page is open, or has been a moment ago: it may be loading again."""
        return self._is_viewed.is_set()

    async def viewed(self) -> None:
        """Wait until a page is open."""
        await self._is_viewed.wait()

    async def unviewed(self) -> None:
        """Wait until no page has been open for some time."""
        await self._is_unviewed.wait()

    async def history(self, _request: web.Request) -> web.StreamResponse:
        """Return the latest frames."""
        return web.Response(body=self._history.as_json(), content_type="application/json")

    def _forget(self) -> None:
        self._is_viewed.clear()
        self._is_unviewed.set()
        self._history.clear()

    def stop(self) -> None:
        """Disconnect all pages."""
        self._cancel_forgetting()
        for queue in list(self._queues):
            self._end(queue)

    def _cancel_forgetting(self) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None

    def _end(self, queue: asyncio.Queue[bytes | None]) -> None:
        self._queues.discard(queue)
        queue.put_nowait(None)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one page's websocket. Messages of the page are ignored."""
        ws = web.WebSocketResponse(timeout=1.0, heartbeat=20.0)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queues.add(queue)
        self._cancel_forgetting()
        self._is_viewed.set()
        self._is_unviewed.clear()
        try:
            await ws.prepare(request)
            queue.put_nowait(encode({"t": "SANDBOX_CONNECTED", "guild_id": None, "d": {"feed": self._id}}))
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(ws, queue))
                async for _ in ws:
                    pass
                writer.cancel()
        finally:
            self._queues.discard(queue)
            if not self._queues:
                self._cancel_forgetting()
                self._forgetting = asyncio.get_running_loop().call_later(FORGET_AFTER, self._forget)
        return ws

    async def _write(self, ws: web.WebSocketResponse, queue: asyncio.Queue[bytes | None]) -> None:
        try:
            while (frame := await queue.get()) is not None:
                await ws.send_str(frame.decode())
            await ws.close(code=WSCloseCode.TRY_AGAIN_LATER)
        except ConnectionError:
            return  # the page is gone, which ends its reader as well


def add_page(app: web.Application, feed: EventFeed) -> None:
    """Add the routes of the page's files and of its websocket."""
    app.router.add_get("/", _file(STATIC / PAGE, "text/html"))
    for path in STATIC.rglob("*"):
        if path.suffix in TYPES:
            app.router.add_get(f"/{path.relative_to(STATIC).as_posix()}", _file(path, TYPES[path.suffix]))
    app.router.add_get("/favicon.ico", _no_favicon)
    app.router.add_get("/sandbox/events", feed.connect)
    app.router.add_get("/sandbox/history", feed.history)


def _file(path: Path, kind: str) -> Endpoint:
    body = path.read_bytes()

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=HEADERS)

    return answer


async def _no_favicon(_request: web.Request) -> web.Response:
    return web.Response(status=204)
