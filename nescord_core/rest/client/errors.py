"""Converts Discord's error responses to exceptions, and masks tokens in paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from nescord_core import errors

__all__ = ["error_of", "mask"]

# Webhook and interaction tokens are part of the path, and are as good as a password.
_TOKEN = re.compile(r"(/(?:webhooks|interactions)/[^/?]+)/(?!github\b|slack\b)[^/?]+")
_BY_STATUS: Mapping[int, type[errors.DiscordHTTPError]] = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
}


def mask(path: str) -> str:
    """Replace the token in a webhook's or interaction's path."""
    return _TOKEN.sub(r"\1/***", path)


def error_of(
    status: int, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> errors.DiscordHTTPError:
    """Return the exception for a response with status 400 or higher.

    If the body is not Discord's JSON (such as an HTML error page), code and message stay empty.
    """
    content = _json_object(body)
    facts: dict[str, Any] = {
        "status": status,
        "method": method,
        "path": mask(path),
        "code": content.get("code") if isinstance(content.get("code"), int) else 0,
        "message": str(content.get("message", "")),
        "errors": content.get("errors") if isinstance(content.get("errors"), dict) else None,
    }
    if status == 429:
        wait = max(_seconds(content.get("retry_after")), _seconds(headers.get("Retry-After")))
        scope = headers.get("X-RateLimit-Scope") or ("global" if content.get("global") else "user")
        return errors.RateLimited(retry_after=wait, scope=scope, **facts)
    if status >= 500:
        return errors.DiscordServerError(**facts)
    return _BY_STATUS.get(status, errors.DiscordHTTPError)(**facts)


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return content if isinstance(content, dict) else {}


def _seconds(value: Any) -> float:
    try:
        return max(float(value), 0.0)
    except (TypeError, ValueError):
        return 0.0
