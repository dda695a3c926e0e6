"""The bytes of HTTP/2 and gRPC, by hand: a client library refuses to send most of what a test needs.

https://www.rfc-editor.org/rfc/rfc9113#section-4, https://www.rfc-editor.org/rfc/rfc7541#section-6.2.2
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

__all__ = [
    "DATA",
    "END_HEADERS",
    "END_STREAM",
    "HEADERS",
    "PREFACE",
    "SETTINGS",
    "call",
    "frame",
    "header_block",
]
__all__ += ["message", "settings"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(**values: int) -> bytes:
    """Return a SETTINGS frame; the keys are ``s`` and the number of a setting."""
    return frame(
        SETTINGS, 0, 0, b"".join(struct.pack(">HI", int(key[1:]), each) for key, each in values.items())
    )


def header_block(fields: Iterable[tuple[str, str]]) -> bytes:
    """Encode headers as literals that are neither indexed nor compressed."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)


def call(
    path: str, stream: int = 1, *, flags: int = END_HEADERS, more: Iterable[tuple[str, str]] = ()
) -> bytes:
    """Return the HEADERS frame that starts a gRPC call."""
    fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "x"),
        ("te", "trailers"),
    ]
    return frame(HEADERS, flags, stream, header_block([*fields, ("content-type", "application/grpc"), *more]))


def message(data: bytes, stream: int = 1) -> bytes:
    """Return the DATA frames of one gRPC message."""
    whole = b"\0" + struct.pack(">I", len(data)) + data
    return b"".join(frame(DATA, 0, stream, whole[at : at + 16_384]) for at in range(0, len(whole), 16_384))


def _text(text: str) -> bytes:
    data = text.encode("latin-1")
    return _integer(len(data)) + data


def _integer(value: int) -> bytes:
    """Encode an integer with a prefix of 7 bits (RFC 7541, 5.1)."""
    if value < 127:
        return bytes([value])
    parts, value = [127], value - 127
    while value >= 128:
        parts.append(value % 128 + 128)
        value //= 128
    return bytes([*parts, value])
