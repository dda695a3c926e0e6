"""An answer as it goes out: HTTP/1.1, length always known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["CONTINUE", "Outgoing", "encode"]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BODILESS = frozenset({204, 304})


class Outgoing(NamedTuple):
    """``headers`` without those of the hop. ``close`` ends the connection after it."""

    status: int
    reason: str
    headers: Iterable[tuple[str, str]]
    body: bytes = b""
    close: bool = False


def encode(answer: Outgoing, *, is_head: bool, keep_alive: bool, is_old: bool) -> bytes:
    """Return the bytes to send; ``is_old`` is a caller that speaks HTTP/1.0 and has to be told of both."""
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    has_length = False
    for name, value in answer.headers:
        lines.append(f"{name}: {value}")
        has_length = has_length or (is_head and name.lower() == "content-length")
    if answer.status not in BODILESS and not has_length:
        lines.append(f"Content-Length: {len(answer.body)}")
    if not keep_alive:
        lines.append("Connection: close")
    elif is_old:
        lines.append("Connection: keep-alive")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
    return head if is_head or answer.status in BODILESS else head + answer.body
