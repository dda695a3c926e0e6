"""Requests that are sent to Discord without a task keep every promise of those that have one.

The requests before it make a client's headers known and leave a connection to Discord idle: so each test
begins with some. A request is written at once, as clients do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from support.rest.fake_discord import (
    FakeDiscord,
    Fault,
    Limit,
    hang_up,
    hang_up_in_the_body,
    json_status,
    slow,
    status,
)
from support.rest.running_proxy import Running, running_proxy

POST = "POST /channels/:id/messages"
PATIENCE = 20.0


class Caller:
    """A kept-alive connection that sends whole requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, method: str, path: str, content: Any = None, extra: str = "") -> None:
        body = b"" if content is None else json.dumps(content).encode()
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: a\r\n{extra}{length}\r\n".encode() + body)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
            return int(line.split()[1]), headers, body

    async def call(
        self, method: str, path: str, content: Any = None, extra: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        self.send(method, path, content, extra)
        return await self.answer()


@asynccontextmanager
async def calling(proxy: Running) -> AsyncIterator[Caller]:
    host, _, port = proxy.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()


async def warm(caller: Caller, method: str, path: str, content: Any = None) -> None:
    for _ in range(2):
        assert (await caller.call(method, path, content))[0] == 200


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.01)


async def until_settled(proxy: Running) -> None:
    async with asyncio.timeout(PATIENCE):
        while b'"in_flight": 0' not in (await proxy.call("GET", "/healthz")).body:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_discord_and_the_caller_get_what_they_get_otherwise(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(100, 5.0)]}, headers={"Set-Cookie": "a=b", "X-Own": "1"})
    extra = "User-Agent: mine\r\nCookie: c=d\r\nX-Audit-Log-Reason: r%20s\r\nAccept-Encoding: gzip, br\r\n"
    async with running_proxy(tmp_path, fake) as proxy, calling(proxy) as caller:
        answers = [
            await caller.call("POST", "/channels/1/messages", {"content": "x"}, extra) for _ in range(3)
        ]
    heads = [seen.raw_headers for seen in fake.seen]
    assert heads[0] == heads[1] == heads[2]
    assert {seen.body for seen in fake.seen} == {b'{"content": "x"}'}
    for _, headers, _ in answers:
        for moving in ("x-ratelimit-reset", "date", "content-length"):
            headers.pop(moving, None)
        for moving in ("remaining", "reset", "reset-after"):
            assert headers.pop(f"x-nescord-ratelimit-{moving}")
    assert answers[0][:2] == answers[1][:2] == answers[2][:2]
    assert "set-cookie" not in answers[2][1]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "fault",
    [hang_up(), status(502), hang_up_in_the_body(), json_status(429, {"retry_after": 0.05, "global": False})],
    ids=["stale", "502", "cut off", "429"],
)
async def test_what_may_be_repeated_is(tmp_path: Path, method: str, fault: Fault) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake) as proxy, calling(proxy) as caller:
        await warm(caller, method, "/gateway/x")
        fake.fail(fault)
        assert (await caller.call(method, "/gateway/x"))[0] == 200
        assert len(fake.seen) == 4
        assert (await caller.call(method, "/gateway/x"))[0] == 200
        await until_settled(proxy)


async def test_a_post_is_not_repeated_when_its_connection_breaks(tmp_path: Path) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake) as proxy, calling(proxy) as caller:
        await warm(caller, "POST", "/channels/1/messages", {"content": "x"})
        fake.fail(hang_up())
        assert (await caller.call("POST", "/channels/1/messages", {"content": "x"}))[0] == 502
        assert len(fake.seen) == 3
        await until_settled(proxy)


async def test_a_response_that_does_not_come_times_out_and_is_repeated_once(tmp_path: Path) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake, request_timeout=0.3) as proxy, calling(proxy) as caller:
        await warm(caller, "GET", "/gateway/x")
        fake.fail(slow(60), slow(60))
        assert (await caller.call("GET", "/gateway/x"))[0] == 504
        assert len(fake.seen) == 4
        fake.fail(slow(60))
        assert (await caller.call("GET", "/gateway/x"))[0] == 200
        await until_settled(proxy)


async def test_a_caller_that_leaves_gives_its_slot_back(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(50, 0.2)]})
    async with running_proxy(tmp_path, fake) as proxy:
        async with calling(proxy) as caller:
            await warm(caller, "POST", "/channels/1/messages", {"content": "x"})
            fake.fail(slow(60))
            caller.send("POST", "/channels/1/messages", {"content": "x"})
            await until(lambda: len(fake.seen) == 3)
            caller.writer.transport.abort()
            await until_settled(proxy)
        async with calling(proxy) as caller:
            await warm(caller, "POST", "/channels/1/messages", {"content": "x"})


async def test_a_caller_that_leaves_while_its_request_is_being_repeated_gives_its_slot_back(
    tmp_path: Path,
) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake) as proxy, calling(proxy) as caller:
        await warm(caller, "GET", "/gateway/x")
        fake.fail(status(502), slow(60))
        caller.send("GET", "/gateway/x")
        await until(lambda: len(fake.seen) == 4)
        caller.writer.transport.abort()
        await until_settled(proxy)


async def test_one_fetch_serves_all_who_ask_meanwhile_and_a_change_makes_it_stale(tmp_path: Path) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake) as proxy, calling(proxy) as one, calling(proxy) as other:
        await warm(one, "GET", "/channels/1")
        await warm(other, "GET", "/channels/2")
        fake.fail(slow(0.3))
        one.send("GET", "/channels/3")
        await until(lambda: len(fake.seen) == 3)
        other.send("GET", "/channels/3")
        (_, headers, first), (_, _, second) = await one.answer(), await other.answer()
        assert (headers["x-nescord-cache"], first, len(fake.seen)) == ("miss", second, 3)
        fake.fail(slow(0.3))
        one.send("GET", "/channels/4")
        await until(lambda: len(fake.seen) == 4)
        items = {"items": [{"kind": "channel", "ids": {"id": "4"}}]}
        await proxy.call("POST", "/nescord/invalidate", json=items)
        await one.answer()
        assert (await one.call("GET", "/channels/4"))[1]["x-nescord-cache"] == "miss"
        assert (await one.call("GET", "/channels/4"))[1]["x-nescord-cache"] == "hit"


async def test_a_write_drops_what_it_changes(tmp_path: Path) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake) as proxy, calling(proxy) as caller:
        for _ in range(3):
            assert (await caller.call("GET", "/channels/1"))[1]["x-nescord-cache"] == "miss"
            assert (await caller.call("GET", "/channels/1"))[1]["x-nescord-cache"] == "hit"
            assert (await caller.call("DELETE", "/channels/1"))[0] == 200


async def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    fake = FakeDiscord(answers={f"/gateway/{number}": {"number": number} for number in range(9)})
    async with running_proxy(tmp_path, fake) as proxy, calling(proxy) as caller:
        await warm(caller, "GET", "/gateway/0")
        fake.fail(slow(0.1))
        for number in range(9):
            caller.send("GET", f"/gateway/{number}")
            await asyncio.sleep(0)
        for number in range(9):
            assert json.loads((await caller.answer())[2]) == {"number": number}


async def test_a_page_or_another_bot_is_refused_even_with_known_headers(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, passthrough=False) as proxy, calling(proxy) as caller:
        await warm(caller, "GET", "/gateway/x")
        for extra in ("Origin: http://evil.invalid\r\n", "Authorization: Bot other\r\n"):
            for _ in range(3):
                assert (await caller.call("GET", "/gateway/x", extra=extra))[0] == 403
        await warm(caller, "GET", "/gateway/x")


async def test_the_service_waits_for_what_is_on_its_way(tmp_path: Path) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake, stop_timeout=PATIENCE) as proxy, calling(proxy) as caller:
        await warm(caller, "GET", "/gateway/x")
        fake.fail(slow(0.3))
        caller.send("GET", "/gateway/x")
        await until(lambda: len(fake.seen) == 3)
        proxy.stop.set()
        code, headers, _ = await caller.answer()
        assert (code, headers["connection"]) == (200, "close")


async def test_bodies_on_their_way_count_towards_their_bound(tmp_path: Path) -> None:
    fake = FakeDiscord()
    content = {"content": "x" * 30_000}
    async with running_proxy(tmp_path, fake, max_bodies_mb=0, bodies_memory_mb=0) as proxy:
        for _ in range(3):
            async with calling(proxy) as caller:
                assert (await caller.call("POST", "/channels/1/messages", content))[0] == 503
    assert not fake.seen
