"""An outgoing response: HTTP/1.1, framed by its length or, if that is unknown, in chunks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from nescord_core.rest.proxy.body_stream import BodyStream

__all__ = ["BODILESS", "CONTINUE", "LAST_CHUNK", "EncodedResponse", "Response", "chunk", "encode"]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
BODILESS = frozenset({204, 304})


class Response(NamedTuple):
    """``headers`` are without hop-by-hop ones. ``close`` ends the connection after it.

    ``rest`` is what follows ``body``.
    """

    status: int
    reason: str
    headers: Iterable[tuple[str, str]]
    body: bytes = b""
    close: bool = False
    rest: BodyStream | None = None

    def is_chunked(self, *, is_old: bool) -> bool:
        """Whether its length is unknown; for HTTP/1.0 the end of the connection then ends it."""
        return self.rest is not None and self.rest.length is None and not is_old


class EncodedResponse(NamedTuple):
    """A response to a request by HTTP/1.1, other than HEAD: its head without the last line ends, its body."""

    head: bytes
    body: bytes

    def encode(self, *, keep_alive: bool) -> bytes:
        """Return the bytes to send."""
        ending = b"\r\n\r\n" if keep_alive else b"\r\nConnection: close\r\n\r\n"
        return self.head + ending + self.body


def chunk(data: bytes) -> bytes:
    """Frame a piece of a body of unknown length (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def encode(answer: Response, *, is_head: bool, keep_alive: bool, is_old: bool) -> bytes:
    """Return the bytes to send; ``is_old`` is an HTTP/1.0 caller, which needs an explicit keep-alive."""
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    has_length = False
    for name, value in answer.headers:
        lines.append(f"{name}: {value}")
        has_length = has_length or (is_head and name.lower() == "content-length")
    body = answer.body
    if answer.rest is not None:
        if answer.rest.length is not None:
            lines.append(f"Content-Length: {answer.rest.length}")
        elif not is_old:
            lines.append("Transfer-Encoding: chunked")
            body = chunk(body)
    elif answer.status not in BODILESS and not has_length:
        lines.append(f"Content-Length: {len(body)}")
    if not keep_alive:
        lines.append("Connection: close")
    elif is_old:
        lines.append("Connection: keep-alive")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
    return head if is_head or answer.status in BODILESS else head + body
