"""Faults, switched by the control API, as a client meets them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, running_sandbox

ALL = Intents.all().value


@pytest.fixture
async def sandbox() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox() as running:
        yield running


@pytest.fixture
async def bot(sandbox: RunningSandbox) -> AsyncIterator[RawGateway]:
    async with RawGateway(sandbox.gateway_url) as client:
        await client.identify(TOKEN, intents=ALL)
        await client.until("GUILD_CREATE")
        yield client


async def resumes(sandbox: RunningSandbox, bot: RawGateway) -> bool:
    async with RawGateway(sandbox.gateway_url) as again:
        await again.resume(TOKEN, bot.session_id, bot.seq)
        payload = await again.receive()
        return bool(payload["op"] == 0)


async def test_a_reset_breaks_the_connection_without_a_close_frame(
    sandbox: RunningSandbox, bot: RawGateway
) -> None:
    answer = await sandbox.post("/fault", connections={"do": "reset"})
    assert answer["connections"] == 1
    assert await bot.receive() in ({"closed": None}, {"closed": 1006})
    assert await resumes(sandbox, bot)


async def test_a_close_with_a_code(sandbox: RunningSandbox, bot: RawGateway) -> None:
    await sandbox.post("/fault", connections={"do": "close", "code": 4000, "shard": 0})
    assert await bot.closed() == 4000
    assert await resumes(sandbox, bot)
    assert (await sandbox.post("/fault", connections={"do": "close", "shard": 7}))["connections"] == 0


async def test_opcode_7_and_opcode_9(sandbox: RunningSandbox, bot: RawGateway) -> None:
    await sandbox.post("/fault", connections={"do": "reconnect"})
    assert (await bot.receive())["op"] == 7
    await sandbox.post("/fault", connections={"do": "invalid_session", "resumable": True})
    assert await bot.receive() == {"t": None, "s": None, "op": 9, "d": True}
    assert bot.session_id in sandbox.sandbox.gateway.table.sessions
    await sandbox.post("/fault", connections={"do": "invalid_session"})
    assert await bot.receive() == {"t": None, "s": None, "op": 9, "d": False}
    assert not await resumes(sandbox, bot)


async def test_heartbeats_without_acknowledgement(sandbox: RunningSandbox, bot: RawGateway) -> None:
    await sandbox.post("/fault", gateway={"no_heartbeat_ack": True})
    await bot.send(1, bot.seq)
    await sandbox.post("/say", channel="general", user="alice", content="still here")
    assert (await bot.receive())["t"] == "MESSAGE_CREATE"
    await sandbox.call("DELETE", "/fault")
    await bot.send(1, bot.seq)
    assert (await bot.receive())["op"] == 11


async def test_a_silenced_connection_stays_open_and_its_session_can_be_resumed(
    sandbox: RunningSandbox, bot: RawGateway
) -> None:
    await sandbox.post("/fault", connections={"do": "silence"})
    await bot.send(1, bot.seq)
    await sandbox.post("/say", channel="general", user="alice", content="not heard")
    await sandbox.post("/fault", connections={"do": "close"})
    with pytest.raises(TimeoutError):
        await bot.receive(timeout=0.5)
    assert len((await sandbox.get("/gateway"))["connections"]) == 1
    assert await resumes(sandbox, bot)


async def test_silence_on_the_resume_url_only(sandbox: RunningSandbox, bot: RawGateway) -> None:
    await sandbox.post("/fault", gateway={"silent": "resume"})
    async with RawGateway(bot.resume_url) as mute:
        with pytest.raises(TimeoutError):
            await mute.receive(timeout=0.3)
        assert await resumes(sandbox, bot)
    assert (await sandbox.get("/gateway"))["totals"]["silent"] == 1


async def test_silence_everywhere(sandbox: RunningSandbox) -> None:
    await sandbox.post("/fault", gateway={"silent": "everywhere"})
    async with RawGateway(sandbox.gateway_url) as mute:
        with pytest.raises(TimeoutError):
            await mute.receive(timeout=0.3)


async def test_a_resume_url_that_refuses(sandbox: RunningSandbox, bot: RawGateway) -> None:
    await sandbox.post("/fault", gateway={"refuse": "resume"})
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with RawGateway(bot.resume_url):
            pass
    assert await resumes(sandbox, bot)


async def test_resumes_that_are_refused(sandbox: RunningSandbox, bot: RawGateway) -> None:
    await sandbox.post("/fault", gateway={"refuse_resume": True})
    assert not await resumes(sandbox, bot)
    await sandbox.call("DELETE", "/fault")
    assert await resumes(sandbox, bot)


async def test_events_that_are_late(sandbox: RunningSandbox, bot: RawGateway) -> None:
    await sandbox.post("/fault", gateway={"delay": 0.3})
    began = time.monotonic()
    await sandbox.post("/say", channel="general", user="alice", content="late")
    await bot.until("MESSAGE_CREATE")
    assert time.monotonic() - began >= 0.3


async def test_rest_requests_that_fail_or_are_late(sandbox: RunningSandbox) -> None:
    url, headers = f"{sandbox.url}/api/v10/users/@me", {"Authorization": f"Bot {TOKEN}"}
    await sandbox.post("/fault", rest={"method": "GET", "route": "/users/@me", "status": 503, "count": 2})
    await sandbox.post("/fault", rest={"route": "/users/*", "status": 429, "retry_after": 2.5})
    seen = []
    for _ in range(4):
        async with sandbox.http.get(url, headers=headers) as answer:
            seen.append(answer.status)
            if answer.status == 429:
                assert (await answer.json())["retry_after"] == 2.5
                assert answer.headers["Via"]
    assert seen == [503, 503, 429, 200]
    await sandbox.post("/fault", rest={"latency": 0.3})
    began = time.monotonic()
    async with sandbox.http.get(url, headers=headers) as answer:
        assert answer.status == 200
    assert time.monotonic() - began >= 0.3
    assert (await sandbox.get("/fault")) == {"gateway": {}, "rest": []}


async def test_faults_do_not_touch_the_control_api(sandbox: RunningSandbox) -> None:
    await sandbox.post("/fault", rest={"status": 500, "count": 1000})
    assert (await sandbox.get("/state"))["faults"]["rest"][0]["count"] == 1000


async def test_several_shards_are_hit_one_by_one(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url) as zero, RawGateway(sandbox.gateway_url) as one:
        await zero.identify(TOKEN, intents=ALL, shard=[0, 2])
        await one.identify(TOKEN, intents=ALL, shard=[1, 2])
        await sandbox.post("/fault", connections={"do": "close", "code": 4000, "shard": 1})
        async with asyncio.timeout(5):
            assert await one.closed() == 4000
        await zero.send(1, None)
        payload = await zero.receive()
        while payload["op"] == 0:
            payload = await zero.receive()
        assert payload["op"] == 11


async def test_an_odd_event_has_the_next_number_and_is_replayed(
    sandbox: RunningSandbox, bot: RawGateway
) -> None:
    before = bot.seq
    odd = {"do": "event", "type": "NEW_EVENT", "data": '{"a":[1]}'}
    assert (await sandbox.post("/fault", connections=odd))["connections"] == 1
    assert await bot.receive() == {"t": "NEW_EVENT", "s": before + 1, "op": 0, "d": {"a": [1]}}
    async with RawGateway(sandbox.gateway_url) as again:
        await again.resume(TOKEN, bot.session_id, before)
        assert (await again.receive())["t"] == "NEW_EVENT"


async def test_a_frame_is_sent_as_it_is(sandbox: RunningSandbox, bot: RawGateway) -> None:
    await sandbox.post("/fault", connections={"do": "frame", "data": '{"op":77,"d":null,"t":null,"s":null}'})
    assert (await bot.receive())["op"] == 77
    refused: list[Any] = [
        {"do": "event", "type": 'A"B'},
        {"do": "event"},
        {"do": "frame", "data": 5},
        {"do": []},
    ]
    for wrong in refused:
        await sandbox.refused("POST", "/fault", {"connections": wrong})
