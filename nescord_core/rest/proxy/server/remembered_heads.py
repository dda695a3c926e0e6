"""Remembers the headers of requests: a client sends the same ones, byte for byte, with most requests.

httptools and the parser's checks decide what is valid. What they have accepted once, with its body's length,
is recognised by its bytes from then on, so that only the request line is left to read. Anything that concerns
the connection or arrives in pieces goes to httptools each time.
"""

from __future__ import annotations

import re
from functools import lru_cache

from multidict import CIMultiDict, CIMultiDictProxy

__all__ = ["CallerHeaders", "RememberedHeads", "request_line"]

MOST_HEADS = 1024
LONGEST_HEAD = 4096
"""Bytes of the headers that are remembered, and of a request line that is read here."""
MOST_LINES = 2048
_LINE = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) (/[!-~]*) HTTP/1\.1")
_PER_MESSAGE = ("Transfer-Encoding", "Upgrade", "Expect", "Trailer", "TE", "Proxy-Connection", "traceparent")
"""Headers with which a request is never recognised: about its framing, or different each time."""


class CallerHeaders:
    """Headers that several requests have in common. ``length`` is the body's in bytes, 0 without one.

    They are compared by identity: what depends on them alone can be kept by this object.
    """

    __slots__ = ("headers", "length")

    def __init__(self, headers: CIMultiDict[str], length: int) -> None:
        self.headers = CIMultiDictProxy(headers)
        self.length = length


class RememberedHeads:
    """The latest headers of all connections, by their bytes: up to `MOST_HEADS`, of `LONGEST_HEAD` each."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, CallerHeaders] = {}

    def find(self, block: bytes) -> CallerHeaders | None:
        """Return the headers of a block: everything between a request line and the body."""
        return self._known.get(block)

    def add(self, message: bytes, headers: CIMultiDict[str] | CIMultiDictProxy[str]) -> None:
        """Remember the headers of a complete message that has been parsed as valid, if they may be."""
        line, _, rest = message.partition(b"\r\n")
        block, _, body = rest.partition(b"\r\n\r\n")
        if len(block) > LONGEST_HEAD or request_line(line) is None or not _may_recur(block, headers):
            return
        if str(len(body)) != headers.get("Content-Length", "0"):
            return
        self._known[block] = CallerHeaders(CIMultiDict(headers), len(body))
        if len(self._known) > MOST_HEADS:
            del self._known[next(iter(self._known))]


@lru_cache(maxsize=MOST_LINES)
def request_line(line: bytes) -> tuple[str, str] | None:
    """Return the method and target of a request line without any peculiarity."""
    found = _LINE.fullmatch(line) if len(line) <= LONGEST_HEAD else None
    return None if found is None else (found[1].decode(), found[2].decode())


def _may_recur(block: bytes, headers: CIMultiDict[str] | CIMultiDictProxy[str]) -> bool:
    if block.count(b"\n") != block.count(b"\r\n") or block.count(b"\r") != block.count(b"\r\n"):
        return False
    if any(name in headers for name in _PER_MESSAGE) or len(headers.getall("Content-Length", ())) > 1:
        return False
    return headers.get("Connection", "keep-alive").lower() == "keep-alive"
