"""Responses of Discord: as httptools parses them, and the plain ones, which need less.

A response is plain if all of it has arrived at once, its length is stated or it is chunked, and it says
nothing about the connection. Its headers are then filtered by their names and passed on as bytes.
Whatever is peculiar is left to httptools, which decides whether it is valid.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy

from nescord_core.rest.proxy.body_stream import BodyStream
from nescord_core.rest.proxy.forwarded_headers import HeaderRule, rule_for

__all__ = ["PlainResponse", "UpstreamResponse", "plain_response"]


class UpstreamResponse(NamedTuple):
    """The response, byte for byte. Times are on the loop's clock; ``sent_at`` is when the request was sent.

    ``rest`` is what follows ``body`` if that is large.
    """

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    body: bytes
    sent_at: float
    received_at: float
    rest: BodyStream | None = None


class PlainResponse(NamedTuple):
    """A complete response. ``passed`` are the lines of its head that are for the caller, unchanged.

    ``limits`` has the values of the rate limit headers by their usual spelling, and ``replaced`` the lines of
    those that are not passed on as they are.
    """

    status: int
    lines: list[bytes]
    passed: list[bytes]
    limits: dict[str, bytes]
    replaced: list[bytes]
    body: bytes

    def with_headers(self, sent_at: float, received_at: float) -> UpstreamResponse:
        """Return the same response with all headers, as httptools would have parsed it."""
        headers: CIMultiDict[str] = CIMultiDict()
        for line in self.lines[1:]:
            name, _, value = line.partition(b":")
            headers.add(name.decode("latin-1"), value.strip(b" \t").decode("utf-8", "surrogateescape"))
        reason = self.lines[0].partition(b" ")[2].partition(b" ")[2].decode("latin-1")
        return UpstreamResponse(
            self.status, reason, CIMultiDictProxy(headers), self.body, sent_at, received_at
        )


class _Field(NamedTuple):
    """What is done with a header, by its name; ``limit`` is its usual spelling if the limiter reads it."""

    use: int
    name: str
    limit: str


_PASSED, _REPLACED, _DROPPED, _FRAMING = range(4)
_READ = {
    name.lower(): name
    for name in (
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "X-RateLimit-Reset-After",
        "X-RateLimit-Bucket",
    )
}
_OF_FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "upgrade"})
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5]\d\d) [\t -~\x80-\xff]*")
_CONTROLS = bytes(code for code in (*range(32), 127) if code not in b"\t\r\n")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_NO_CONTENT, _NOT_MODIFIED = 204, 304
_MOST_DIGITS = 12


def plain_response(data: bytes, most: int) -> PlainResponse | None:
    """Return the response that is all of ``data``, None if it is not plain or its body exceeds ``most``."""
    end = data.find(b"\r\n\r\n")
    head = data[:end]
    lines = head.split(b"\r\n")
    status = _status_of(lines[0])
    if end < 0 or not status or not _is_text(head, len(lines) - 1):
        return None
    passed: list[bytes] = []
    replaced: list[bytes] = []
    limits: dict[str, bytes] = {}
    framing: dict[str, bytes] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        field = _field(name)
        if field is None or not colon:
            return None
        use, name_of_field, limit = field
        if use == _PASSED:
            passed.append(line)
        elif use == _REPLACED:
            replaced.append(line)
        elif use == _FRAMING and framing.setdefault(name_of_field, value) is not value:
            return None
        if limit:
            limits.setdefault(limit, value.strip(b" \t"))
    body = _body(data, end + 4, status, framing)
    if body is None or len(body) > most:
        return None
    return PlainResponse(status, lines, passed, limits, replaced, body)


def _is_text(head: bytes, breaks: int) -> bool:
    """Return whether a head has as many line ends as lines, and no control characters besides."""
    return (
        head.count(b"\n") == breaks
        and head.count(b"\r") == breaks
        and len(head.translate(None, _CONTROLS)) == len(head)
    )


@lru_cache(maxsize=1024)
def _field(name: bytes) -> _Field | None:
    """Return what is done with a header, None if httptools has to decide whether it is one."""
    if not _TOKEN.fullmatch(name):
        return None
    low = name.decode().lower()
    limit = _READ.get(low, "")
    if low in _OF_FRAMING:
        return _Field(_FRAMING, low, limit)
    match rule_for(low):
        case HeaderRule.PASSES:
            return _Field(_PASSED, low, limit)
        case HeaderRule.LIMIT:
            return _Field(_REPLACED, low, limit)
        case _:
            return _Field(_DROPPED, low, limit)


@lru_cache(maxsize=256)
def _status_of(line: bytes) -> int:
    """Return the status of a status line; 0 for those that are not plain."""
    found = _STATUS.fullmatch(line)
    status = int(found[1]) if found is not None else 0
    return 0 if status == _NOT_MODIFIED else status


def _body(data: bytes, start: int, status: int, framing: dict[str, bytes]) -> bytes | None:
    """Return the body, which begins at ``start``; None if it is incomplete or not plain (RFC 9112, 6.3)."""
    if (
        framing.get("connection", b"keep-alive").strip(b" \t").lower() != b"keep-alive"
        or "upgrade" in framing
    ):
        return None
    length, coding = framing.get("content-length"), framing.get("transfer-encoding")
    if coding is not None:
        is_chunked = coding.strip(b" \t").lower() == b"chunked"
        return _unchunked(data, start) if is_chunked and length is None and status != _NO_CONTENT else None
    if length is None:
        return b"" if status == _NO_CONTENT and len(data) == start else None
    digits = length.strip(b" \t")
    if not digits.isdigit() or len(digits) > _MOST_DIGITS or int(digits) != len(data) - start:
        return None
    return None if status == _NO_CONTENT and len(data) != start else data[start:]


def _unchunked(data: bytes, at: int) -> bytes | None:
    """Return the body of complete chunks without extensions and trailers (RFC 9112, 7.1)."""
    chunks: list[bytes] = []
    while (found := _CHUNK_SIZE.match(data, at)) is not None:
        start, size = found.end(), int(found[1], 16)
        at = start + size + 2
        if data[at - 2 : at] != b"\r\n":
            return None
        if not size:
            return b"".join(chunks) if at == len(data) else None
        chunks.append(data[start : start + size])
    return None
