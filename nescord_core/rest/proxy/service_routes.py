"""The proxy's own routes beside Discord's: health, metrics, and what other services tell it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from nescord_core.ratelimit.limiter import Limiter
from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.access import Access
from nescord_core.rest.proxy.cache.cache import Cache
from nescord_core.rest.proxy.cache.coherence import Links
from nescord_core.rest.proxy.forwarding import read_json
from nescord_core.rest.proxy.metrics import Meters
from nescord_core.rest.proxy.server.body import Body
from nescord_core.rest.proxy.server.request import Incoming
from nescord_core.rest.proxy.server.response import Outgoing

__all__ = ["OwnRoutes"]

MOST_BYTES = 1 << 22
TIMEOUT = 10.0
Route = Callable[[Incoming], Coroutine[Any, Any, Outgoing]]


class OwnRoutes:
    """``find`` says whether a request is for the proxy itself."""

    def __init__(
        self, access: Access, meters: Meters, limiter: Limiter, cache: Cache | None, links: Links
    ) -> None:
        self._access = access
        self._meters = meters
        self._limiter = limiter
        self._cache = cache
        self._links = links
        self._open: Mapping[str, Route] = {
            "/healthz": self._healthy,
            "/readyz": self._healthy,
            "/metrics": self._metrics,
        }
        self._guarded: Mapping[str, Route] = {
            "/nescord/invalidate": self._invalidate,
            "/nescord/unlock": self._unlock,
        }

    def find(self, request: Incoming) -> Route | None:
        """Return what answers the request, or None when it is for Discord."""
        path = request.raw_path.partition("?")[0]
        if path.startswith("/nescord/"):
            return self._guarded_route(request, path)
        route = self._open.get(path)
        return route if route is None or request.method in {"GET", "HEAD"} else self._only_read

    def _guarded_route(self, request: Incoming, path: str) -> Route:
        self._access.check(request.headers)
        route = self._guarded.get(path)
        if route is None:
            return self._unknown
        return route if request.method == "POST" else self._wrong_method

    async def _healthy(self, _: Incoming) -> Outgoing:
        return error_responses.success(
            {"status": "ok", "queued": self._limiter.waiting, "in_flight": self._limiter.in_flight}
        )

    async def _metrics(self, _: Incoming) -> Outgoing:
        return error_responses.metrics(self._meters.render())

    async def _unknown(self, _: Incoming) -> Outgoing:
        return error_responses.error(
            404, f"The proxy's own routes are {', '.join((*self._open, *self._guarded))}."
        )

    async def _wrong_method(self, _: Incoming) -> Outgoing:
        return error_responses.error(405, "This route takes POST.")

    async def _only_read(self, _: Incoming) -> Outgoing:
        return error_responses.error(405, "This route takes GET.", close=True)

    async def _invalidate(self, request: Incoming) -> Outgoing:
        """Take ``{"items": [{"kind": "CHANNEL_UPDATE", "ids": {"id": "1", "guild_id": "2"}}]}``.

        A kind is the name of a gateway event, or ``channel``, ``guild``, ``member``, ``message``, ``role``,
        ``user``, ``all``; its ids are those of the event's payload.

        ``"link": {"bot": FINGERPRINT, "shards": [0, 1], "shard_count": 2}`` says that
        all changes are told that the events of those shards have made up to now. While it is repeated for
        every shard, answers are kept for their full time.
        """
        content = await self._content(request)
        items = _items(content)
        if items is None:
            return error_responses.error(400, 'The body must be {"items": [{"kind": ..., "ids": {...}}]}.')
        if self._cache is not None:
            for kind, ids in items:
                self._cache.invalidate(kind, ids)
        self._hear(content.get("link"))
        return error_responses.done()

    def _hear(self, link: Any) -> None:
        match link:
            case {"bot": str(bot), "shards": list(shards), "shard_count": int(count)}:
                now = asyncio.get_running_loop().time()
                self._links.heard(bot, [shard for shard in shards if isinstance(shard, int)], count, now)

    async def _unlock(self, _: Incoming) -> Outgoing:
        """Let a token that Discord answered with 401 try again."""
        self._limiter.unlock()
        return error_responses.done()

    async def _content(self, request: Incoming) -> Any:
        with Body() as body:
            if request.content is not None:
                request.want_body()
                await body.read(request.content, most=MOST_BYTES, spool=MOST_BYTES, timeout=TIMEOUT)
            return read_json(body.data)


def _items(content: Any) -> list[tuple[str, dict[str, str]]] | None:
    if not isinstance(content, dict) or not isinstance(content.get("items"), list):
        return None
    items = [_item(item) for item in content["items"]]
    return None if None in items else [item for item in items if item is not None]


def _item(item: Any) -> tuple[str, dict[str, str]] | None:
    if not isinstance(item, dict) or not isinstance(item.get("kind"), str):
        return None
    ids = item.get("ids", {})
    if not isinstance(ids, dict):
        return None
    return item["kind"], {str(name): str(value) for name, value in ids.items() if value is not None}
