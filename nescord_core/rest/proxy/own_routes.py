"""The proxy's own routes next to Discord's: health, metrics, and messages from other services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from nescord_core.ratelimit.limiter import Limiter
from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.access import Access
from nescord_core.rest.proxy.cache.cache import Cache
from nescord_core.rest.proxy.cache.coherence import CacheCoherence
from nescord_core.rest.proxy.forwarding import read_json
from nescord_core.rest.proxy.metrics import Metrics
from nescord_core.rest.proxy.server.body import Body
from nescord_core.rest.proxy.server.request import Request
from nescord_core.rest.proxy.server.response import Response

__all__ = ["ServiceRoutes"]

MOST_BYTES = 1 << 22
TIMEOUT = 10.0
Route = Callable[[Request], Coroutine[Any, Any, Response]]


class ServiceRoutes:
    """The routes; ``find`` returns the one for a request, if it is for the proxy itself."""

    def __init__(
        self,
        access: Access,
        metrics: Metrics,
        limiter: Limiter,
        cache: Cache | None,
        coherence: CacheCoherence,
    ) -> None:
        self._access = access
        self._metrics = metrics
        self._limiter = limiter
        self._cache = cache
        self._coherence = coherence
        self._open: Mapping[str, Route] = {
            "/healthz": self._healthy,
            "/readyz": self._healthy,
            "/metrics": self._render_metrics,
        }
        self._guarded: Mapping[str, Route] = {
            "/nescord/invalidate": self._invalidate,
            "/nescord/unlock": self._unlock,
        }

    def find(self, request: Request) -> Route | None:
        """Return the handler of a request, or None if it is for Discord."""
        path = request.raw_path.partition("?")[0]
        if path.startswith("/nescord/"):
            return self._guarded_route(request, path)
        route = self._open.get(path)
        return route if route is None or request.method in {"GET", "HEAD"} else self._only_read

    def is_own(self, raw_path: str) -> bool:
        """Return whether a request for this is for the proxy itself."""
        path = raw_path.partition("?")[0]
        return path.startswith("/nescord/") or path in self._open

    def _guarded_route(self, request: Request, path: str) -> Route:
        self._access.check(request.headers)
        route = self._guarded.get(path)
        if route is None:
            return self._unknown
        return route if request.method == "POST" else self._wrong_method

    async def _healthy(self, _: Request) -> Response:
        return error_responses.success(
            {"status": "ok", "queued": self._limiter.waiting, "in_flight": self._limiter.in_flight}
        )

    async def _render_metrics(self, _: Request) -> Response:
        return error_responses.metrics(self._metrics.render())

    async def _unknown(self, _: Request) -> Response:
        return error_responses.error(
            404, f"The proxy's own routes are {', '.join((*self._open, *self._guarded))}."
        )

    async def _wrong_method(self, _: Request) -> Response:
        return error_responses.error(405, "This route accepts POST only.")

    async def _only_read(self, _: Request) -> Response:
        return error_responses.error(405, "This route accepts GET only.", close=True)

    async def _invalidate(self, request: Request) -> Response:
        """Handle ``{"items": [{"kind": "CHANNEL_UPDATE", "ids": {"id": "1", "guild_id": "2"}}]}``.

        A kind is the name of a gateway event, or ``channel``, ``guild``, ``member``, ``message``, ``role``,
        ``user``, ``all``; its ids are those of the event's payload.

        ``"link": {"bot": FINGERPRINT, "shards": [0, 1], "shard_count": 2}`` states that all changes by those
        shards' events so far have been reported. While it is repeated for every shard, responses are cached
        for their full time to live.
        """
        content = await self._content(request)
        items = _items(content)
        if items is None:
            return error_responses.error(400, 'The body must be {"items": [{"kind": ..., "ids": {...}}]}.')
        if self._cache is not None:
            for kind, ids in items:
                self._cache.invalidate(kind, ids)
        self._update_coherence(content.get("link"))
        return error_responses.no_content()

    def _update_coherence(self, link: Any) -> None:
        match link:
            case {"bot": str(bot), "shards": list(shards), "shard_count": int(count)}:
                now = asyncio.get_running_loop().time()
                self._coherence.update(bot, [shard for shard in shards if isinstance(shard, int)], count, now)

    async def _unlock(self, _: Request) -> Response:
        """Unlock a token that Discord answered with 401, to try it again."""
        self._limiter.unlock()
        return error_responses.no_content()

    async def _content(self, request: Request) -> Any:
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
