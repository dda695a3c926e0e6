"""Strangers who only connect keep nobody out, however many they are."""

from __future__ import annotations

import asyncio
from pathlib import Path

from integration.rest.proxy.server.test_server import HEAD, statuses
from support.rest.running_proxy import Running, running_proxy

LIMIT = 40


async def connect(proxy: Running, count: int) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = proxy.address.rpartition(":")
    return [await asyncio.open_connection(host, int(port)) for _ in range(count)]


async def test_a_new_caller_takes_the_place_of_the_longest_idle(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, max_connections=LIMIT) as proxy:
        (early_reader, early_writer), *_ = await connect(proxy, 1)
        silent = await connect(proxy, 10 * LIMIT)
        assert (await proxy.call("GET", "/users/1")).status == 200
        assert await asyncio.wait_for(early_reader.read(), 5) == b""
        assert not silent[-1][0].at_eof()
        silent[-1][1].write(HEAD % 2 + b"Connection: close\r\n\r\n")
        assert statuses(await asyncio.wait_for(silent[-1][0].read(), 5)) == [200]
        for _, writer in [*silent, (early_reader, early_writer)]:
            writer.close()


async def test_a_started_head_is_idle_and_a_waiting_request_is_not(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, max_connections=LIMIT) as proxy:
        proxy.discord.delay = 0.5
        waiting = await connect(proxy, LIMIT - 2)
        for number, (_, writer) in enumerate(waiting):
            writer.write(HEAD % (number + 10) + b"Connection: close\r\n\r\n")
        halves = await connect(proxy, 3 * LIMIT)
        for _, writer in halves:
            writer.write(b"GET /users/1 HTTP/1.1\r\nHost: a\r\n")
        received = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in waiting)), 10)
        assert [statuses(each) for each in received] == [[200]] * len(waiting)
        for _, writer in [*waiting, *halves]:
            writer.close()


async def test_a_caller_beyond_those_that_wait_is_told_to_come_back(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, max_connections=LIMIT) as proxy:
        proxy.discord.delay = 1.0
        waiting = await connect(proxy, LIMIT)
        for number, (_, writer) in enumerate(waiting):
            writer.write(HEAD % (number + 10) + b"Connection: close\r\n\r\n")
        await asyncio.sleep(0.2)
        refused = await proxy.raw(HEAD % 2 + b"\r\n")
        assert statuses(refused) == [503]
        assert b"Retry-After: 1\r\n" in refused
        assert b"rest.max_connections" in refused
        received = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in waiting)), 10)
        assert [statuses(each) for each in received] == [[200]] * LIMIT
        assert (await proxy.call("GET", "/users/1")).status == 200
        for _, writer in waiting:
            writer.close()
