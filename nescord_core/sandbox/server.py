"""The sandbox on one socket: Discord's REST API, the gateway, the page and the control API.

Everything is for this machine only. A page of another origin in the developer's browser must be able neither
to read nor to change anything, also after DNS rebinding: so Host has to be a loopback name, Origin has to be
our own, and no CORS header is ever sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from nescord_core.sandbox.faults import FaultPlan, RestFault

__all__ = ["guard", "local_host", "rest_faults"]

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
API = "/api"

log = logging.getLogger(__name__)

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


def local_host(host: str) -> bool:
    """Say whether a Host header names this machine: localhost, 127.0.0.1 or [::1], with or without port."""
    name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
    return name.lower() in LOCAL_NAMES and (not port or port.isdecimal())


def same_origin(origin: str, host: str) -> bool:
    """Say whether an Origin header is the page's own: http and the very Host of the request."""
    parts = urlsplit(origin)
    return parts.scheme == "http" and parts.netloc.lower() == host.lower()


@web.middleware
async def guard(request: web.Request, call_next: Next) -> web.StreamResponse:
    """Refuse what a browser was talked into sending here."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if not local_host(host):
        return _refusal(f"The sandbox answers to localhost, 127.0.0.1 and [::1] only, not to {host!r}.")
    if origin is not None and not same_origin(origin, host):
        return _refusal(f"The sandbox does not take requests from pages of {origin}.")
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return _refusal("The sandbox does not take requests from pages of other sites.")
    return await call_next(request)


def _refusal(sentence: str) -> web.Response:
    log.warning("%s", sentence)
    return web.json_response({"error": sentence}, status=403)


def rest_faults(plan: FaultPlan) -> Callable[[web.Request, Next], Awaitable[web.StreamResponse]]:
    """Return the middleware that lets REST requests fail or wait as the plan says."""

    @web.middleware
    async def middleware(request: web.Request, call_next: Next) -> web.StreamResponse:
        if not request.path.startswith(f"{API}/"):
            return await call_next(request)
        fault = plan.take_rest(request.method, _route(request.path))
        if fault is None:
            return await call_next(request)
        await asyncio.sleep(fault.latency)
        return _failed(fault) if fault.status else await call_next(request)

    return middleware


def _route(path: str) -> str:
    """Return the path below /api/v10 (or /api)."""
    rest = path.removeprefix(API)
    first, _, tail = rest.lstrip("/").partition("/")
    return f"/{tail}" if first[:1] == "v" and first[1:].isdecimal() else rest


def _failed(fault: RestFault) -> web.Response:
    headers = {"Via": "1.1 nescord-sandbox"}
    if fault.status == 429:
        headers |= {"Retry-After": str(max(1, round(fault.retry_after))), "X-RateLimit-Scope": "user"}
        body = {"message": "You are being rate limited.", "retry_after": fault.retry_after, "global": False}
        return web.json_response({**body, "code": 0}, status=429, headers=headers)
    return web.json_response(
        {"message": f"{fault.status}: injected by the sandbox", "code": 0},
        status=fault.status,
        headers=headers,
    )
