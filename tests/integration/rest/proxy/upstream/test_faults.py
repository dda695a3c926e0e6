"""A faulty Discord: nothing is lost, order is preserved, and there is no avoidable 429."""

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
COUNT = 12


def drop_the_headers() -> Fault:
    """A 429 without any details; still Discord's own, judging by its Via."""
    return json_status(429, {"message": "slow down", "retry_after": 0.2, "global": False})


def html_429() -> Fault:
    return status(429, b"<html>slow down</html>", Retry_After="1", Via="1.1 google")


async def posts(proxy: Running, channel: int, count: int = COUNT) -> list[int]:
    """Send numbered messages with enforced nonces, one at a time; return the statuses."""

    def body(number: int) -> dict[str, object]:
        return {"content": str(number), "nonce": f"{channel}-{number}", "enforce_nonce": True}

    path = f"/channels/{channel}/messages"
    answers = await proxy.in_turn(proxy.call("POST", path, json=body(number)) for number in range(count))
    return [answer.status for answer in answers]


def arrived(fake: FakeDiscord, channel: int, *, taken: bool = True) -> list[int]:
    """Return the numbers of the accepted (or of all) messages, in order of arrival."""
    calls = fake.calls("POST", f"/api/v10/channels/{channel}/messages")
    found = [int(json.loads(seen.body)["content"]) for seen in calls if seen.status == 200 or not taken]
    return list(dict.fromkeys(found))


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
    # A lowered limit shows only once it is exceeded: one 429 is unavoidable, a second is not.
    assert fake.limited <= int(after.limit < before.limit)


def at_the_sixth(change: Callable[[], None]) -> list[Fault]:
    """Change something when the sixth request arrives: in the middle of a window, with others queued."""

    async def as_it_is(_: BaseRequest) -> None:
        return None

    async def changed(_: BaseRequest) -> None:
        change()

    return [*[as_it_is] * 5, changed]


@pytest.mark.parametrize("what", ["another hash", "a longer window", "a shorter window", "a higher limit"])
async def test_a_bucket_that_changes_while_its_queue_is_full(tmp_path: Path, what: str) -> None:
    fake = FakeDiscord(limits={POST: [Limit(4, 0.6, name="one")]})

    def change() -> None:
        if what == "another hash":
            fake.limits[POST] = [Limit(4, 0.6, name="two")]
            return
        (bucket,) = fake._buckets.values()
        bucket.period = {"a longer window": 1.2, "a shorter window": 0.3}.get(what, bucket.period)
        bucket.limit = 6 if what == "a higher limit" else bucket.limit
        fake.limits[POST] = [Limit(bucket.limit, bucket.period, name="one")]

    fake.fail(*at_the_sixth(change))
    async with running_proxy(tmp_path, fake) as proxy:
        assert await posts(proxy, 1) == [200] * COUNT
    assert fake.limited == 0
    assert arrived(fake, 1) == list(range(COUNT))


@pytest.mark.parametrize(
    "fault",
    [hang_up, hang_up_in_the_body, lambda: status(502), lambda: status(504), lambda: slow(0.25)],
    ids=["dropped", "dropped in the body", "502", "504", "slow"],
)
async def test_faults_every_few_requests_lose_nothing(tmp_path: Path, fault: Callable[[], Fault]) -> None:
    async def good(_: BaseRequest) -> None:
        return None

    fake = FakeDiscord(limits={POST: [Limit(4, 0.4)]})
    fake.fail(*(fault() if number % 5 in (1, 2) else good for number in range(25)))
    # One request may hit several of the ten faults, however the two channels alternate.
    async with running_proxy(tmp_path, fake, retries=12) as proxy:
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(posts(proxy, channel, 8)) for channel in (1, 2)]
        assert [status for run in runs for status in run.result()] == [200] * 16
    assert fake.limited == 0
    for channel in (1, 2):
        # Several are in flight at once: a retried one may be accepted after the next, but is sent in order.
        assert arrived(fake, channel, taken=False) == list(range(8))
        assert sorted(arrived(fake, channel)) == list(range(8))


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
