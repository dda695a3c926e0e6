from __future__ import annotations

import asyncio

import pytest

from integration.gateway.harness import running
from integration.gateway.scripted import Peer, listening
from nescord_core.errors import FatalClose, IdentifyBudgetSpent
from nescord_core.gateway.identify.queue import SessionStartLimit


async def lasting(peer: Peer) -> None:
    await peer.hello()
    await peer.expect(2)
    await peer.ready()
    peer.left_with = await peer.until_gone()


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013, 4014])
async def test_a_fatal_close_ends_the_cluster_and_names_code_and_shard(code: int) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ws.close(code=code)

    async with listening(refuse) as server, running(server.url) as run:
        await run.until(lambda: "error" in run.extra)
        error = run.extra["error"]
        assert isinstance(error, FatalClose)
        assert (error.code, error.shard_id) == (code, 0)
        assert len(server.peers) == 1


@pytest.mark.parametrize("while_resuming", [False, True])
async def test_a_token_that_is_reset_while_running_ends_the_cluster_and_is_not_tried_again(
    while_resuming: bool,
) -> None:
    async def works(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ready()
        await peer.ws.close(code=4000 if while_resuming else 4004)

    async def refuse(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(6)
        await peer.ws.close(code=4004)

    async with listening(works, refuse) as server, running(server.url) as run:
        await run.until(lambda: "error" in run.extra)
        error = run.extra["error"]
        assert isinstance(error, FatalClose)
        assert (error.code, error.exit_code) == (4004, 2)
        await asyncio.sleep(0.2)  # twice the longest wait between two tries
        assert len(server.peers) == 1 + while_resuming


async def test_one_shard_s_fatal_close_stops_the_others_with_their_sessions_kept() -> None:
    async def script(peer: Peer) -> None:
        await peer.hello()
        identify = await peer.expect(2)
        if identify["shard"][0] == 1:
            await peer.ws.close(code=4014)
            return
        await peer.ready()
        peer.left_with = await peer.until_gone()

    async with listening(script) as server, running(server.url, shards=2) as run:
        await run.until(lambda: "error" in run.extra)
        assert isinstance(run.extra["error"], FatalClose)
        assert [p.left_with for p in server.peers if p.left_with] == [4000]
        assert await run.store.load(0, shard_count=2, intents=513) is not None


@pytest.mark.parametrize(("keep", "code"), [(True, 4000), (False, 1000)])
async def test_stopping_keeps_the_session_or_ends_it_as_told(keep: bool, code: int) -> None:
    async with listening(lasting) as server, running(server.url) as run:
        await run.seen("READY")
        await run.until(lambda: run.cluster.ready)
        run.cluster.request_stop(keep_session=keep)
        assert run.task is not None
        await run.task
        saved = await run.store.load(0, shard_count=1, intents=513)
        assert (saved is not None) is keep
        await run.until(lambda: server.peers[0].left_with is not None)
        assert server.peers[0].left_with == code


async def test_a_peer_that_answers_no_close_does_not_hold_up_the_stop() -> None:
    async def deaf(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ready()
        await asyncio.Event().wait()

    async with listening(deaf) as server, asyncio.timeout(20), running(server.url) as run:
        await run.seen("READY")


async def test_stopping_before_anything_is_connected() -> None:
    async with listening(lasting) as server, running(server.url) as run:
        run.cluster.request_stop()
        assert run.task is not None
        await run.task
        assert run.extra == {}


async def test_a_session_start_limit_of_0_is_refused_before_discord_resets_the_token() -> None:
    async with (
        listening(lasting) as server,
        running(server.url, limit=SessionStartLimit(remaining=0, reset_after=3600)) as run,
    ):
        await run.until(lambda: "error" in run.extra)
        assert isinstance(run.extra["error"], IdentifyBudgetSpent)
        assert all(payload["op"] != 2 for peer in server.peers for payload in peer.received)


async def test_a_spent_limit_stops_no_shard_that_is_connected(caplog: pytest.LogCaptureFixture) -> None:
    async def script(peer: Peer) -> None:
        await peer.hello()
        shard = (await peer.expect(2))["shard"][0]
        await peer.ready()
        if shard == 1:
            await both.wait()
            await peer.send(9, False)
        await peer.until_gone()

    both = asyncio.Event()
    limit = SessionStartLimit(remaining=52, reset_after=3600, max_concurrency=2)
    async with listening(script) as server, running(server.url, shards=2, limit=limit) as run:
        await run.seen("READY", 2)
        both.set()
        await run.until(lambda: "kept in reserve" in caplog.text)
        assert [stats.state for stats in run.cluster.stats()] == ["connected", "waiting"]
        assert run.extra == {}
