"""Generates random requests: some valid, most nearly valid, some with mutated bytes."""

from __future__ import annotations

import random

__all__ = ["garbled", "request"]

METHODS = [
    b"GET",
    b"POST",
    b"PUT",
    b"PATCH",
    b"DELETE",
    b"HEAD",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"FOO",
    b"get",
]
PATHS = [
    b"/channels/1",
    b"/api/v10/channels/1/messages",
    b"/api/v99/guilds/2/members/3",
    b"/api//users/@me",
    b"/../../etc/passwd",
    b"/%2e%2e/%2f",
    b"http://example.invalid/api/v10/users/@me",
    b"//example.invalid/x",
    b"/webhooks/1/secret-part/messages/2",
    b"/interactions/1/aW50ZXJhY3Rpb24x/callback",
    b"/nescord/invalidate",
    b"/nescord/unlock",
    b"/nescord/nothing",
    b"/metrics",
    b"/healthz?x=\xff\xfe",
    b"*",
    b"",
    b"/" + b"a" * 9000,
    b"/channels/" + b"9" * 400,
    b"/x?" + b"&".join(b"a=%00" for _ in range(50)),
]
HEADERS = [
    b"Host: a",
    b"Host: a\r\nHost: b",
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 99999999999999999999",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Content-Length: 4\r\nTransfer-Encoding: chunked",
    b"Connection: close, X-A, Authorization",
    b"Connection: Upgrade\r\nUpgrade: h2c",
    b"Expect: 100-continue",
    b"Expect: nonsense",
    b"Content-Encoding: gzip",
    b"Authorization: Bearer \xc3\xa9",
    b"Authorization: Bot other",
    b"X-Nescord-Priority: x",
    b"X-Nescord-Priority: bulk",
    b"X-Nescord-Deadline: nan",
    b"X-Nescord-Deadline: 1",
    b"X-Audit-Log-Reason: %0d%0aX: y",
    b"X-Long: " + b"b" * 7000,
    b"No colon here",
    b" folded: yes",
    b"X-Null: \x00",
    b"Origin: http://evil.invalid",
    b"Cookie: a=b",
    b"Range: bytes=0-1",
    b"Cache-Control: no-cache",
]
BODIES = [
    b"",
    b"hello",
    b"{}",
    b'{"items": [{"kind": 5}]}',
    b'{"items": [{"kind": "all"}], "link": {"bot": "x", "shards": [1e400], "shard_count": 1}}',
    b"[" * 5000,
    b"5\r\nhello\r\n0\r\n\r\n",
    b"zz\r\n",
    b"ffffffffffffffff\r\n",
    b"5;" + b"x" * 3000 + b"\r\nhello\r\n0\r\n\r\n",
    bytes(range(256)),
]


def garbled(chance: random.Random) -> bytes:
    """Return one or a few requests, mostly nearly valid, some mutated byte by byte."""
    requests = b"".join(request(chance) for _ in range(chance.choice([1, 1, 1, 2, 3])))
    if chance.random() < 0.4:
        data = bytearray(requests)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 20)]
                case _:
                    data[at:at] = chance.randbytes(chance.randint(1, 8))
            if not data:
                return b"\r\n"
        requests = bytes(data)
    return requests


def request(chance: random.Random) -> bytes:
    version = chance.choice([b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b""])
    line = b" ".join([chance.choice(METHODS), chance.choice(PATHS), version])
    headers = chance.sample(HEADERS, chance.randint(0, 4))
    if chance.random() < 0.8:
        headers.insert(0, b"Host: a")
    return b"\r\n".join([line, *headers, b"", chance.choice(BODIES)])
