"""Parses an answer's rate-limit headers and body; tolerates missing or malformed values."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["READ_BODIES", "Answer", "BodyFacts", "Scope", "Window", "read", "read_settled"]

LONGEST_WAIT = 24 * 3600.0
"""A value above a day, in seconds, is malformed."""


class Scope(enum.Enum):
    """Scope of a 429: the bot, all routes, or a resource shared with other bots."""

    USER = "user"
    GLOBAL = "global"
    SHARED = "shared"


READ_BODIES = frozenset({401, 403, 404, 429})
"""Statuses of responses whose body the limiter has to see."""


class BodyFacts(NamedTuple):
    """The fields of a JSON body that the limiter uses; ``is_json`` is false for any other body."""

    is_json: bool = False
    retry_after: float | None = None
    is_global: bool = False
    code: int = 0


class Window(NamedTuple):
    """A complete set of bucket headers, in seconds. ``reset`` is by Discord's clock (None if absent)."""

    limit: int
    remaining: int
    reset_after: float
    reset: float | None = None
    bucket: str = ""


class Answer(NamedTuple):
    """The facts of one answer that the limiter uses."""

    status: int
    window: Window | None = None
    scope: Scope = Scope.USER
    retry_after: float | None = None
    is_ban: bool = False
    code: int = 0
    remaining: int | None = None


def read(status: int, headers: Mapping[str, str], body: BodyFacts | None = None) -> Answer:
    """Parse an answer's headers (``headers`` must ignore case) and, for errors, the facts of its body."""
    window = _window(headers)
    if status != 429:
        return Answer(status, window, code=body.code if body else 0)
    facts = body or BodyFacts()
    waits = [w for w in (_number(headers.get("Retry-After")), _bounded(facts.retry_after)) if w is not None]
    return Answer(
        status,
        window,
        scope=_scope(headers, facts),
        # The larger of the two counts; they have been seen to differ widely.
        retry_after=max(waits, default=None),
        is_ban=_is_ban(headers, facts),
        code=facts.code,
        remaining=window.remaining if window else _count(headers.get("X-RateLimit-Remaining")),
    )


def read_settled(status: int, limits: Mapping[str, bytes]) -> Answer:
    """Parse the headers of an answer whose body does not matter: as bytes, by their usual spelling."""
    return Answer(status, _window(limits))


def _window(headers: Mapping[str, str] | Mapping[str, bytes]) -> Window | None:
    limit = _count(headers.get("X-RateLimit-Limit"))
    if not limit:
        return None
    remaining = _count(headers.get("X-RateLimit-Remaining"))
    reset_after = _number(headers.get("X-RateLimit-Reset-After"))
    if remaining is None or reset_after is None:
        return None
    bucket = headers.get("X-RateLimit-Bucket") or ""
    return Window(
        limit,
        min(remaining, limit),
        reset_after,
        _finite(headers.get("X-RateLimit-Reset")),
        bucket if isinstance(bucket, str) else bucket.decode("utf-8", "surrogateescape"),
    )


def _is_ban(headers: Mapping[str, str], facts: BodyFacts) -> bool:
    """Return whether a 429 is a ban by Cloudflare: not JSON, without a time, or without a Via header.

    Rate-limit headers prove that the API itself answered.
    """
    if not facts.is_json:
        return True
    if "X-RateLimit-Scope" in headers or "X-RateLimit-Bucket" in headers:
        return False  # also if the time in its body is none that can be meant
    return facts.retry_after is None or "Via" not in headers


def _scope(headers: Mapping[str, str], facts: BodyFacts) -> Scope:
    if facts.is_global or "X-RateLimit-Global" in headers:
        return Scope.GLOBAL
    try:
        return Scope(headers.get("X-RateLimit-Scope", "user").lower())
    except ValueError:
        return Scope.USER


def _finite(text: str | bytes | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -math.inf < value < math.inf else None


def _number(text: str | bytes | None) -> float | None:
    return _bounded(_finite(text))


def _bounded(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= LONGEST_WAIT else None


def _count(text: str | bytes | None) -> int | None:
    value = _number(text)
    return None if value is None else int(value)
