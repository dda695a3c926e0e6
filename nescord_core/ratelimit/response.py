"""What an answer says about limits: read from headers and body, forgiving whatever is absent or garbled."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Answer", "BodyFacts", "Scope", "Window", "read"]

LONGEST_WAIT = 24 * 3600.0
"""More than a day is not a wait but a garbled number."""


class Scope(enum.Enum):
    """Whom a 429 is about."""

    USER = "user"
    GLOBAL = "global"
    SHARED = "shared"


class BodyFacts(NamedTuple):
    """What the limiter wants of a JSON body; `is_json` is false for anything else."""

    is_json: bool = False
    retry_after: float | None = None
    is_global: bool = False
    code: int = 0


class Window(NamedTuple):
    """A complete set of bucket headers. ``reset`` is Discord's clock (absent: None), the rest in seconds."""

    limit: int
    remaining: int
    reset_after: float
    reset: float | None = None
    bucket: str = ""


class Answer(NamedTuple):
    """One answer as the limiter sees it."""

    status: int
    window: Window | None = None
    scope: Scope = Scope.USER
    retry_after: float | None = None
    is_ban: bool = False
    code: int = 0
    remaining: int | None = None


def read(status: int, headers: Mapping[str, str], body: BodyFacts | None = None) -> Answer:
    """Read an answer's headers (``headers`` must ignore case) and, for errors, the facts of its body."""
    window = _window(headers)
    if status != 429:
        return Answer(status, window, code=body.code if body else 0)
    facts = body or BodyFacts()
    waits = [w for w in (_number(headers.get("Retry-After")), _bounded(facts.retry_after)) if w is not None]
    return Answer(
        status,
        window,
        scope=_scope(headers, facts),
        # The larger of the two decides; they have been seen to differ widely.
        retry_after=max(waits, default=None),
        is_ban=_is_ban(headers, facts),
        code=facts.code,
        remaining=window.remaining if window else _count(headers.get("X-RateLimit-Remaining")),
    )


def _window(headers: Mapping[str, str]) -> Window | None:
    limit = _count(headers.get("X-RateLimit-Limit"))
    if not limit:
        return None
    remaining = _count(headers.get("X-RateLimit-Remaining"))
    reset_after = _number(headers.get("X-RateLimit-Reset-After"))
    if remaining is None or reset_after is None:
        return None
    return Window(
        limit,
        min(remaining, limit),
        reset_after,
        _finite(headers.get("X-RateLimit-Reset")),
        headers.get("X-RateLimit-Bucket", ""),
    )


def _is_ban(headers: Mapping[str, str], facts: BodyFacts) -> bool:
    """The front's bans are not JSON, or name no time, or did not come Via the API's own proxy.

    Rate-limit headers are proof enough that the API itself answered.
    """
    if not facts.is_json or facts.retry_after is None:
        return True
    return not ("Via" in headers or "X-RateLimit-Scope" in headers or "X-RateLimit-Bucket" in headers)


def _scope(headers: Mapping[str, str], facts: BodyFacts) -> Scope:
    if facts.is_global or "X-RateLimit-Global" in headers:
        return Scope.GLOBAL
    try:
        return Scope(headers.get("X-RateLimit-Scope", "user").lower())
    except ValueError:
        return Scope.USER


def _finite(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _number(text: str | None) -> float | None:
    return _bounded(_finite(text))


def _bounded(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= LONGEST_WAIT else None


def _count(text: str | None) -> int | None:
    value = _number(text)
    return None if value is None else int(value)
