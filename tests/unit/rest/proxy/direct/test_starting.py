"""A lane is held from the moment that a coroutine is due until it has run for the first time."""

from __future__ import annotations

import asyncio

from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.response import Answer
from nescord_core.ratelimit.route import route_of
from nescord_core.rest.proxy.direct.starting import StartingCoroutines
from nescord_core.rest.proxy.permits import Permits


async def test_a_lane_is_held_until_its_coroutine_has_run() -> None:
    starting = StartingCoroutines()
    seen: list[bool] = []

    async def work() -> None:
        seen.append("a" in starting)

    starting.add("a")
    tasks = [asyncio.create_task(work())]
    starting.add("a")
    tasks.append(asyncio.create_task(work()))
    assert "a" in starting
    assert "b" not in starting
    await asyncio.gather(*tasks)
    assert seen == [True, True]
    for _ in range(3):
        await asyncio.sleep(0)
    assert "a" not in starting


async def test_a_coroutine_that_never_runs_does_not_hold_its_lane() -> None:
    starting = StartingCoroutines()

    async def work() -> None:
        raise AssertionError("it was cancelled")

    starting.add("a")
    task = asyncio.create_task(work())
    task.cancel()
    await asyncio.wait([task])
    for _ in range(3):
        await asyncio.sleep(0)
    assert "a" not in starting


async def test_nobody_is_granted_before_one_who_was_granted_and_has_not_sent_yet() -> None:
    permits = Permits(Limiter())
    route = route_of("POST", "/channels/1/messages", unix_ms=0)
    first = permits.grant_at_once(route, "", route.lane_key)
    assert first is not None
    order: list[str] = []

    async def waiting() -> None:
        async with permits.acquire(route, ""):
            order.append("waiting")

    task = asyncio.create_task(waiting())
    while not permits.limiter.waiting:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)
    permits.complete(first, Answer(200))  # without headers: nothing limits this route
    assert permits.grant_at_once(route, "", route.lane_key) is None
    assert not order
    await task
    for _ in range(3):
        await asyncio.sleep(0)
    assert permits.grant_at_once(route, "", route.lane_key) is not None
    permits.close()
