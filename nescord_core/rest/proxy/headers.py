"""Which headers pass, in both directions.

Hop-by-hop headers stay on their hop (RFC 9110, 7.6.1); what belongs to the proxy itself stays here.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping
from functools import lru_cache

from multidict import CIMultiDict, CIMultiDictProxy

from nescord_core._version import USER_AGENT

__all__ = ["accept_encoding", "for_caller", "for_discord"]

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
OURS = frozenset({"host", "authorization", "content-length", "accept-encoding", "expect", "user-agent"})
READABLE = ("gzip", "deflate")
"""Codings in which the proxy itself can read an error's body."""
ROOM = 1000
"""Presented as limit: the caller's own limiter should leave the waiting to the proxy."""
TRUTH = {
    f"X-RateLimit-{last}": f"X-Nescord-RateLimit-{last}"
    for last in ("Limit", "Remaining", "Reset", "Reset-After")
}
"""Headers that are replaced, and under which name the caller finds what Discord said."""
LIMITS = frozenset(name.lower() for name in TRUTH)


def for_discord(
    headers: CIMultiDict[str] | CIMultiDictProxy[str], *, authorization: str | None, length: int | None
) -> CIMultiDict[str]:
    """Return the headers to send on; ``length`` is that of the body, None when there is none."""
    named = _named_by_connection(headers)
    passed: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        low = name.lower()
        if low in OURS or low in HOP_BY_HOP or low in named or low.startswith("x-nescord-"):
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
    """Return the codings that both the caller and the proxy can read."""
    wanted = headers.get("Accept-Encoding")
    return _readable_of(wanted) if wanted else "identity"


@lru_cache(maxsize=256)
def _readable_of(wanted: str) -> str:
    offered = {part.partition(";")[0].strip().lower() for part in wanted.split(",") if not _is_off(part)}
    if "*" in offered:
        return ", ".join(READABLE)
    return ", ".join(coding for coding in READABLE if coding in offered) or "identity"


def for_caller(headers: CIMultiDictProxy[str], *, status: int, is_head: bool = False) -> CIMultiDict[str]:
    """Return the headers of an answer as the caller gets them.

    Of the rate-limit headers a 429 keeps the truth. On any other answer they say that there is room: the
    proxy waits on behalf of all callers, and a caller that waits as well, or that sends one request at a time
    because a bucket looks small, only loses time. The truth is in ``X-Nescord-RateLimit-*``.
    """
    named = _named_by_connection(headers)
    makes_room = status != 429 and "X-RateLimit-Limit" in headers
    replaced = HeaderRule.LIMIT if makes_room else None
    length = None if is_head else HeaderRule.LENGTH
    stays = (HeaderRule.STAYS, replaced, length)
    passed = [
        (name, value)
        for name, value in headers.items()
        if _rule_for(name) not in stays and not (named and name.lower() in named)
    ]
    if makes_room:
        passed += _room(headers)
    return CIMultiDict(passed)


class HeaderRule(enum.Enum):
    """What becomes of a header of Discord's."""

    PASSES = "goes to the caller"
    STAYS = "belongs to the hop, or would be taken for one of ours"
    LENGTH = "is the proxy's own, but for a HEAD"
    LIMIT = "is replaced by one that says that there is room"


@lru_cache(maxsize=1024)
def _rule_for(name: str) -> HeaderRule:
    low = name.lower()
    if low in HOP_BY_HOP or low.startswith("x-nescord-"):
        return HeaderRule.STAYS
    if low == "content-length":
        return HeaderRule.LENGTH
    return HeaderRule.LIMIT if low in LIMITS else HeaderRule.PASSES


def _room(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        *((ours, headers[name]) for name, ours in TRUTH.items() if name in headers),
        ("X-RateLimit-Limit", str(ROOM)),
        ("X-RateLimit-Remaining", str(ROOM - 1)),
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
