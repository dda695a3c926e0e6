"""The proxy's own responses, in the format of Discord's."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from nescord_core.ratelimit.tickets import Refusal
from nescord_core.rest.proxy.server.response import Response

__all__ = ["error", "internal_error", "metrics", "no_content", "refused", "success"]

VIA = "1.1 nescord"
JSON = "application/json"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of Prometheus' text format."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def success(content: Any, *, status: int = 200) -> Response:
    """Return the response of one of the proxy's own routes."""
    return _answer(status, {"Content-Type": JSON}, json.dumps(content).encode())


def error(
    status: int, message: str, *, code: int = 0, retry_after: float | None = None, close: bool = False
) -> Response:
    """Return an error in Discord's format; ``retry_after`` is in seconds."""
    content: dict[str, Any] = {"message": message, "code": code}
    headers = {"Content-Type": JSON, "X-Nescord-Error": "1"}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    if status == 429:
        wait = retry_after or 1.0
        content = {"message": message, "retry_after": round(wait, 3), "global": True}
        # Clients take a 429 without Via for a ban by Cloudflare, and give up.
        headers.update({"Via": VIA, "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"})
    return _answer(status, headers, json.dumps(content).encode(), close=close)


def internal_error() -> Response:
    """Return the response for a failure of the proxy itself."""
    return error(500, "The proxy failed to handle this request; see its log.", close=True)


def refused(refusal: Refusal) -> Response:
    """Return the response for a request that the limiter refuses."""
    return error(refusal.status, refusal.message, code=refusal.code, retry_after=refusal.retry_after)


def no_content() -> Response:
    """Return an empty success."""
    return _answer(204, {}, b"")


def metrics(page: bytes) -> Response:
    """Return a page for Prometheus."""
    return _answer(200, {"Content-Type": TEXT}, page)


def _answer(status: int, headers: Mapping[str, str], body: bytes, *, close: bool = False) -> Response:
    return Response(status, HTTPStatus(status).phrase, (*headers.items(), ("Date", _date())), body, close)


def _date() -> str:
    """Return the current date in HTTP's format (RFC 9110, 5.6.7), whatever the locale."""
    now = time.gmtime()
    clock = time.strftime("%H:%M:%S", now)
    return f"{DAYS[now.tm_wday]}, {now.tm_mday:02} {MONTHS[now.tm_mon - 1]} {now.tm_year} {clock} GMT"
