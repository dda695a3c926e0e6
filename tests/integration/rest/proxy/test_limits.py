"""Rate limits through real sockets: no avoidable 429, order kept, slots given back."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import aiohttp
import pytest

from nescord_core.snowflake import from_ms
from support.rest.fake_discord import FakeDiscord, Limit, json_status, slow, status
from support.rest.running_proxy import running_proxy

POST = "POST /channels/:id/messages"


@pytest.mark.parametrize("kind", ["fixed", "leaky", "log_last"])
async def test_no_429_reaches_discord_and_the_order_is_kept(tmp_path: Path, kind: str) -> None:
    fake = FakeDiscord(limits={POST: [Limit(5, 0.5, kind)]})
    async with running_proxy(tmp_path, fake) as proxy:
        async with asyncio.TaskGroup() as group:
            for number in range(30):
                group.create_task(proxy.call("POST", f"/channels/{number % 2}/messages", json={"n": number}))
                await asyncio.sleep(0)
        assert fake.limited == 0
        for channel in (0, 1):
            numbers = [json.loads(s.body)["n"] for s in fake.seen if f"/channels/{channel}/" in s.path]
            assert len(numbers) == 15
        took = fake.seen[-1].at - fake.seen[0].at
        assert took < 5.0, "15 a channel at 5 per 0.5 s take a second"


async def test_requests_of_one_caller_arrive_in_order(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(1, 0.05)]})
    async with running_proxy(tmp_path, fake) as proxy:
        await proxy.in_turn(proxy.call("POST", "/channels/1/messages", json={"n": n}) for n in range(12))
        assert [json.loads(seen.body)["n"] for seen in fake.seen] == list(range(12))
        assert fake.limited == 0


async def test_the_global_limit_is_kept_and_nearly_used_up(tmp_path: Path) -> None:
    fake = FakeDiscord(global_limit=50)
    async with running_proxy(tmp_path, fake) as proxy:
        async with asyncio.TaskGroup() as group:
            for number in range(120):
                group.create_task(proxy.call("POST", f"/channels/{number}/messages", json={}))
        assert fake.limited == 0
        assert fake.seen[-1].at - fake.seen[0].at < 6.0


async def test_interactions_pass_while_the_global_limit_is_used_up(tmp_path: Path) -> None:
    fake = FakeDiscord(global_limit=1)
    async with running_proxy(tmp_path, fake, global_limit=1) as proxy:
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(proxy.call("POST", f"/channels/{number}/messages", json={}))
            await asyncio.sleep(0.1)
            for number in range(5):
                answer = await proxy.call("POST", f"/interactions/{number}/token/callback", json={"type": 4})
                assert answer.status == 200
        paths = [seen.path for seen in fake.seen]
        assert max(n for n, path in enumerate(paths) if "callback" in path) < len(paths) - 1


async def test_a_caller_that_leaves_gives_its_place_back(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(1, 0.3)]})
    async with running_proxy(tmp_path, fake) as proxy:
        await proxy.call("POST", "/channels/1/messages", json={"n": 0})
        leaving = [
            asyncio.ensure_future(proxy.call("POST", "/channels/1/messages", json={"n": "left"}))
            for _ in range(20)
        ]
        await asyncio.sleep(0.1)
        for call in leaving:
            call.cancel()
        await asyncio.wait(leaving)
        answer = await asyncio.wait_for(proxy.call("POST", "/channels/1/messages", json={"n": 1}), 10)
        assert answer.status == 200
        assert [json.loads(seen.body)["n"] for seen in fake.seen] == [0, 1]
        health = json.loads((await proxy.call("GET", "/healthz")).body)
        assert (health["queued"], health["in_flight"]) == (0, 0)


async def test_a_caller_that_leaves_in_flight_does_not_deadlock_the_bucket(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(2, 0.3)]})
    fake.fail(slow(3.0))
    async with running_proxy(tmp_path, fake) as proxy:
        with pytest.raises(asyncio.TimeoutError):
            await proxy.call(
                "POST", "/channels/1/messages", json={}, timeout=aiohttp.ClientTimeout(total=0.2)
            )
        answer = await asyncio.wait_for(proxy.call("POST", "/channels/1/messages", json={}), 2.5)
        assert answer.status == 200


async def test_a_429_is_waited_out_and_the_caller_never_sees_it(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(
        json_status(429, {"message": "slow", "retry_after": 0.2, "global": False}, X_RateLimit_Scope="user")
    )
    async with running_proxy(tmp_path, fake) as proxy:
        started = time.monotonic()
        answer = await proxy.call("POST", "/channels/1/messages", json={})
        assert answer.status == 200
        assert time.monotonic() - started >= 0.2
        assert len(fake.seen) == 2


async def test_a_front_end_ban_passes_through_and_stops_everything_for_the_stated_time(
    tmp_path: Path,
) -> None:
    fake = FakeDiscord()
    fake.fail(status(429, b"<html>error code: 1015</html>", Retry_After="1"))
    async with running_proxy(tmp_path, fake) as proxy:
        first = await proxy.call("POST", "/channels/1/messages", json={})
        assert (first.status, first.body) == (429, b"<html>error code: 1015</html>")
        second = await proxy.call("POST", "/channels/2/messages", json={})
        assert second.status == 429
        assert "Via" in second.headers, "discord.py takes a 429 without Via for a ban and gives up"
        assert 0 < json.loads(second.body)["retry_after"] <= 1
        assert len(fake.seen) == 1
        await asyncio.sleep(1.1)
        assert (await proxy.call("POST", "/channels/2/messages", json={})).status == 200


async def test_hidden_channel_name_limit_parks_renames_only(tmp_path: Path) -> None:
    patch = "PATCH /channels/:id"
    fake = FakeDiscord(limits={patch: [Limit(10, 1.0, "leaky")]})
    async with running_proxy(tmp_path, fake) as proxy:
        for name in ("a", "b"):
            assert (await proxy.call("PATCH", "/channels/1", json={"name": name})).status == 200
        third = asyncio.ensure_future(proxy.call("PATCH", "/channels/1", json={"topic": "c"}))
        other = await asyncio.wait_for(proxy.call("PATCH", "/channels/1", json={"nsfw": True}), 5)
        assert other.status == 200
        assert not third.done()
        third.cancel()
        late = await proxy.call(
            "PATCH", "/channels/1", json={"name": "d"}, headers={"X-Nescord-Deadline": "2"}
        )
        assert late.status == 504
        assert int(late.headers["Retry-After"]) > 500


async def test_the_queue_is_bounded(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(1, 1.0)]})
    async with running_proxy(tmp_path, fake, max_queue=3) as proxy:
        calls = [asyncio.ensure_future(proxy.call("POST", "/channels/1/messages", json={})) for _ in range(6)]
        done, waiting = await asyncio.wait(calls, timeout=0.5)
        statuses = sorted(call.result().status for call in done)
        assert statuses == [200, 503, 503]
        assert all("Retry-After" in c.result().headers for c in done if c.result().status == 503)
        for call in waiting:
            call.cancel()
        await asyncio.wait(calls)


async def test_a_skewed_reset_does_not_matter(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(2, 0.3)]}, reset_skew=-86_400.0)
    async with running_proxy(tmp_path, fake) as proxy:
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(proxy.call("POST", "/channels/1/messages", json={}))
        assert fake.limited == 0
        assert fake.seen[-1].at - fake.seen[0].at < 5.0


async def test_a_rejected_token_is_locked_until_it_is_unlocked(tmp_path: Path) -> None:
    fake = FakeDiscord(token="another")
    async with running_proxy(tmp_path, fake) as proxy:
        assert (await proxy.call("GET", "/channels/1/messages")).status == 401
        assert (await proxy.call("GET", "/channels/2/messages")).status == 401
        assert len(fake.seen) == 1
        hook = await proxy.call("POST", "/webhooks/1/token", json={})
        assert hook.status == 200, "the webhook has a token of its own"
        fake.token = "fake.token.for-tests"
        assert (await proxy.call("POST", "/nescord/unlock")).status == 204
        assert (await proxy.call("GET", "/channels/2/messages")).status == 200


async def test_a_gone_webhook_is_not_called_again(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(json_status(404, {"message": "Unknown Webhook", "code": 10015}))
    async with running_proxy(tmp_path, fake) as proxy:
        for _ in range(3):
            answer = await proxy.call("POST", "/webhooks/1/token", json={})
            assert (answer.status, json.loads(answer.body)["code"]) == (404, 10015)
        assert len(fake.seen) == 1


async def test_a_deletion_stays_in_its_class_although_its_message_grows_older_in_the_queue(
    tmp_path: Path,
) -> None:
    fake = FakeDiscord()
    waits = {"message": "slow", "retry_after": 1.0, "global": False}
    fake.fail(json_status(429, waits, X_RateLimit_Scope="user"))
    async with running_proxy(tmp_path, fake) as proxy:

        async def buckets() -> int:
            page = (await proxy.call("GET", "/metrics")).body.decode()
            return int(float(page.rpartition("\nnescord_rest_buckets ")[2].split()[0]))

        message = from_ms(int(time.time() * 1000) - 9_300)  # it is ten seconds old before the second attempt
        path = f"/channels/1/messages/{message}"
        assert (await proxy.call("DELETE", path)).status == 200
        assert len(fake.seen) == 2
        assert await buckets() == 1, "both tries fell under the limit that was found out at the beginning"
        assert (await proxy.call("DELETE", path)).status == 200
        assert await buckets() == 2, "a request that comes now is of another class"
        health = json.loads((await proxy.call("GET", "/healthz")).body)
        assert (health["queued"], health["in_flight"]) == (0, 0)


async def test_answers_tell_callers_that_there_is_room_and_keep_the_truth_beside_it(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(1, 0.2)]})
    async with running_proxy(tmp_path, fake) as proxy:
        headers = (await proxy.call("POST", "/channels/1/messages", json={})).headers
        assert int(headers["X-RateLimit-Remaining"]) > 0
        assert float(headers["X-RateLimit-Reset-After"]) < 0.1
        assert headers["X-Nescord-RateLimit-Remaining"] == "0"
        assert headers["X-RateLimit-Bucket"]
