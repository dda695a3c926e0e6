"""Reads the control API's JSON bodies and parameters, and turns errors into JSON."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from nescord_core.sandbox.faults import FaultError
from nescord_core.sandbox.gateway.event_filter import encode
from nescord_core.sandbox.json_decoding import InvalidJson, decode_json
from nescord_core.sandbox.world.lookup import ActionError

__all__ = [
    "Endpoint",
    "json_response",
    "path_arguments",
    "read_body",
    "read_number",
    "read_seconds",
    "with_json_errors",
]

MAX_DIGITS = 20
"""Digits of a number; the largest id has 20."""
MAX_WAIT = 120.0
"""Seconds that one call may wait."""

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


def with_json_errors(answer: Endpoint) -> Endpoint:
    """Return the endpoint with its errors answered as ``{"error": sentence}``."""

    async def answering(request: web.Request) -> web.StreamResponse:
        try:
            return await answer(request)
        except ActionError as error:
            body = {"error": str(error), **({"code": error.code} if error.code else {})}
            return json_response(body, status=error.status)
        except FaultError as error:
            return json_response({"error": str(error)}, status=400)

    return answering


def json_response(value: Any, *, status: int = 200) -> web.Response:
    """Return a JSON response."""
    return web.Response(body=encode(value), status=status, content_type="application/json")


async def read_body(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of the body; an empty body is an empty object. Raises ActionError."""
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        body = decode_json(raw)
    except InvalidJson as error:
        raise ActionError(f"The body is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise ActionError("The body must be a JSON object.")
    return body


def path_arguments(request: web.Request) -> dict[str, str]:
    """Return the values in the path."""
    return dict(request.match_info)


def read_number(raw: str, name: str) -> int:
    """Return a query parameter as a whole number. Raises ActionError."""
    if not raw.isascii() or not raw.isdecimal() or len(raw) > MAX_DIGITS:
        raise ActionError(f"{name} must be a whole number, not {raw!r}.")
    return int(raw)


def read_seconds(raw: Any) -> float:
    """Return the seconds that a call shall wait, at most `MAX_WAIT`. Raises ActionError."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw <= MAX_WAIT:
        raise ActionError(f"A wait must be from 0 to {MAX_WAIT:.0f} seconds, not {raw!r}.")
    return float(raw)
