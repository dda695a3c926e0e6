from __future__ import annotations

import asyncio
import json

import pytest

from integration.gateway.harness import running
from integration.gateway.scripted import Peer, listening
from nescord_core.errors import GatewayCommandError


async def welcome(peer: Peer) -> None:
    await peer.hello()
    asked = (await peer.receive())["op"]
    while asked == 1:
        asked = (await peer.receive())["op"]
    if asked == 2:
        await peer.ready()
    else:
        await peer.event(50, "RESUMED")


async def lasting(peer: Peer) -> None:
    await welcome(peer)
    await peer.until_gone()


async def test_a_command_is_sent_as_it_is() -> None:
    async with listening(lasting) as server, running(server.url) as run:
        await run.seen("READY")
        await run.cluster.command(0, 8, b'{"guild_id":"7","query":"","limit":0,"nonce":"n"}', 5.0)
        await run.until(lambda: any(p["op"] == 8 for p in server.peers[0].received))
        sent = next(p for p in server.peers[0].received if p["op"] == 8)
        assert sent["d"] == {"guild_id": "7", "query": "", "limit": 0, "nonce": "n"}
        assert run.cluster.stats()[0].commands_sent == 1


async def test_commands_wait_for_a_reconnect() -> None:
    gate = asyncio.Event()

    async def breaks(peer: Peer) -> None:
        await welcome(peer)
        peer.reset()

    async def slow(peer: Peer) -> None:
        await gate.wait()
        await lasting(peer)

    async with (
        listening(breaks, slow) as server,
        running(server.url, hello_timeout=10.0) as run,
        asyncio.TaskGroup() as tasks,
    ):
        await run.seen("READY")
        await run.until(lambda: len(server.peers) == 2)
        command = tasks.create_task(run.cluster.command(0, 3, b'{"status":"idle"}', 10.0))
        await run.until(lambda: run.cluster.stats()[0].commands_waiting == 1)
        gate.set()
        await command
        await run.until(lambda: any(p["op"] == 3 for p in server.peers[1].received))


async def test_a_command_that_cannot_be_sent_in_time_says_so() -> None:
    async def mute(peer: Peer) -> None:
        await peer.until_gone()

    async with listening(mute) as server, running(server.url, hello_timeout=10.0) as run:
        await run.until(lambda: len(server.peers) == 1)
        with pytest.raises(GatewayCommandError, match="deadline"):
            await run.cluster.command(0, 3, b"{}", 0.1)
        assert run.cluster.stats()[0].commands_waiting == 0


async def test_the_121st_payload_in_a_minute_waits_and_heartbeats_still_go() -> None:
    async with listening(lasting) as server, running(server.url) as run:
        await run.seen("READY")
        results = await asyncio.gather(
            *(run.cluster.command(0, 3, b'{"n":%d}' % n, 0.5) for n in range(130)), return_exceptions=True
        )
        late = [r for r in results if isinstance(r, GatewayCommandError)]
        got = [p["d"]["n"] for p in server.peers[0].received if p["op"] == 3]
        assert got == list(range(len(got)))
        assert len(got) == 130 - len(late)
        assert 100 <= len(got) < 120
        await server.peers[0].send(1)
        await run.until(lambda: any(p["op"] == 1 for p in server.peers[0].received))


async def test_a_payload_over_4096_bytes_is_refused_and_never_sent() -> None:
    async with listening(lasting) as server, running(server.url) as run:
        await run.seen("READY")
        with pytest.raises(GatewayCommandError, match="4096"):
            await run.cluster.command(0, 8, json.dumps({"user_ids": ["1" * 18] * 300}).encode(), 5.0)
        assert len(server.peers) == 1


async def test_a_shard_that_is_not_held_here_is_named() -> None:
    async with listening(lasting) as server, running(server.url) as run:
        await run.seen("READY")
        with pytest.raises(GatewayCommandError, match="Shard 7"):
            await run.cluster.command(7, 3, b"{}", 1.0)


async def test_minus_one_means_every_shard() -> None:
    async with listening(lasting) as server, running(server.url, shards=2) as run:
        await run.seen("READY", 2)
        await run.cluster.command(-1, 3, b"{}", 5.0)
        await run.until(lambda: sum(p["op"] == 3 for s in server.peers for p in s.received) == 2)
        with pytest.raises(GatewayCommandError, match="may not send opcode"):
            await run.cluster.command(-1, 1, b"{}", 5.0)


async def test_the_last_presence_is_part_of_the_next_identify() -> None:
    async def ends(peer: Peer) -> None:
        await welcome(peer)
        await peer.expect(3)
        await peer.send(9, False)
        await peer.until_gone()

    async with listening(ends, lasting) as server, running(server.url) as run:
        await run.seen("READY")
        await run.cluster.command(0, 3, b'{"status":"dnd","activities":[]}', 5.0)
        await run.seen("READY", 2)
        identify = next(p["d"] for p in server.peers[1].received if p["op"] == 2)
        assert identify["presence"] == {"status": "dnd", "activities": []}


async def test_commands_still_waiting_at_the_stop_are_told() -> None:
    async def mute(peer: Peer) -> None:
        await peer.until_gone()

    async with listening(mute) as server, running(server.url, hello_timeout=10.0) as run:
        await run.until(lambda: len(server.peers) == 1)
        waiting = asyncio.gather(run.cluster.command(0, 3, b"{}", 60.0), return_exceptions=True)
        await run.until(lambda: run.cluster.stats()[0].commands_waiting == 1)
        run.cluster.request_stop()
        (result,) = await waiting
        assert isinstance(result, GatewayCommandError)
        with pytest.raises(GatewayCommandError, match="stopped"):
            await run.cluster.command(0, 3, b"{}", 1.0)
