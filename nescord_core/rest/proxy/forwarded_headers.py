"""Filters headers in both directions.

Hop-by-hop headers are not forwarded (RFC 9110, 7.6.1), nor are the proxy's own.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping
from functools import lru_cache

from multidict import CIMultiDict, CIMultiDictProxy

from nescord_core._version import USER_AGENT
from nescord_core.tracing.spans import CONTEXT_HEADERS

__all__ = ["HeaderRule", "accept_encoding", "for_caller", "for_discord", "rule_for"]

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    }
)
OWN_HEADERS = frozenset(
    {
        "host",
        "authorization",
        "content-length",
        "accept-encoding",
        "expect",
        "user-agent",
        "cookie",
        "cookie2",
        *CONTEXT_HEADERS,
    }
)
"""Set by the proxy or dropped. Callers share responses and connections, so cookies would be mixed up; the
context of a trace is none of Discord's business."""
READABLE = ("gzip", "deflate")
"""Content codings in which the proxy can read an error's body."""
PRESENTED_LIMIT = 1000
"""Presented as the limit, so that the caller's own limiter leaves the waiting to the proxy."""
ORIGINAL_NAMES = {
    f"X-RateLimit-{last}": f"X-Nescord-RateLimit-{last}"
    for last in ("Limit", "Remaining", "Reset", "Reset-After")
}
"""Replaced headers, and the names under which the caller gets Discord's values."""
LIMITS = frozenset(name.lower() for name in ORIGINAL_NAMES)


def for_discord(
    headers: CIMultiDict[str] | CIMultiDictProxy[str], *, authorization: str | None, length: int | None
) -> CIMultiDict[str]:
    """Return the headers to forward; ``length`` is the body's, None without a body."""
    named = _named_by_connection(headers)
    passed: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        low = name.lower()
        if low in OWN_HEADERS or low in HOP_BY_HOP or low in named or low.startswith("x-nescord-"):
            continue
        passed.add(name, value)
    passed["User-Agent"] = headers.get("User-Agent") or USER_AGENT
    passed["Accept-Encoding"] = accept_encoding(headers)
    if authorization:
        passed["Authorization"] = authorization
    if length is not None:
        passed["Content-Length"] = str(length)
    return passed


def accept_encoding(headers: Mapping[str, str]) -> str:
    """Return the content codings that both the caller and the proxy support."""
    wanted = headers.get("Accept-Encoding")
    return _readable_of(wanted) if wanted else "identity"


@lru_cache(maxsize=256)
def _readable_of(wanted: str) -> str:
    offered = {part.partition(";")[0].strip().lower() for part in wanted.split(",") if not _is_off(part)}
    if "*" in offered:
        return ", ".join(READABLE)
    return ", ".join(coding for coding in READABLE if coding in offered) or "identity"


def for_caller(headers: CIMultiDictProxy[str], *, status: int, is_head: bool = False) -> CIMultiDict[str]:
    """Return a response's headers for the caller.

    A 429 keeps Discord's rate limit headers. In other responses they claim that there is room: the proxy
    waits on behalf of all callers, so a caller that also waits, or sends one request at a time because a
    bucket looks small, only loses time. Discord's values are in ``X-Nescord-RateLimit-*``.
    """
    named = _named_by_connection(headers)
    presents_room = status != 429 and "X-RateLimit-Limit" in headers
    replaced = HeaderRule.LIMIT if presents_room else None
    length = None if is_head else HeaderRule.LENGTH
    stays = (HeaderRule.STAYS, replaced, length)
    passed = [
        (name, value)
        for name, value in headers.items()
        if rule_for(name) not in stays and not (named and name.lower() in named)
    ]
    if presents_room:
        passed += _presented_limits(headers)
    return CIMultiDict(passed)


class HeaderRule(enum.Enum):
    """What happens to one of Discord's headers."""

    PASSES = "is forwarded to the caller"
    STAYS = "is hop-by-hop, or could be taken for one of ours"
    LENGTH = "is set by the proxy, except for HEAD"
    LIMIT = "is replaced by one that claims there is room"


@lru_cache(maxsize=1024)
def rule_for(name: str) -> HeaderRule:
    """Return what happens to one of Discord's headers by its name."""
    low = name.lower()
    if low in HOP_BY_HOP or low.startswith("x-nescord-") or low in {"set-cookie", "set-cookie2"}:
        return HeaderRule.STAYS
    if low == "content-length":
        return HeaderRule.LENGTH
    return HeaderRule.LIMIT if low in LIMITS else HeaderRule.PASSES


def _presented_limits(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        *((ours, headers[name]) for name, ours in ORIGINAL_NAMES.items() if name in headers),
        ("X-RateLimit-Limit", str(PRESENTED_LIMIT)),
        ("X-RateLimit-Remaining", str(PRESENTED_LIMIT - 1)),
        ("X-RateLimit-Reset-After", "0.001"),
        ("X-RateLimit-Reset", f"{time.time() + 0.001:.3f}"),
    ]


def _is_off(part: str) -> bool:
    return part.replace(" ", "").lower().endswith((";q=0", ";q=0.0", ";q=0.00", ";q=0.000"))


def _named_by_connection(headers: Mapping[str, str]) -> frozenset[str] | set[str]:
    value = headers.get("Connection")
    if not value or value.lower() in {"keep-alive", "close"}:
        return frozenset()
    return {part.strip().lower() for part in value.split(",")}
