"""Middleware that fails or delays REST requests, as the plan of faults says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from nescord_core.sandbox.faults import FaultPlan, RestFault

__all__ = ["inject_rest_faults", "route_of"]

API = "/api"

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
