"""Fuzzes the proxy with garbled requests: it stays up, answers with an error, and never reveals a token.

NESCORD_FUZZ_SECONDS sets the duration (default 4), NESCORD_FUZZ_SEED the seed (default 1). The long,
coverage-guided form is ``benchmarks/fuzz.py``.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from pathlib import Path

import pytest

from support.rest.fake_discord import TOKEN, FakeDiscord
from support.rest.garbled_requests import garbled
from support.rest.running_proxy import Running, running_proxy

SECONDS = float(os.environ.get("NESCORD_FUZZ_SECONDS", "4"))
SEED = int(os.environ.get("NESCORD_FUZZ_SEED", "1"))
AT_ONCE = 8
PATIENCE = 10.0
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
MEANT = {501, 502, 503, 504}
"""What the proxy may answer for unknown methods, or if Discord does not respond; 500 would be its own bug."""


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
    """Wait until no slot is held by callers that have gone."""
    while b'"in_flight": 0' not in (await proxy.call("GET", "/healthz")).body:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
