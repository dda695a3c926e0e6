"""What the bodies of waiting requests may take, and how long one may be on its way."""

from __future__ import annotations

import asyncio
import zlib
from pathlib import Path
from typing import Any

import pytest

from nescord_core.rest.proxy.forwarding import LARGEST_ERROR, body_facts
from nescord_core.rest.proxy.server import body as bodies
from nescord_core.rest.proxy.server.body import Body, BodyBudget, BodyTooSlow, NoRoomForBodies
from nescord_core.rest.proxy.server.request import BodyReader
from nescord_core.rest.proxy.upstream.response import UpstreamResponse
from support.rest.fake_discord import FakeDiscord, Limit
from support.rest.running_proxy import running_proxy

MB = 1 << 20


def arrived(data: bytes) -> BodyReader:
    reader = BodyReader(lambda _stop: None)
    reader.feed(data)
    reader.end()
    return reader


async def test_small_bodies_go_to_disk_when_memory_is_used_up_and_are_refused_past_the_bound() -> None:
    budget = BodyBudget(memory=3 * MB, total=5 * MB)
    held = [Body(budget) for _ in range(6)]
    for body in held[:5]:
        await body.read(arrived(bytes(MB)), most=110 * MB, spool=MB, timeout=5)
    assert (budget.in_memory, budget.held) == (3 * MB, 5 * MB)
    assert [len(body.data) for body in held[:5]] == [MB, MB, MB, 0, 0]
    assert held[4].start(10) == bytes(10)
    with pytest.raises(NoRoomForBodies):
        await held[5].read(arrived(bytes(MB)), most=110 * MB, spool=MB, timeout=5)
    for body in held:
        body.close()
    assert (budget.in_memory, budget.held) == (0, 0)


async def test_a_body_that_drips_for_ever_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST_BODY", 1000)
    reader = BodyReader(lambda _stop: None)

    async def drip() -> None:
        while True:
            reader.feed(b"x")
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    try:
        with pytest.raises(BodyTooSlow):
            await Body().read(reader, most=MB, spool=MB, timeout=0.2)
    finally:
        dripping.cancel()


async def test_many_messages_that_wait_for_one_bucket_stay_within_the_bound(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={"POST /channels/:id/messages": [Limit(1, 30.0)]})
    async with running_proxy(tmp_path, fake, max_bodies_mb=4, bodies_memory_mb=1) as proxy:
        calls: list[asyncio.Task[Any]] = [
            asyncio.create_task(proxy.call("POST", "/channels/1/messages", data=bytes(500_000)))
            for _ in range(20)
        ]
        done, waiting = await asyncio.wait(calls, timeout=3)
        statuses = [(await call).status for call in done]
        assert set(statuses) <= {200, 503}
        assert statuses.count(503) >= 10
        for call in waiting:
            call.cancel()
        await asyncio.wait(waiting)
        await asyncio.sleep(1.0)  # until the proxy has seen that they left
        assert (await proxy.call("POST", "/channels/2/messages", data=bytes(500_000))).status == 200


def test_an_error_that_inflates_without_end_is_looked_into_as_far_as_an_error_goes() -> None:
    deflate = zlib.compressobj(wbits=31)
    bomb = deflate.compress(bytes(300 * MB)) + deflate.flush()
    reply = UpstreamResponse(404, "", {"Content-Encoding": "gzip"}, bomb, 0.0, 0.0)  # type: ignore[arg-type]
    facts = body_facts(reply)
    assert facts is not None
    assert not facts.is_json
    assert LARGEST_ERROR <= MB


def test_a_retry_after_of_400_digits_is_none() -> None:
    reply = UpstreamResponse(429, "", {}, b'{"retry_after":1' + b"0" * 400 + b"}", 0.0, 0.0)  # type: ignore[arg-type]
    facts = body_facts(reply)
    assert facts is not None
    assert facts.retry_after is None
