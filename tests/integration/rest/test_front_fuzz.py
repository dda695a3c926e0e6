"""Bytes that nobody meant, thrown at the proxy's front: it stays up, says why, and gives no token away.

NESCORD_FUZZ_SECONDS sets how long (default 4), NESCORD_FUZZ_SEED the seed (default 1).
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from pathlib import Path

import pytest

from support.fake_discord import TOKEN, FakeDiscord
from support.running_proxy import Running, running_proxy

SECONDS = float(os.environ.get("NESCORD_FUZZ_SECONDS", "4"))
SEED = int(os.environ.get("NESCORD_FUZZ_SEED", "1"))
AT_ONCE = 8
PATIENCE = 10.0
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
MEANT = {502, 503, 504}
"""What the proxy may say of a Discord that did not answer; 500 would be a fault of its own."""

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
    """Return one or a few requests, mostly close to right, some mutated byte by byte."""
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


async def throw(proxy: Running, chance: random.Random, until: float) -> int:
    thrown = 0
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        data = garbled(chance)
        received = await proxy.raw(data, wait=0.05)
        thrown += 1
        for status in STATUS.findall(received):
            assert int(status) < 500 or int(status) in MEANT, (data, received)
        assert TOKEN.encode() not in received, data
    return thrown


async def test_nothing_that_is_sent_breaks_the_front(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake, max_body_mb=1, request_timeout=2.0) as proxy:
        until = asyncio.get_running_loop().time() + SECONDS
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(throw(proxy, random.Random(f"{SEED}-{number}"), until))
                for number in range(AT_ONCE)
            ]
        assert sum(task.result() for task in tasks) > AT_ONCE
        async with asyncio.timeout(PATIENCE):
            await settled(proxy)
            answer = await proxy.call("GET", "/channels/5")
        assert answer.status == 200, answer.body
    assert TOKEN not in caplog.text
    assert all(seen.path.startswith("/api/") for seen in fake.seen), "nothing left the API's paths"


async def settled(proxy: Running) -> None:
    """Wait until no slot is held by callers that are gone."""
    while b'"in_flight": 0' not in (await proxy.call("GET", "/healthz")).body:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
