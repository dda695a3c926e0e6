"""A Discord that misbehaves: nothing is lost, the order stays, and no 429 comes that is avoidable."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.web_request import BaseRequest

from support.fake_discord import (
    FakeDiscord,
    Fault,
    Limit,
    hang_up,
    hang_up_in_the_body,
    json_status,
    slow,
    status,
)
from support.running_proxy import Running, running_proxy

POST = "POST /channels/:id/messages"
COUNT = 12


def drop_the_headers() -> Fault:
    """A 429 that says nothing but that it is one; still Discord's own, by its Via."""
    return json_status(429, {"message": "slow down", "retry_after": 0.2, "global": False})


def html_429() -> Fault:
    return status(429, b"<html>slow down</html>", Retry_After="1", Via="1.1 google")


async def posts(proxy: Running, channel: int, count: int = COUNT) -> list[int]:
    """Send numbered messages with enforced nonces, one after the other; return the statuses."""

    async def send(number: int) -> int:
        body = {"content": str(number), "nonce": f"{channel}-{number}", "enforce_nonce": True}
        return (await proxy.call("POST", f"/channels/{channel}/messages", json=body)).status

    tasks = []
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            tasks.append(group.create_task(send(number)))
            await asyncio.sleep(0.002)
    return [task.result() for task in tasks]


def arrived(fake: FakeDiscord, channel: int) -> list[int]:
    """The numbers of the messages that were taken, in the order in which they were first."""
    calls = fake.calls("POST", f"/api/v10/channels/{channel}/messages")
    return list(dict.fromkeys(int(json.loads(seen.body)["content"]) for seen in calls if seen.status == 200))


@pytest.mark.parametrize("skew", [-3600.0, 7.5, 86_400.0])
async def test_a_skewed_clock_changes_nothing(tmp_path: Path, skew: float) -> None:
    fake = FakeDiscord(limits={POST: [Limit(4, 0.4)]}, reset_skew=skew)
    async with running_proxy(tmp_path, fake) as proxy:
        assert await posts(proxy, 1) == [200] * COUNT
    assert fake.limited == 0
    assert arrived(fake, 1) == list(range(COUNT))


@pytest.mark.parametrize(
    ("faults", "unavoidable"),
    [
        ([drop_the_headers()], 1),
        ([hang_up(), hang_up_in_the_body()], 0),
        ([status(502), status(502), json_status(503, {"message": "later"})], 0),
        ([slow(0.3), slow(0.1)], 0),
    ],
    ids=["429 without headers", "connection dropped", "burst of 502", "slow answers"],
)
async def test_after_a_fault_all_arrive_in_order(
    tmp_path: Path, faults: list[Fault], unavoidable: int
) -> None:
    fake = FakeDiscord(limits={POST: [Limit(4, 0.4)]})
    fake.fail(*faults)
    async with running_proxy(tmp_path, fake) as proxy:
        assert await posts(proxy, 1) == [200] * COUNT
    assert fake.limited == unavoidable
    assert arrived(fake, 1) == list(range(COUNT))


async def test_a_429_in_html_is_a_ban_by_the_front_and_is_said_so(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(4, 0.4)]})
    fake.fail(html_429())
    async with running_proxy(tmp_path, fake) as proxy:
        first = await proxy.call("POST", "/channels/1/messages", json={"content": "0"})
        assert first.status == 429
        second = await proxy.call("POST", "/channels/1/messages", json={"content": "1"})
        assert (second.status, "Via" in second.headers) == (429, True)
        assert len(fake.seen) == 1, "nothing is sent during the ban"
        await asyncio.sleep(1.05)
        assert await posts(proxy, 1, 4) == [200] * 4
    assert fake.limited == 1


@pytest.mark.parametrize(
    "before_and_after",
    [
        (Limit(4, 0.4, name="one"), Limit(4, 0.4, name="two")),
        (Limit(4, 0.4), Limit(4, 0.8)),
        (Limit(4, 0.4), Limit(2, 0.4)),
    ],
    ids=["another hash", "a longer window", "a lower limit"],
)
async def test_a_bucket_that_changes_in_the_middle(
    tmp_path: Path, before_and_after: tuple[Limit, Limit]
) -> None:
    before, after = before_and_after
    fake = FakeDiscord(limits={POST: [before]})

    async with running_proxy(tmp_path, fake) as proxy:
        assert await posts(proxy, 1, 4) == [200] * 4
        await asyncio.sleep(before.period + 0.1)
        fake.limits[POST] = [after]
        fake._buckets.clear()
        assert await posts(proxy, 1) == [200] * COUNT
    assert arrived(fake, 1) == [*range(COUNT)]
    # A limit that shrank shows only when it is over; one 429 for it cannot be avoided, a second could.
    assert fake.limited <= int(after.limit < before.limit)


async def test_a_remaining_that_is_lower_than_true_only_costs_time(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(4, 0.3)]})
    lies = deque([3, 1, 0, 2])

    async def lie(request: BaseRequest) -> web.StreamResponse | None:
        remaining = lies.popleft()
        return web.json_response(
            {},
            headers={
                "Via": "1.1 google",
                "X-RateLimit-Bucket": f"hash-of-{POST.replace(' ', '-')}",
                "X-RateLimit-Limit": "4",
                "X-RateLimit-Remaining": str(min(remaining, 1)),
                "X-RateLimit-Reset-After": "0.300",
                "X-RateLimit-Reset": f"{time.time() + 0.3:.3f}",
            },
        )

    faults: list[Callable[[BaseRequest], Awaitable[web.StreamResponse | None]]] = [lie] * 4
    fake.fail(*faults)
    async with running_proxy(tmp_path, fake) as proxy:
        assert await posts(proxy, 1) == [200] * COUNT
    assert fake.limited == 0
    assert arrived(fake, 1) == list(range(COUNT))


async def test_faults_of_one_channel_do_not_stop_another(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(4, 0.4)]})
    async with running_proxy(tmp_path, fake) as proxy:
        assert await posts(proxy, 2, 1) == [200]
        fake.fail(json_status(429, {"message": "x", "retry_after": 1.0, "global": False}))
        async with asyncio.TaskGroup() as group:
            first = group.create_task(proxy.call("POST", "/channels/1/messages", json={"content": "0"}))
            await asyncio.sleep(0.1)
            assert await posts(proxy, 2, 2) == [200] * 2
            assert not first.done(), "the other channel did not wait for this one"
        assert first.result().status == 200
