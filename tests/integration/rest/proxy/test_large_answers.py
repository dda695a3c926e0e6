"""Responses over 1 MB are streamed: byte for byte, at the caller's pace, in little memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest
from aiohttp import web
from aiohttp.web_request import BaseRequest

from support.rest.fake_discord import TOKEN, FakeDiscord, Fault, fake_discord
from support.rest.running_proxy import running_proxy

MB = 1024 * 1024
PIECE = os.urandom(256 * 1024)
PATH = "/no/such/route"
KEPT = "/channels/1/messages"
PROGRAM = """
import sys
from nescord_core import RestServer
token, api_url, state_dir = sys.argv[1:]
RestServer(token, port=0, api_url=api_url, state_dir=state_dir).run()
"""


class Large:
    """A response in a number of pieces; ``sent`` counts those that the proxy has received."""

    def __init__(self, pieces: int, *, told: bool = True, breaks_after: int = 0) -> None:
        self.pieces = pieces
        self.sent = 0
        self.left = asyncio.Event()
        self._told = told
        self._breaks_after = breaks_after

    def fault(self) -> Fault:
        async def answer(request: BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
            if self._told:
                response.content_length = self.pieces * len(PIECE)
            else:
                response.enable_chunked_encoding()
            await response.prepare(request)
            try:
                for number in range(1, self.pieces + 1):
                    await response.write(PIECE)
                    self.sent = number
                    if number == self._breaks_after:
                        assert request.transport is not None
                        request.transport.abort()
                await response.write_eof()
            except (ConnectionError, asyncio.CancelledError):
                self.left.set()
                raise
            return response

        return answer

    @property
    def digest(self) -> str:
        return digest(PIECE * self.pieces)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@asynccontextmanager
async def process(fake: FakeDiscord, directory: Path) -> AsyncIterator[tuple[str, psutil.Process]]:
    """Run rest as a process of its own; return its URL."""
    made = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, TOKEN, fake.url, str(directory)),
        cwd=directory,
        stderr=asyncio.subprocess.PIPE,
    )
    assert made.stderr is not None
    try:
        async with asyncio.timeout(20):
            line = b""
            while b"is ready on" not in line:
                line = await made.stderr.readline()
                assert line, "rest ended before it was ready"
        yield f"http://127.0.0.1:{int(line.rpartition(b':')[2])}", psutil.Process(made.pid)
    finally:
        made.kill()
        await made.communicate()


async def test_50_mb_pass_at_the_callers_pace_and_in_little_memory(tmp_path: Path) -> None:
    async with (
        fake_discord() as fake,
        process(fake, tmp_path) as (url, rest),
        aiohttp.ClientSession() as http,
    ):
        async with http.get(f"{url}{PATH}") as response:
            await response.read()
        before = rest.memory_info().rss
        large = Large(200)
        fake.fail(large.fault())
        async with http.get(f"{url}{PATH}") as response:
            assert response.content_length == 50 * MB
            sent = -1
            while sent != large.sent:  # until no more is received, as nobody reads
                sent = large.sent
                await asyncio.sleep(0.3)
            assert large.sent < large.pieces / 2, "the proxy reads on although its caller does not"
            held = rest.memory_info().rss - before
            seen = hashlib.sha256()
            async for data in response.content.iter_any():
                seen.update(data)
                held = max(held, rest.memory_info().rss - before)
        assert seen.hexdigest() == large.digest
        assert held < 12 * MB


@pytest.mark.parametrize("told", [True, False])
async def test_the_connection_goes_on_after_it_on_both_sides(tmp_path: Path, told: bool) -> None:
    async with running_proxy(tmp_path) as proxy:
        for _ in range(3):
            large = Large(12, told=told)
            proxy.discord.fail(large.fault())
            answer = await proxy.call("GET", PATH)
            assert (answer.status, digest(answer.body)) == (200, large.digest)
            assert ("Content-Length" in answer.headers) is told
            assert (await proxy.call("GET", PATH)).status == 200


async def test_a_caller_that_speaks_http_1_0_gets_it_until_the_end(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        large = Large(12, told=False)
        proxy.discord.fail(large.fault())
        head, _, body = (await proxy.raw(f"GET {PATH} HTTP/1.0\r\n\r\n".encode())).partition(b"\r\n\r\n")
        assert b"chunked" not in head
        assert digest(body) == large.digest


async def test_what_breaks_in_the_middle_is_seen_to_be_broken(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        proxy.discord.fail(Large(40, breaks_after=30).fault())
        with pytest.raises(aiohttp.ClientPayloadError):
            await proxy.call("GET", PATH)
        assert (await proxy.call("GET", PATH)).status == 200


async def test_what_breaks_before_anything_was_passed_on_is_asked_for_again(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        whole = Large(12)
        proxy.discord.fail(Large(12, breaks_after=1).fault(), whole.fault())
        assert digest((await proxy.call("GET", PATH)).body) == whole.digest


async def test_a_large_failure_is_dropped_and_asked_again(tmp_path: Path) -> None:
    async def failure(request: BaseRequest) -> web.StreamResponse:
        return web.Response(status=502, body=PIECE * 12)

    async with running_proxy(tmp_path) as proxy:
        proxy.discord.fail(failure)
        assert (await proxy.call("GET", PATH)).status == 200
        assert len(proxy.discord.seen) == 2


async def test_a_caller_that_leaves_ends_it_at_discord_as_well(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        large = Large(400)
        proxy.discord.fail(large.fault())
        async with proxy.session.get(f"http://{proxy.address}{PATH}") as response:
            await response.content.read(MB)
            response.close()
        await asyncio.wait_for(large.left.wait(), 10)
        assert large.sent < large.pieces


async def test_an_answer_that_may_be_kept_is_kept_up_to_8_mb_and_passes_beyond(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        small, large = Large(12), Large(48)
        proxy.discord.fail(small.fault())
        first, again = await proxy.call("GET", KEPT), await proxy.call("GET", KEPT)
        assert [digest(first.body), digest(again.body)] == [small.digest] * 2
        assert (first.cache, again.cache) == ("miss", "hit")
        proxy.discord.fail(large.fault(), large.fault(), large.fault())
        path = KEPT.replace("1", "2")
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(proxy.call("GET", path)) for _ in range(2)]
        answers = [call.result() for call in calls] + [await proxy.call("GET", path)]
        assert [digest(answer.body) for answer in answers] == [large.digest] * 3
        assert [answer.cache for answer in answers] == ["miss"] * 3


@pytest.mark.parametrize("told", [True, False])
async def test_the_service_ends_after_what_it_is_passing_on(tmp_path: Path, told: bool) -> None:
    async with running_proxy(tmp_path, stop_timeout=20.0) as proxy:
        large = Large(60, told=told)
        proxy.discord.fail(large.fault())
        async with proxy.session.get(f"http://{proxy.address}{PATH}") as response:
            proxy.stop.set()
            seen = hashlib.sha256()
            async for data in response.content.iter_chunked(len(PIECE)):
                seen.update(data)
                await asyncio.sleep(0.01)  # slower than Discord, so that something is always in flight
        assert seen.hexdigest() == large.digest
