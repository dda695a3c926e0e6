"""Sender and receiver over real sockets, in one process."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from nescord_core.errors import GatewayCommandError
from nescord_core.settings import MainSettings, SecuritySettings, WsSettings
from support.dispatch.peers import Main, Ws, event, until

WS = WsSettings(token="t", intents=0)
MAIN = MainSettings(drain_timeout=2.0)


def error_of(ws: Ws) -> str:
    replicas = ws.sender.stats().replicas
    return replicas[0].error if replicas else ""


async def test_events_arrive_in_order_and_their_session_is_acknowledged(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as main, Ws(main.address).running() as ws:
        ws.put(event(seq, guild=seq % 7, data=b'{"n":%d}' % seq) for seq in range(1, 2001))
        await until(lambda: ws.reported.get((0, "s")) == 2000)
        assert main.seqs == list(range(1, 2001))
        assert main.got[41].envelope == event(42, guild=0, data=b'{"n":42}')
        assert ws.sender.stats().depth == 0


async def test_a_clock_that_jumps_changes_nothing(tmp_path: Path) -> None:
    """The time of receipt is passed on, and not used for anything else."""
    async with Main(tmp_path, auto=False).listening() as main, Ws(main.address).running() as ws:
        times = (1.7e9, 1.7e9 + 86_400 * 365 * 30, 0.0, 1.7e9 - 3600.0)
        ws.put(event(seq)._replace(received_at=times[seq % 4]) for seq in range(1, 101))
        await until(lambda: len(main.got) == 100)
        assert main.seqs == list(range(1, 101))
        assert ws.sender.stats().oldest_age >= 0.0
        for delivery in main.got:
            main.receiver.done(delivery)
        await until(lambda: ws.reported == {(0, "s"): 100})


async def test_events_that_came_before_main_was_there_are_delivered(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as first:
        port = first.port
    async with Ws(f"127.0.0.1:{port}").running() as ws:
        ws.put(event(seq) for seq in range(1, 11))
        await until(lambda: ws.sender.stats().replicas and ws.sender.stats().replicas[0].error)
        assert not ws.sender.attached
        assert "not available yet" in ws.sender.stats().replicas[0].error
        async with Main(tmp_path).listening(port) as main:
            await until(lambda: len(main.got) == 10)
            assert ws.sender.attached
            assert not any(delivery.envelope.redelivered for delivery in main.got)


async def test_only_what_was_done_is_acknowledged(tmp_path: Path) -> None:
    """The persisted sequence number advances only over events that were acknowledged."""
    async with Main(tmp_path, auto=False).listening() as main, Ws(main.address).running() as ws:
        ws.put(event(seq) for seq in range(1, 6))
        await until(lambda: len(main.got) == 5)
        for at in (4, 2, 0):
            main.receiver.done(main.got[at])
        await until(lambda: ws.sender.stats().depth == 2)
        await until(lambda: ws.reported == {(0, "s"): 1})
        main.receiver.done(main.got[1])
        await until(lambda: ws.reported == {(0, "s"): 3})


async def test_a_large_event_passes(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as main, Ws(main.address).running() as ws:
        data = json.dumps({"members": "m" * 24_000_000}).encode()
        ws.put([event(1), event(2, kind="GUILD_CREATE", data=data), event(3)])
        await until(lambda: len(main.got) == 3)
        assert main.got[1].envelope.data == data


async def test_a_slow_replica_does_not_stall_the_other(tmp_path: Path) -> None:
    slow = Main(tmp_path / "a", auto=False, settings=replace(MAIN, credit=4))
    async with (
        slow.listening(),
        Main(tmp_path / "b").listening() as fast,
        Ws(slow.address, fast.address).running() as ws,
    ):
        await until(lambda: sum(r.state == "attached" for r in ws.sender.stats().replicas) == 2)
        ws.put(event(seq, guild=seq) for seq in range(1, 1001))
        share = sum(ws.sender.partition.owner(guild) == fast.address for guild in range(1, 1001))
        assert 300 < share < 700
        await until(lambda: len(fast.got) == share)
        await until(lambda: len(slow.got) == 4)
        assert ws.sender.stats().queued == 1000 - share - 4
        slow.auto = True
        for delivery in list(slow.got):
            slow.receiver.done(delivery)
        await until(lambda: ws.sender.stats().depth == 0)
        assert not set(slow.seqs) & set(fast.seqs)


async def test_an_event_still_running_for_a_lost_stream_is_not_started_again(tmp_path: Path) -> None:
    async with Main(tmp_path, auto=False).listening() as first:
        async with Ws(first.address).running() as ws:
            ws.put(event(seq) for seq in range(1, 4))
            await until(lambda: len(first.got) == 3)
        # A new ws process redelivers the same events; main recognizes those that are still running.
        async with Ws(first.address).running() as ws:
            ws.put([event(1)._replace(redelivered=True), event(2)._replace(redelivered=True)])
            await until(lambda: first.receiver.stats().duplicates == 2)
            first.receiver.done(first.got[0])
            await until(lambda: ws.sender.stats().depth == 1)
            first.receiver.done(first.got[1])
            await until(lambda: ws.reported == {(0, "s"): 2})
            assert len(first.got) == 3


async def test_a_finished_event_is_not_handled_twice_by_any_replica_with_the_same_state(
    tmp_path: Path,
) -> None:
    async with Main(tmp_path).listening() as first, Ws(first.address).running() as ws:
        ws.put(event(seq) for seq in range(1, 11))
        await until(lambda: ws.reported == {(0, "s"): 10})
        second = Main(tmp_path, replica="1")
        async with second.listening(), Ws(second.address).running() as other:
            other.put(event(seq)._replace(redelivered=True) for seq in range(1, 13))
            await until(lambda: other.reported == {(0, "s"): 12})
            assert second.seqs == [11, 12]


@pytest.mark.parametrize("lease", [600.0, 0.4])
async def test_what_an_earlier_ws_sent_waits_until_no_replica_can_begin_it_any_more(
    tmp_path: Path, lease: float
) -> None:
    """A frozen replica still holds a lease from the ws process that was killed."""
    settings = replace(WS, lease=lease, keepalive=1200.0, outbox_disk_mb=0)
    async with Main(tmp_path).listening() as main, Ws(main.address, settings=settings).running() as ws:
        ws.put([event(1)])
        await until(lambda: main.seqs == [1])
        ws.put([event(2)._replace(redelivered=True), event(3)])
        await asyncio.sleep(0.1)
        if lease > 1:
            await asyncio.sleep(0.3)
            assert main.seqs == [1]
        else:
            await until(lambda: main.seqs == [1, 2, 3])


async def test_two_events_with_equal_content_are_two_events(tmp_path: Path) -> None:
    """An event's identity is (shard, session id, seq), not a hash of its content."""
    async with Main(tmp_path).listening() as main, Ws(main.address).running() as ws:
        ws.put([event(1, data=b"same"), event(2, data=b"same"), event(1, session="t", data=b"same")])
        ws.put([event(1, shard=1, session="t", data=b"same")._replace(redelivered=True)])
        await until(lambda: len(main.got) == 4)


async def test_commands_go_to_the_stream_that_has_the_shard(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as main, Ws(main.address).running() as ws:
        send = main.receiver.command
        await send(shard_id=1, op=3, data=b"{}", deadline=5)
        await send(guild_id=3 << 22, op=4, data=b"{}", deadline=5)
        await send(guild_id=2 << 22, op=4, data=b"{}", deadline=5)
        assert ws.commands == [(1, 3, b"{}"), (1, 4, b"{}"), (0, 4, b"{}")]
        ws.commands.clear()
        await send(op=3, data=b"{}", deadline=5)
        assert sorted(ws.commands) == [(0, 3, b"{}"), (1, 3, b"{}")]
        ws.refuse = "Shard 1 said no."
        with pytest.raises(GatewayCommandError, match="said no"):
            await send(shard_id=1, op=3, data=b"{}", deadline=5)
        with pytest.raises(GatewayCommandError, match="shard 9 was not sent"):
            await send(shard_id=9, op=3, data=b"{}", deadline=0.05)


async def test_a_command_waits_for_ws(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as main, asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(main.receiver.command(shard_id=0, op=3, data=b"{}", deadline=20))
        await asyncio.sleep(0.05)
        assert not sending.done()
        async with Ws(main.address).running() as ws:
            await sending
            assert ws.commands == [(0, 3, b"{}")]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("GUILD_MEMBERS_CHUNK", b'{"guild_id":"1","members":[],"nonce":"n"}'),
        ("RATE_LIMITED", b'{"opcode":8,"retry_after":1.0,"meta":{"guild_id":"1","nonce":"n"}}'),
    ],
)
async def test_the_answer_to_a_command_goes_to_the_replica_that_asked(
    tmp_path: Path, kind: str, answer: bytes
) -> None:
    """Chunks go to the replica that requested them, routed by nonce."""
    async with (
        Main(tmp_path / "a").listening() as first,
        Main(tmp_path / "b").listening() as second,
        Ws(first.address, second.address).running() as ws,
    ):
        await until(lambda: sum(r.state == "attached" for r in ws.sender.stats().replicas) == 2)
        asked: list[Main] = []
        for main in (first, second):
            asked.append(main)
            await main.receiver.command(shard_id=0, op=8, data=b'{"nonce":"n"}', deadline=5)
            ws.put(
                event(seq + len(ws.commands) * 100, guild=seq, kind=kind, data=answer) for seq in range(1, 21)
            )
            await until(lambda: [len(main.got) for main in asked] == [20] * len(asked))
        assert len(first.got) == 20


async def test_a_wrong_secret_is_refused_and_a_right_one_is_not(tmp_path: Path) -> None:
    main = Main(tmp_path, settings=replace(MAIN, security=SecuritySettings(secret="right")))
    async with main.listening():
        tried: list[Ws] = []
        for secret in (None, "wrong"):
            ws = Ws(main.address, settings=replace(WS, security=SecuritySettings(secret=secret)))
            tried.append(ws)
            async with ws.running():
                ws.put([event(1)])
                await until(lambda: error_of(tried[-1]))
                assert "secret" in error_of(ws)
        assert main.got == []
        ws = Ws(main.address, settings=replace(WS, security=SecuritySettings(secret="right")))
        async with ws.running():
            ws.put([event(1)])
            await until(lambda: len(main.got) == 1)


async def test_shed_events_are_counted_by_shard_and_the_newest_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ws = Ws("127.0.0.1:1", settings=replace(WS, outbox_events=10, outbox_disk_mb=0))
    ws.put(event(seq) for seq in range(1, 101))
    assert ws.sender.stats().shed == {0: 90}
    assert ws.sender.stats().depth == 10
    assert len([r for r in caplog.records if "outbox is full" in r.message]) == 1
    async with Main(tmp_path).listening() as main:
        survivors = Ws(main.address, settings=replace(WS, outbox_events=10, outbox_disk_mb=0))
        survivors.put(event(seq) for seq in range(1, 101))
        async with survivors.running():
            await until(lambda: survivors.reported == {(0, "s"): 100})
            assert main.seqs == list(range(91, 101))


async def test_the_sender_waits_for_the_rest_when_it_drains(tmp_path: Path) -> None:
    async with Main(tmp_path, auto=False).listening() as main, Ws(main.address).running() as ws:
        ws.put([event(1), event(2)])
        await until(lambda: len(main.got) == 2)
        assert await ws.sender.drain(0.05) == 2
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(ws.sender.drain(20))
            for delivery in main.got:
                main.receiver.done(delivery)
        assert draining.result() == 0
        assert ws.reported == {(0, "s"): 2}


async def test_every_address_behind_a_name_is_a_replica(tmp_path: Path) -> None:
    known: list[str] = []

    async def lookup(name: str, port: int) -> list[str]:
        assert (name, port) == ("bot-main", 5000)
        if not known:
            raise OSError(-2, "Name or service not known")
        return list(known)

    ws = Ws("dns:///bot-main:5000", settings=replace(WS, resolve_interval=0.02), lookup=lookup)
    async with (
        Main(tmp_path / "a").listening() as first,
        Main(tmp_path / "b").listening() as second,
        ws.running(),
    ):
        ws.put(event(seq, guild=seq) for seq in range(1, 51))
        known.append(first.address)
        await until(lambda: len(first.got) == 50)
        known.append(second.address)
        await until(lambda: sum(r.state == "attached" for r in ws.sender.stats().replicas) == 2)
        ws.put(event(seq, guild=seq) for seq in range(51, 101))
        await until(lambda: len(first.got) + len(second.got) == 100)
        assert second.got
