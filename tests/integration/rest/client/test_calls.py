"""RestClient through the rest service: pages, priorities, time-outs."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from nescord_core import RestClient
from nescord_core.errors import DiscordServerError
from support.rest.fake_discord import TOKEN, FakeDiscord, Limit
from support.rest.running_proxy import Running, running_proxy
from support.sandbox.running import running_sandbox

POST = "POST /channels/:id/messages"


def client_of(proxy: Running) -> RestClient:
    return RestClient(TOKEN, f"http://{proxy.address}", patience=5.0)


async def test_a_listing_is_read_page_by_page_from_the_sandbox() -> None:
    async with running_sandbox(global_limit=10_000) as sandbox:
        guild = (await sandbox.get("/state"))["guilds"][0]["id"]
        channel = int((await sandbox.post("/channels", guild=guild, name="long"))["id"])
        async with RestClient(sandbox.token, f"{sandbox.url}/api/v10") as rest:
            for number in range(105):
                await sandbox.post("/say", channel=str(channel), user="alice", content=f"{number}")
            newest = [int(m.content) async for m in rest.every(rest.list_messages, channel)]
            oldest = [
                int(m.content) async for m in rest.every(rest.list_messages, channel, after=0, total=103)
            ]
            members = [m.user.id async for m in rest.every(rest.list_guild_members, guild)]
            message = await rest.create_message(channel, content="pinned")
            await rest.create_pin(channel, message.id)
            pins = [pin.message.id async for pin in rest.every(rest.list_pins, channel)]
    assert newest == list(range(104, -1, -1))
    assert oldest == list(range(103))
    assert members == sorted(members)
    assert len(members) > 2
    assert pins == [message.id]


async def test_bulk_calls_go_behind_the_others(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(1, 0.25)]})
    async with running_proxy(tmp_path, fake) as proxy, client_of(proxy) as rest:
        await rest.create_message(1, content="first")
        calls = [
            asyncio.ensure_future(rest.create_message(1, content="bulk", priority="bulk")),
            asyncio.ensure_future(rest.request("POST", "/channels/1/messages", json={}, priority="bulk")),
        ]
        await until_queued(proxy, 2)
        calls.append(asyncio.ensure_future(rest.create_message(1, content="normal")))
        await asyncio.gather(*calls)
        contents = [json.loads(seen.body).get("content") for seen in fake.seen]
    assert contents[:2] == ["first", "normal"]
    assert all("X-Nescord-Priority" not in seen.headers for seen in fake.seen)


async def test_a_call_takes_no_longer_than_its_timeout_and_keeps_no_place(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(1, 30.0)]})
    async with running_proxy(tmp_path, fake) as proxy, client_of(proxy) as rest:
        await rest.create_message(1, content="first")
        started = time.monotonic()
        with pytest.raises(DiscordServerError, match="before its deadline"):
            await rest.create_message(1, content="late", timeout=0.5)
        assert time.monotonic() - started < 5.0
        health = json.loads((await proxy.call("GET", "/healthz")).body)
        assert (health["queued"], health["in_flight"], len(fake.seen)) == (0, 0, 1)


async def test_a_full_service_is_asked_again_when_it_has_room(tmp_path: Path) -> None:
    fake = FakeDiscord(limits={POST: [Limit(1, 0.4)]})
    async with running_proxy(tmp_path, fake, max_queue=1) as proxy, client_of(proxy) as rest:
        # No nonce: calls that must not be sent twice are retried only because the proxy rejected them.
        posts = [rest.request("POST", "/channels/1/messages", json={"n": n}) for n in range(4)]
        await asyncio.gather(*posts)
        assert sorted(json.loads(seen.body)["n"] for seen in fake.seen) == [0, 1, 2, 3]


async def until_queued(proxy: Running, count: int) -> None:
    while json.loads((await proxy.call("GET", "/healthz")).body)["queued"] < count:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
