"""What is decided about a request by its line alone and by its headers alone, once for all that are alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from nescord_core.ratelimit.route import Route, needs_fields, route_of
from nescord_core.rest.proxy.access import Access, fingerprint
from nescord_core.rest.proxy.cache.invalidation import by_write, tags_of
from nescord_core.rest.proxy.cache.keys import UNSHARED, kind_of_cacheable, vary_of
from nescord_core.rest.proxy.forwarded_headers import for_discord
from nescord_core.rest.proxy.server.remembered_heads import CallerHeaders
from nescord_core.rest.proxy.target import Target, TargetRefused, Targets
from nescord_core.rest.proxy.upstream.connection import LENGTHLESS, header_lines

__all__ = ["HeadPlan", "LinePlan", "Plans"]

REMEMBERED = 2048
OPTIONS = ("Cache-Control", "Pragma", "X-Nescord-Priority", "X-Nescord-Deadline")
"""Headers that ask for something out of the ordinary."""


class LinePlan(NamedTuple):
    """A method and path. ``start`` is the request line and Host for Discord.

    ``tags`` are those of a GET's response, or what a write makes outdated; ``kind`` is that of a response
    that may be cached, otherwise empty.
    """

    target: Target
    route: Route
    lane_key: str
    start: bytes
    is_read: bool
    needs_length: bool
    tags: frozenset[str]
    kind: str


class HeadPlan(NamedTuple):
    """Headers. ``lines`` are those for Discord; ``vary`` is their part of a cache key, None if not cached."""

    authorization: str | None
    token: str
    lines: bytes
    vary: str | None


class Plans:
    """The plans of an API and a bot; ``is_own`` tells the paths of the proxy's own routes."""

    def __init__(
        self, targets: Targets, access: Access, is_own: Callable[[str], bool], *, origin: str, host: str
    ) -> None:
        self._targets = targets
        self._access = access
        self._is_own = is_own
        self._origin = origin
        self._host = host
        self.line = lru_cache(maxsize=REMEMBERED)(self._line)
        self.head = lru_cache(maxsize=REMEMBERED)(self._head)

    def _line(self, method: str, raw_path: str) -> LinePlan | None:
        """Return the plan of a request line; None if it depends on more than that, or is refused."""
        if self._is_own(raw_path):
            return None
        try:
            target = self._targets.resolve(raw_path)
        except TargetRefused:
            return None
        route = route_of(method, target.path, unix_ms=0)
        if needs_fields(method, target.path) or route.variant:
            return None  # by the body, or by the age of a message
        is_read = method == "GET"
        tags = tags_of(route.template, target.path) if is_read else by_write(method, target.path)
        kind = kind_of_cacheable(route, target) if is_read else ""
        start = f"{method} {target.url.removeprefix(self._origin)} HTTP/1.1\r\nHost: {self._host}\r\n"
        needs_length = method not in LENGTHLESS
        return LinePlan(target, route, route.lane_key, start.encode(), is_read, needs_length, tags, kind)

    def _head(self, known: CallerHeaders, authenticated: bool, needs_length: bool) -> HeadPlan | None:
        """Return the plan of headers; None if they ask for something. Raises `AccessDenied`."""
        headers = known.headers
        if any(name in headers for name in OPTIONS):
            return None
        self._access.check_host(headers)
        authorization = self._access.authorization(headers, authenticated=authenticated)
        has_length = known.length or needs_length or "Content-Length" in headers
        passed = for_discord(
            headers, authorization=authorization, length=known.length if has_length else None
        )
        vary = None if any(name in headers for name in UNSHARED) else vary_of(headers)
        return HeadPlan(authorization, fingerprint(authorization), header_lines(passed), vary)
