from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from integration.gateway.harness import running
from integration.gateway.scripted import Peer, listening
from nescord_core.errors import IdentifyBudgetSpent
from nescord_core.gateway.identify.gate import LocalIdentifyGate
from nescord_core.gateway.identify.queue import SessionStartLimit


def gate(window: float = 0.1, **limit: int) -> LocalIdentifyGate:
    return LocalIdentifyGate(SessionStartLimit(**limit), window=window, reserve=0, clock=time.monotonic)


async def test_waiters_of_a_key_go_one_a_window_in_order() -> None:
    queue, order = gate(0.1), list[tuple[int, float]]()

    async def identify(shard: int) -> None:
        await queue.acquire(shard)
        order.append((shard, time.monotonic()))

    async with asyncio.TaskGroup() as tasks:
        for shard in range(4):
            tasks.create_task(identify(shard))
    assert [shard for shard, _ in order] == [0, 1, 2, 3]
    assert order[-1][1] - order[0][1] >= 0.28
    assert queue.remaining == 996


async def test_a_cancelled_waiter_gives_its_place_back() -> None:
    queue = gate(0.05)
    await queue.acquire(0)
    first = asyncio.ensure_future(queue.acquire(1))
    second = asyncio.ensure_future(queue.acquire(2))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert queue.remaining == 998
    assert first.cancelled()


async def test_a_spent_budget_is_refused() -> None:
    with pytest.raises(IdentifyBudgetSpent):
        await gate(remaining=0).acquire(0)


async def test_several_shards_identify_by_key_and_never_two_of_a_key_in_a_window() -> None:
    seen: list[tuple[int, float]] = []

    async def script(peer: Peer) -> None:
        await peer.hello()
        shard, count = (await peer.expect(2))["shard"]
        assert count == 6
        seen.append((shard, time.monotonic()))
        await peer.ready(f"s{shard}")
        await peer.until_gone()

    limit = SessionStartLimit(max_concurrency=2)
    async with (
        listening(script) as server,
        running(server.url, shards=6, limit=limit, identify_window=0.4) as run,
    ):
        async with asyncio.timeout(20):
            await run.cluster.wait_ready()
        assert run.cluster.application_id == "99"
    assert sorted(shard for shard, _ in seen) == list(range(6))
    for key in (0, 1):
        times = [at for shard, at in seen if shard % 2 == key]
        # Measured on the server's clock, across a loaded machine: well apart, but not to the millisecond.
        assert all(b - a > 0.2 for a, b in pairwise(times))
