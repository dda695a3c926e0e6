"""The answers that the proxy gives in its own name, in the shape of Discord's."""

from __future__ import annotations

import json
import math
from typing import Any

from aiohttp import web

from nescord_core.ratelimit.tickets import Refusal

__all__ = ["error", "refused", "success"]

VIA = "1.1 nescord"


def success(content: Any, *, status: int = 200) -> web.Response:
    """Answer one of the proxy's own routes."""
    return web.Response(status=status, body=json.dumps(content).encode(), content_type="application/json")


def error(
    status: int, message: str, *, code: int = 0, retry_after: float | None = None, close: bool = False
) -> web.Response:
    """Answer with Discord's shape of an error; ``retry_after`` in seconds."""
    content: dict[str, Any] = {"message": message, "code": code}
    headers = {"X-Nescord-Error": "1"}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    if status == 429:
        wait = retry_after or 1.0
        content = {"message": message, "retry_after": round(wait, 3), "global": True}
        # Clients take a 429 without Via for a ban by the front and give up.
        headers.update({"Via": VIA, "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"})
    response = web.Response(
        status=status, body=json.dumps(content).encode(), content_type="application/json", headers=headers
    )
    if close:
        response.force_close()
    return response


def refused(refusal: Refusal) -> web.Response:
    """Answer a request that the limiter does not let go."""
    return error(refusal.status, refusal.message, code=refusal.code, retry_after=refusal.retry_after)
