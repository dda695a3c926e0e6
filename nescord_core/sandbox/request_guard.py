"""Middleware in front of everything that the sandbox serves: refuses what a browser sends for another site.

The sandbox is for this machine only. A page of another origin in the developer's browser must not read or
change anything, even after DNS rebinding. So Host must be a loopback name, Origin must be the sandbox's own,
and no CORS header is ever sent.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

__all__ = ["is_local_host", "is_same_origin", "local_only"]

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)


def is_local_host(host: str) -> bool:
    """Return whether a Host header names this machine: localhost, 127.0.0.1 or [::1], with any port."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, ""
    return name.lower() in LOCAL_NAMES and (not port or port.isdecimal())


def is_same_origin(origin: str, host: str) -> bool:
    """Return whether an Origin header is the sandbox's own: http, and the same host as the request."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.netloc.lower() == host.lower()


@web.middleware
async def local_only(request: web.Request, handler: Next) -> web.StreamResponse:
    """Refuse requests that a browser sends for another site."""
    host = request.headers.get("Host", "")
    if not is_local_host(host):
        return _forbidden(f"The sandbox is served as localhost, 127.0.0.1 and [::1] only, not as {host!r}.")
    for origin in request.headers.getall("Origin", ()):
        if not is_same_origin(origin, host):
            return _forbidden(f"The sandbox does not accept requests from pages of {origin!r}.")
    foreign = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    if foreign and not _is_link_navigation(request):
        return _forbidden("The sandbox does not accept requests from pages of other sites.")
    return await handler(request)


def _is_link_navigation(request: web.Request) -> bool:
    """Return whether the request follows a link on another page, which learns nothing of the response."""
    return (
        request.method == "GET"
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
    )


def _forbidden(sentence: str) -> web.Response:
    log.warning("%s", sentence)
    return web.json_response({"error": sentence}, status=403)
