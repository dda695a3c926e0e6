"""A Discord whose answers are too long, too large or too slow, behind a real rest service."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from support.network.strangers import connect, say, statuses
from support.system.system import System
from support.system.under_attack import watched

MB = 1 << 20
OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS = {
    "endless-head": (OK, b"X-N: " + b"v" * 1000 + b"\r\n"),
    "endless-line": (OK + b"X-N: ", b"v" * 8000),
    "endless-trailer": (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-T: ", b"v" * 8000),
    "large": (OK + b"Content-Length: 1000000000000\r\n\r\n", bytes(MB)),
}
"""How some answers begin and go on."""
BUCKET = (
    "X-RateLimit-Bucket: b",
    "X-RateLimit-Limit: 1",
    "X-RateLimit-Remaining: 0",
    "X-RateLimit-Reset-After: 0.3",
)


def _bomb() -> bytes:
    deflate = zlib.compressobj(wbits=31)
    return deflate.compress(bytes(500 * MB)) + deflate.flush()


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Via: 1.1 google", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class OddDiscord:
    """Answers by the last segment of a path, of which ``requests`` counts each."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.connections = 0
        self.ended = 0
        self.bomb = _bomb()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                name = head.split(b" ")[1].decode().rpartition("/")[2]
                self.requests[name] += 1
                await self.reply(name, writer)
        self.ended += 1
        writer.close()

    async def reply(self, name: str, writer: asyncio.StreamWriter) -> None:
        if name in ENDLESS:
            start, part = ENDLESS[name]
            writer.write(start)
            while True:
                writer.write(part)
                await writer.drain()
        match name:
            case "bomb":
                writer.write(answer("404 Not Found", self.bomb, "Content-Encoding: gzip"))
            case "never" if self.requests[name] == 1:
                body = b'{"message": "slow", "retry_after": 1' + b"0" * 400 + b"}"
                writer.write(answer("429 Too Many Requests", body, "Retry-After: 99999999999", *BUCKET))
            case "busy":
                writer.write(answer("503 Service Unavailable", b"{}"))
            case _:
                writer.write(answer("200 OK", b"{}"))
        await writer.drain()


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("odd-answers") / "bot")
    system.environ["DISCORD_BOT_TOKEN"] = "MTA.fake.token"
    yield system
    for started in system.started:
        print(started)
    system.close()


@asynccontextmanager
async def running(system: System) -> AsyncIterator[OddDiscord]:
    odd = OddDiscord()
    server = await asyncio.start_server(odd.serve, "127.0.0.1", 0)
    system.environ["DISCORD_API_URL"] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v10"
    system.start("run", "rest")
    await asyncio.to_thread(system.until_answers, "rest", "/readyz")
    try:
        yield odd
    finally:
        server.close()


async def call(system: System, name: str, method: str = "GET") -> tuple[list[int], bytes]:
    request = f"{method} /api/v10/guilds/1/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    request += "Content-Length: 0\r\n" if method == "POST" else ""
    received = await asyncio.to_thread(say, system.ports["rest"], f"{request}\r\n".encode())
    return statuses(received.partition(b"\r\n\r\n")[0]), received


@pytest.mark.bound(
    "What Discord's API sends to rest: a response's head",
    "What Discord's API sends to rest: a response's body that is kept in memory",
    "What Discord's API sends to rest: a compressed error, decoded",
    "What Discord's API sends to rest: Retry-After and retry_after",
    "What Discord's API sends to rest: an unused connection",
    "What Discord's API sends to rest: tries of a request that may be repeated",
)
async def test_odd_answers(system: System) -> None:
    async with running(system) as odd:
        with watched(system, "rest", most_mb=40):
            for name in ENDLESS.keys() - {"large"}:
                assert (await call(system, name, "POST"))[0] == [502]
            found, received = await call(system, "bomb")
            assert found == [404]
            assert received.endswith(odd.bomb), "the caller gets it as it is"
            assert (await call(system, "never", "POST"))[0] == [200]
            assert odd.requests["never"] == 2
            assert (await call(system, "busy"))[0] == [503]
            assert odd.requests["busy"] <= 5
        with watched(system, "rest", most_mb=40):
            with connect(
                system.ports["rest"], b"GET /guilds/1/large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            ) as unread:
                assert (await asyncio.to_thread(unread.recv, 1000)).startswith(b"HTTP/1.1 200")
                await asyncio.sleep(3)
            assert (await call(system, "one"))[0] == [200]
            async with asyncio.timeout(40):
                while odd.ended < odd.connections:  # noqa: ASYNC110 - rest closes them
                    await asyncio.sleep(0.1)
