"""Responses for callers as bytes, made of the bytes that Discord sent."""

from __future__ import annotations

import time

from nescord_core.rest.proxy.cache.cache import CacheAnswer
from nescord_core.rest.proxy.forwarded_headers import PRESENTED_LIMIT, for_caller
from nescord_core.rest.proxy.server.response import BODILESS, EncodedResponse
from nescord_core.rest.proxy.upstream.response import PlainResponse

__all__ = ["cached_answer", "reply_of"]

_PRESENTED = (
    f"X-RateLimit-Limit: {PRESENTED_LIMIT}\r\nX-RateLimit-Remaining: {PRESENTED_LIMIT - 1}\r\n"
    "X-RateLimit-Reset-After: 0.001\r\nX-RateLimit-Reset: "
).encode()
_RENAMED = b"X-Nescord-"
"""In place of X-: Discord's values are passed on under another name."""
_MARKS = {mark: f"\r\nX-Nescord-Cache: {mark}".encode() for mark in ("hit", "miss", "bypass")} | {"": b""}


def reply_of(reply: PlainResponse, mark: str) -> EncodedResponse:
    """Return a response, other than a 429, for its caller; see `forwarded_headers.for_caller`."""
    status, lines, passed, limits, replaced, body = reply
    parts = [lines[0], *passed]
    if "X-RateLimit-Limit" in limits:
        parts += [_RENAMED + line[2:] for line in replaced]
        parts.append(_PRESENTED + b"%.3f" % (time.time() + 0.001))
    else:
        parts += replaced
    if status not in BODILESS:
        parts.append(b"Content-Length: %d" % len(body))
    return EncodedResponse(b"\r\n".join(parts) + _MARKS[mark], body)


def cached_answer(reply: PlainResponse) -> CacheAnswer:
    """Return a response as the cache keeps it."""
    whole = reply.with_headers(0.0, 0.0)
    return CacheAnswer(
        whole.status, whole.reason, for_caller(whole.headers, status=whole.status).items(), whole.body
    )
