"""The answers that the proxy gives in its own name, in the shape of Discord's."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from nescord_core.ratelimit.tickets import Refusal
from nescord_core.rest.proxy.server.response import Response

__all__ = ["done", "error", "metrics", "refused", "success"]

VIA = "1.1 nescord"
JSON = "application/json"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""What Prometheus calls the format of its pages."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def success(content: Any, *, status: int = 200) -> Response:
    """Answer one of the proxy's own routes."""
    return _answer(status, {"Content-Type": JSON}, json.dumps(content).encode())


def error(
    status: int, message: str, *, code: int = 0, retry_after: float | None = None, close: bool = False
) -> Response:
    """Answer with Discord's shape of an error; ``retry_after`` in seconds."""
    content: dict[str, Any] = {"message": message, "code": code}
    headers = {"Content-Type": JSON, "X-Nescord-Error": "1"}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    if status == 429:
        wait = retry_after or 1.0
        content = {"message": message, "retry_after": round(wait, 3), "global": True}
        # Clients take a 429 without Via for a ban by the front and give up.
        headers.update({"Via": VIA, "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"})
    return _answer(status, headers, json.dumps(content).encode(), close=close)


def refused(refusal: Refusal) -> Response:
    """Answer a request that the limiter does not let go."""
    return error(refusal.status, refusal.message, code=refusal.code, retry_after=refusal.retry_after)


def done() -> Response:
    """Answer that something was done, and that there is nothing more to say."""
    return _answer(204, {}, b"")


def metrics(page: bytes) -> Response:
    """Answer with a page for Prometheus."""
    return _answer(200, {"Content-Type": TEXT}, page)


def _answer(status: int, headers: Mapping[str, str], body: bytes, *, close: bool = False) -> Response:
    return Response(status, HTTPStatus(status).phrase, (*headers.items(), ("Date", _date())), body, close)


def _date() -> str:
    """Return the time of day as HTTP writes it (RFC 9110, 5.6.7), whatever the locale."""
    now = time.gmtime()
    clock = time.strftime("%H:%M:%S", now)
    return f"{DAYS[now.tm_wday]}, {now.tm_mday:02} {MONTHS[now.tm_mon - 1]} {now.tm_year} {clock} GMT"
