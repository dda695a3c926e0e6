"""The page to chat in, and the websocket that keeps it up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, web

from nescord_core.sandbox.control.json_bodies import Endpoint
from nescord_core.sandbox.gateway.event_filter import encode

__all__ = ["EventFeed", "add_page"]

STATIC = Path(__file__).parent / "static"
PAGE = "page.html"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
MAX_QUEUED = 1000
"""Events that may wait for one page; a page further behind is cut off, and starts anew by itself."""


class EventFeed:
    """Gives every open page each event of the world, whole: the page is the user's view, not the bot's."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[bytes | None]] = set()

    def publish(
        self, event: str, payload: Mapping[str, Any], guild_id: int = 0, _key: int | None = None
    ) -> None:
        """Queue an event; the listener that the world calls."""
        if not self._queues:
            return
        frame = encode({"t": event, "guild_id": str(guild_id) if guild_id else None, "d": payload})
        for queue in list(self._queues):
            if queue.qsize() < MAX_QUEUED:
                queue.put_nowait(frame)
            else:
                self._end(queue)

    def has_viewers(self) -> bool:
        """Say whether any page is open."""
        return bool(self._queues)

    def stop(self) -> None:
        """End all feeds."""
        for queue in list(self._queues):
            self._end(queue)

    def _end(self, queue: asyncio.Queue[bytes | None]) -> None:
        self._queues.discard(queue)
        queue.put_nowait(None)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one page's websocket. What it says is not listened to."""
        ws = web.WebSocketResponse(timeout=1.0, heartbeat=20.0)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            await ws.prepare(request)
            queue.put_nowait(encode({"t": "SANDBOX_CONNECTED", "guild_id": None, "d": {}}))
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(ws, queue))
                async for _ in ws:
                    pass
                writer.cancel()
        finally:
            self._queues.discard(queue)
        return ws

    async def _write(self, ws: web.WebSocketResponse, queue: asyncio.Queue[bytes | None]) -> None:
        try:
            while (frame := await queue.get()) is not None:
                await ws.send_str(frame.decode())
            await ws.close(code=WSCloseCode.TRY_AGAIN_LATER)
        except ConnectionError:
            return  # the page is gone; its reader ends by itself


def add_page(app: web.Application, feed: EventFeed) -> None:
    """Serve the page's files and its websocket."""
    app.router.add_get("/", _file(STATIC / PAGE, "text/html"))
    for path in STATIC.rglob("*"):
        if path.suffix in TYPES:
            app.router.add_get(f"/{path.relative_to(STATIC).as_posix()}", _file(path, TYPES[path.suffix]))
    app.router.add_get("/favicon.ico", _no_favicon)
    app.router.add_get("/sandbox/events", feed.connect)


def _file(path: Path, kind: str) -> Endpoint:
    body = path.read_bytes()

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=HEADERS)

    return answer


async def _no_favicon(_request: web.Request) -> web.Response:
    return web.Response(status=204)
