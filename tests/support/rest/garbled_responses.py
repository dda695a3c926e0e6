"""Generates random responses of an upstream: valid, nearly valid, mutated, cut off."""

from __future__ import annotations

import random

__all__ = ["garbled_response", "response"]

STATUS_LINES = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 201 ",
    b"HTTP/1.1 200",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 404 Not\tFound",
    b"HTTP/1.1 999 Odd",
    b"HTTP/1.1 099 Odd",
    b"HTTP/1.1 100 Continue",
    b"HTTP/2 200 OK",
    b"HTTP/1.1  200 OK",
]
HEADERS = [
    b"Content-Type: application/json",
    b"content-type:text/plain",
    b"X-RateLimit-Limit: 5",
    b"x-ratelimit-remaining:  4 ",
    b"X-RateLimit-Reset-After: 1.5",
    b"X-RateLimit-Reset: nan",
    b"X-RateLimit-Bucket: \xc3\xa9",
    b"Set-Cookie: a=b",
    b"Set-Cookie: c=d",
    b"Connection: keep-alive",
    b"Connection: close",
    b"Connection: X-Hidden",
    b"X-Hidden: 1",
    b"Upgrade: h2c",
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Length: 5",
    b"Content-Length : 5",
    b"X Y: 1",
    b": empty",
    b"no colon",
    b" folded: 1",
    b"X-Control: a\x01b",
    b"X-Bare: a\rb",
    b"X-Feed: a\nb",
    b"X-Null: \x00",
    b"Trailer: X-Late",
    b"Via: 1.1 google",
]


def response(chance: random.Random, body: bytes) -> bytes:
    """Return a valid response with this body."""
    headers = [b"Content-Type: application/json", b"X-RateLimit-Limit: 5", b"Via: 1.1 google"]
    if chance.random() < 0.5:
        headers.append(b"Content-Length: %d" % len(body))
    else:
        headers.append(b"Transfer-Encoding: chunked")
        body = _chunked(chance, body)
    chance.shuffle(headers)
    return b"\r\n".join([b"HTTP/1.1 200 OK", *headers, b"", body])


def garbled_response(chance: random.Random) -> bytes:
    """Return one response, mostly nearly valid, some mutated byte by byte."""
    body = chance.choice([b"", b"hello", b'{"id": "1"}', b"0\r\n\r\n", bytes(range(256))])
    if chance.random() < 0.3:
        data = response(chance, body)
    else:
        headers = chance.sample(HEADERS, chance.randint(0, 4))
        framing = [
            b"Content-Length: %d" % len(body),
            b"Transfer-Encoding: chunked",
            b"Content-Length: 3",
            b"",
        ]
        headers.append(chance.choice(framing))
        lines = [chance.choice(STATUS_LINES), *(header for header in headers if header), b""]
        chunked = _chunked(chance, body) if b"Transfer-Encoding: chunked" in headers else body
        data = b"\r\n".join([*lines, chunked])
    if chance.random() < 0.4:
        data = _mutated(chance, data)
    return data


def _chunked(chance: random.Random, body: bytes) -> bytes:
    parts: list[bytes] = []
    while body:
        size = chance.randint(1, len(body))
        extension = b";x=1" if chance.random() < 0.1 else b""
        parts.append(b"%x%b\r\n%b\r\n" % (size, extension, body[:size]))
        body = body[size:]
    trailer = b"X-Late: 1\r\n" if chance.random() < 0.1 else b""
    return b"".join(parts) + b"0\r\n" + trailer + b"\r\n"


def _mutated(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed))
        match chance.randrange(3):
            case 0:
                changed[at] = chance.choice(b"\r\n\t :0159azAZ\x00\x7f\xff")
            case 1:
                del changed[at : at + chance.randint(1, 9)]
            case _:
                changed[at:at] = chance.choice([b"\r\n", b"\n", b" ", b"0", b"HTTP/1.1 200 OK\r\n\r\n"])
        if not changed:
            return b"\r\n"
    return bytes(changed)
