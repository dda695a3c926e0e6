"""What is retried, and what must not be."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from support.rest.fake_discord import FakeDiscord, Limit, hang_up, hang_up_in_the_body, slow, status
from support.rest.running_proxy import running_proxy

NONCE = {"content": "x", "nonce": "1", "enforce_nonce": True}


@pytest.mark.parametrize("code", [500, 502, 503, 504, 524])
@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", {}), ("DELETE", None), ("POST", NONCE)])
async def test_passing_failures_of_repeatable_requests_are_retried(
    tmp_path: Path, method: str, body: Any, code: int
) -> None:
    fake = FakeDiscord()
    fake.fail(status(code), status(code))
    async with running_proxy(tmp_path, fake) as proxy:
        answer = await proxy.call(method, "/channels/1/messages", json=body)
        assert answer.status == 200
        assert len({seen.body for seen in fake.seen}) == 1
        assert len(fake.seen) == 3


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("POST", {"content": "x"}),
        ("POST", {"content": "x", "nonce": "1"}),
        ("POST", {"content": "x", "nonce": "", "enforce_nonce": True}),
        ("POST", {"content": "enforce_nonce", "nonce": "1", "enforce_nonce": False}),
        ("PATCH", {"content": "x"}),
    ],
)
async def test_other_requests_are_sent_once(tmp_path: Path, method: str, body: Any) -> None:
    fake = FakeDiscord()
    fake.fail(status(502))
    async with running_proxy(tmp_path, fake) as proxy:
        assert (await proxy.call(method, "/channels/1/messages", json=body)).status == 502
        assert len(fake.seen) == 1


async def test_501_and_the_like_are_not_retried(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(status(501))
    async with running_proxy(tmp_path, fake) as proxy:
        assert (await proxy.call("GET", "/users/1")).status == 501
        assert len(fake.seen) == 1


async def test_a_lasting_failure_is_passed_on_after_three_to_five_tries(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(*[status(503)] * 20)
    async with running_proxy(tmp_path, fake) as proxy:
        answer = await proxy.call("GET", "/users/1")
        assert (answer.status, answer.body) == (503, b"<html>oops</html>")
        assert 3 <= len(fake.seen) <= 5


@pytest.mark.parametrize("fault", [hang_up, hang_up_in_the_body])
async def test_a_broken_connection_is_retried_where_that_is_safe(tmp_path: Path, fault: Any) -> None:
    fake = FakeDiscord()
    fake.fail(fault())
    async with running_proxy(tmp_path, fake) as proxy:
        assert (await proxy.call("DELETE", "/channels/1")).status == 200
        fake.seen.clear()
        fake.fail(fault())
        answer = await proxy.call("POST", "/channels/1/messages", json={})
        assert answer.status == 502
        assert "connection" in json.loads(answer.body)["message"]
        assert len(fake.seen) == 1


async def test_a_lost_answer_gives_its_slot_back(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={"POST /channels/:id/messages": [Limit(1, 0.2)]})
    async with running_proxy(tmp_path, fake) as proxy:
        for _ in range(3):
            fake.fail(hang_up())
            await asyncio.wait_for(proxy.call("POST", "/channels/1/messages", json={}), 10)
        answer = await asyncio.wait_for(proxy.call("POST", "/channels/1/messages", json={}), 10)
        assert answer.status == 200


async def test_a_slow_answer_times_out_with_504(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(slow(30))
    async with running_proxy(tmp_path, fake, request_timeout=0.3) as proxy:
        assert (await proxy.call("POST", "/channels/1/messages", json={})).status == 504


async def test_a_large_body_has_longer(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(slow(0.8))
    async with running_proxy(tmp_path, fake, request_timeout=0.3) as proxy:
        answer = await proxy.call("POST", "/channels/1/messages", data=bytes(512 * 1024))
        assert answer.status == 200


async def test_nobody_there_is_a_502_that_names_no_token(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, api_url="http://127.0.0.1:9/api/v10") as proxy:
        answer = await proxy.call("POST", "/webhooks/1/secret-token", json={})
        assert answer.status == 502
        assert b"secret-token" not in answer.body


async def test_a_large_upload_is_replayed_from_its_file(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(status(502), status(502))
    data = bytes(range(256)) * 4096 * 3
    async with running_proxy(tmp_path, fake, spool_kb=64) as proxy:
        answer = await proxy.call("PUT", "/guilds/1/thing", data=io.BytesIO(data))
        assert answer.status == 200
        assert [seen.body == data for seen in fake.seen] == [True, True, True]
