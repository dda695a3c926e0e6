"""Middleware in front of everything that the sandbox serves: refuses foreign origins and injects REST faults.

The sandbox is for this machine only. A page of another origin in the developer's browser must not read or
change anything, even after DNS rebinding. So Host must be a loopback name, Origin must be the sandbox's own,
and no CORS header is ever sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from nescord_core.sandbox.faults import FaultPlan, RestFault

__all__ = ["inject_rest_faults", "is_local_host", "is_same_origin", "local_only"]

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
API = "/api"

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
    parts = urlsplit(origin)
    return parts.scheme == "http" and parts.netloc.lower() == host.lower()


@web.middleware
async def local_only(request: web.Request, handler: Next) -> web.StreamResponse:
    """Refuse requests that a browser sends for another site."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if not is_local_host(host):
        return _forbidden(f"The sandbox is served as localhost, 127.0.0.1 and [::1] only, not as {host!r}.")
    if origin is not None and not is_same_origin(origin, host):
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


def inject_rest_faults(plan: FaultPlan) -> Any:
    """Return the middleware that fails or delays REST requests according to the plan."""

    @web.middleware
    async def inject(request: web.Request, handler: Next) -> web.StreamResponse:
        if not plan.rest or not request.path.startswith(f"{API}/"):
            return await handler(request)
        fault = plan.take_rest(request.method, route_of(request.path))
        if fault is None:
            return await handler(request)
        await asyncio.sleep(fault.latency)
        return _fault_response(fault) if fault.status else await handler(request)

    return inject


def route_of(path: str) -> str:
    """Return the path below /api/v10, or below /api for a path without a version."""
    rest = path.removeprefix(API)
    version, _, tail = rest.removeprefix("/").partition("/")
    return f"/{tail}" if version[:1] == "v" and version[1:].isdecimal() else rest


def _fault_response(fault: RestFault) -> web.Response:
    headers = {"Via": "1.1 nescord-sandbox"}
    body: dict[str, Any] = {"message": f"{fault.status}: a fault set in the sandbox", "code": 0}
    if fault.status == 429:
        headers |= {"Retry-After": str(max(1, round(fault.retry_after))), "X-RateLimit-Scope": "user"}
        body = {"message": "You are being rate limited.", "retry_after": fault.retry_after, "global": False}
    return web.json_response(body, status=fault.status, headers=headers)
