"""The proxy's sockets follow HTTP/1.1."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from support.rest.fake_discord import FakeDiscord, slow
from support.rest.running_proxy import Running, running_proxy

HEAD = b"GET /users/%d HTTP/1.1\r\nHost: a\r\n"


def statuses(received: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def serials(received: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb'"path": "/users/(\d+)"', received)]


async def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(slow(0.2))
    async with running_proxy(tmp_path, fake) as proxy:
        requests = b"".join(HEAD % number + b"\r\n" for number in range(40))
        received = await proxy.raw(requests + HEAD % 40 + b"Connection: close\r\n\r\n")
    assert serials(received) == list(range(41))


async def test_a_connection_is_kept_and_ended_as_its_caller_wants(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        old = await proxy.raw(b"GET /users/1 HTTP/1.0\r\n\r\n", wait=2.0)
        assert b"\r\nConnection: close\r\n" in old
        both = await proxy.raw(
            b"GET /users/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /users/2 HTTP/1.0\r\n\r\n", wait=2.0
        )
        assert b"\r\nConnection: keep-alive\r\n" in both
        assert serials(both) == [1, 2]


async def test_head_has_the_length_and_not_the_body(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        received = await proxy.raw(
            b"HEAD /users/1 HTTP/1.1\r\nHost: a\r\n\r\n" + HEAD % 2 + b"Connection: close\r\n\r\n"
        )
    first, second = received.split(b"\r\n\r\n")[:2]
    length = re.search(rb"Content-Length: (\d+)", first)
    assert length is not None
    assert int(length[1]) > 10
    assert second.startswith(b"HTTP/1.1 200"), "the next answer follows at once"


async def test_what_wants_another_protocol_is_answered_in_this_one(tmp_path: Path) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n\r\n"
    async with running_proxy(tmp_path) as proxy:
        received = await proxy.raw(HEAD % 1 + offer + HEAD % 2 + b"Connection: close\r\n\r\n")
    assert (statuses(received), serials(received)) == ([200, 200], [1, 2])
    assert not {"Upgrade", "HTTP2-Settings"} & set(proxy.discord.seen[0].headers)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /users/1 HTTP/1.1\r\n\r\n",
        b"GET /users/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /users/1 HTTP/2.0\r\nHost: a\r\n\r\n",
        b"POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        b"GET /users/1 HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
        b"GET /users/1 HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    ],
)
async def test_what_two_readers_could_read_differently_is_refused(tmp_path: Path, head: bytes) -> None:
    async with running_proxy(tmp_path) as proxy:
        received = await proxy.raw(head + HEAD % 2 + b"\r\n", wait=3.0)
        assert not proxy.discord.seen, "nor is what follows taken for a request"
    assert statuses(received) == [400]
    assert json.loads(received.partition(b"\r\n\r\n")[2])["message"]


async def test_an_answer_reaches_a_caller_that_is_still_sending(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, max_body_mb=1) as proxy:
        host, _, port = proxy.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /channels/1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
        for _ in range(40):
            writer.write(b"x" * 100_000)
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            received = await reader.read()
        writer.close()
    assert statuses(received) == [413]


async def test_a_body_that_nobody_reads_does_not_fill_the_memory(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(slow(1.0))
    async with running_proxy(tmp_path, fake) as proxy:
        host, _, port = proxy.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        # The second request's body waits behind the first response, so its sender has to wait as well.
        writer.write(
            HEAD % 1 + b"\r\nPUT /guilds/1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 24000000\r\n\r\n"
        )
        writer.write(b"y" * 24_000_000)
        await asyncio.sleep(0.3)
        assert writer.transport.get_write_buffer_size() > 4_000_000
        async with asyncio.timeout(20):
            received = b""
            while len(statuses(received)) < 2:
                received += await reader.read(65536)
        writer.close()
    assert statuses(received) == [200, 200]
    assert len(fake.seen[1].body) == 24_000_000


async def test_callers_that_say_nothing_more_are_let_go(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, head_timeout=0.3, idle_timeout=0.3) as proxy:
        assert await proxy.raw(b"", wait=10.0) == b""
        assert statuses(await proxy.raw(b"GET /users/1 HT", wait=10.0)) == [408]
        assert statuses(await proxy.raw(HEAD % 1 + b"\r\n", wait=10.0)) == [200]


async def test_a_caller_that_leaves_takes_its_request_with_it(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(slow(30.0))
    async with running_proxy(tmp_path, fake) as proxy:
        await proxy.raw(
            b"POST /channels/1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", wait=0.3
        )
        assert len(fake.seen) == 1
        async with asyncio.timeout(5):
            while await in_flight(proxy):  # noqa: ASYNC110 - until the proxy has noticed
                await asyncio.sleep(0.02)


async def in_flight(proxy: Running) -> int:
    return int(json.loads((await proxy.call("GET", "/healthz")).body)["in_flight"])
