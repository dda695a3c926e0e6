"""Main in processes of its own: drained next to a successor on the same port, killed, stopped."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import support.dispatch.peers
from nescord_core.settings import WsSettings
from support.dispatch.peers import Main, Ws, event, handled, until

WS = WsSettings(token="t", intents=0)


class Process:
    """A main process; see support.dispatch.peers."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.address = f"127.0.0.1:{port}"
        self.port = port


@asynccontextmanager
async def main_process(
    folder: Path, *, port: int = 0, generation: int = 1, delay: float = 0.0
) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        support.dispatch.peers.__file__,
        *(str(port), str(folder / "state"), str(folder / "out"), str(generation), str(delay)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield Process(process, int(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def feed(ws: Ws, first: int, count: int, *, per_second: int, guilds: int) -> None:
    for seq in range(first, first + count):
        ws.put([event(seq, guild=1 + seq % guilds)])
        await asyncio.sleep(1 / per_second)


def order_per_guild(rows: list[tuple[int, int, int, bool]]) -> None:
    by_guild = defaultdict(list)
    for _, guild, seq, _ in rows:
        by_guild[guild].append(seq)
    for guild, seqs in by_guild.items():
        assert seqs == sorted(seqs), f"guild {guild} out of order"


async def test_a_reload_under_load_handles_every_event_once_in_order(tmp_path: Path) -> None:
    async with (
        main_process(tmp_path, generation=1, delay=0.02) as old,
        Ws(old.address).running() as ws,
        asyncio.TaskGroup() as tasks,
    ):
        feeding = tasks.create_task(feed(ws, 1, 700, per_second=500, guilds=9))
        await until(lambda: len(handled(tmp_path / "out")) > 100)
        async with main_process(tmp_path, port=old.port, generation=2, delay=0.02) as new:
            assert new.port == old.port
            old.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(old.process.wait(), 20) == 0
            await feeding
            await until(lambda: ws.reported.get((0, "s")) == 700)
        rows = handled(tmp_path / "out")
        assert sorted(seq for _, _, seq, _ in rows) == list(range(1, 701))
        assert not any(marked for *_, marked in rows)
        assert {generation for generation, *_ in rows} == {1, 2}
        order_per_guild(rows)


async def test_a_killed_main_has_nothing_lost_and_what_may_run_twice_is_marked(tmp_path: Path) -> None:
    async with (
        main_process(tmp_path, generation=1, delay=0.05) as old,
        Ws(old.address).running() as ws,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(feed(ws, 1, 600, per_second=1000, guilds=5))
        await until(lambda: len(handled(tmp_path / "out")) > 100)
        old.process.kill()
        await old.process.wait()
        async with main_process(tmp_path, port=old.port, generation=2):
            await until(lambda: ws.reported.get((0, "s")) == 600)
    rows = handled(tmp_path / "out")
    assert {seq for _, _, seq, _ in rows} == set(range(1, 601))
    unmarked = [seq for _, _, seq, marked in rows if not marked]
    assert len(unmarked) == len(set(unmarked)), "handled twice without a mark"
    assert any(marked for *_, marked in rows)
    order_per_guild([row for row in rows if row[0] == 2])


async def test_a_stopped_process_is_found_by_keepalive_and_its_events_go_elsewhere(tmp_path: Path) -> None:
    settings = replace(WS, keepalive=0.5)
    async with (
        main_process(tmp_path) as frozen,
        Main(tmp_path / "b").listening() as other,
        Ws(frozen.address, other.address, settings=settings).running() as ws,
    ):
        await until(lambda: sum(r.state == "attached" for r in ws.sender.stats().replicas) == 2)
        frozen.process.send_signal(signal.SIGSTOP)
        ws.put(event(seq, guild=seq) for seq in range(1, 101))
        await until(lambda: len(other.got) == 100)
        marked = {delivery.envelope.seq for delivery in other.got if delivery.envelope.redelivered}
        assert marked
        assert ws.sender.stats().redelivered == len(marked)


async def test_what_is_unfinished_at_a_drain_goes_to_the_successor(tmp_path: Path) -> None:
    old = Main(tmp_path, auto=False)
    async with old.listening(), Ws(old.address).running() as ws:
        ws.put(event(seq, guild=seq) for seq in range(1, 5))
        await until(lambda: len(old.got) == 4)
        new = Main(tmp_path, generation=2)
        async with new.listening(old.port):
            old.receiver.done(old.got[0])
            assert await old.receiver.drain(0.3) == 3
            assert new.seqs == [], "an event moved while it was in flight"
            ws.put([event(5, guild=2), event(6, guild=9)])
            await until(lambda: new.seqs == [6])
            for delivery, started in zip(old.got[1:], (False, True, False), strict=True):
                old.receiver.handed_back(delivery, started=started)
            await until(lambda: ws.reported == {(0, "s"): 6})
            assert {(d.envelope.seq, d.envelope.redelivered) for d in new.got} == {
                (2, False),
                (3, True),
                (4, False),
                (5, False),
                (6, False),
            }
            assert new.seqs.index(2) < new.seqs.index(5)


async def test_an_event_that_meets_a_draining_main_is_handed_back_unstarted(tmp_path: Path) -> None:
    main = Main(tmp_path, auto=False)
    async with main.listening(), Ws(main.address).running() as ws:
        ws.put([event(1)])
        await until(lambda: main.got)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(main.receiver.drain(1.0))
            ws.put([event(2, guild=2)])
            await until(lambda: any(r.state == "draining" for r in ws.sender.stats().replicas))
            main.receiver.done(main.got[0])
        assert main.seqs == [1]
        await until(lambda: ws.sender.stats().depth == 1)
        assert ws.sender.stats().redelivered == 0


async def test_a_drain_waits_for_what_is_still_on_its_way_and_marks_nothing(tmp_path: Path) -> None:
    old = Main(tmp_path)
    new = Main(tmp_path, generation=2)
    async with AsyncExitStack() as leaving, AsyncExitStack() as staying:
        await leaving.enter_async_context(old.listening())
        ws = await staying.enter_async_context(Ws(old.address).running())
        await until(lambda: ws.sender.attached)
        await staying.enter_async_context(new.listening(old.port))
        for burst in range(20):
            ws.put(event(burst * 50 + seq, guild=seq) for seq in range(1, 51))
            if burst == 10:
                assert await old.receiver.drain(10.0) == 0
                await leaving.aclose()
            await asyncio.sleep(0.001)
        await until(lambda: ws.reported == {(0, "s"): 1000})
        assert old.got
        assert new.got
        assert sorted(old.seqs + new.seqs) == list(range(1, 1001))
        assert ws.sender.stats().redelivered == 0


async def test_without_a_successor_the_share_goes_to_the_others_after_the_grace(tmp_path: Path) -> None:
    leaving = Main(tmp_path / "a")
    async with Main(tmp_path / "b").listening() as other:
        settings = replace(WS, handover_grace=0.2)
        async with leaving.listening():
            ws = Ws(leaving.address, other.address, settings=settings)
            async with ws.running():
                await until(lambda: sum(r.state == "attached" for r in ws.sender.stats().replicas) == 2)
                await leaving.receiver.drain(1.0)
                ws.put(event(seq, guild=seq) for seq in range(1, 101))
                await until(lambda: ws.reported == {(0, "s"): 100})
                assert len(other.got) == 100


async def test_a_command_is_sent_again_when_ws_is_replaced(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as main, asyncio.TaskGroup() as tasks:
        stuck = Ws(main.address)
        begun = asyncio.Event()

        async def hang(shard_id: int, op: int, data: bytes, deadline: float) -> None:
            begun.set()
            await asyncio.Event().wait()

        stuck.sender._command = hang
        async with stuck.running():
            await until(lambda: main.receiver.attached)
            sending = tasks.create_task(main.receiver.command(shard_id=0, op=3, data=b"{}", deadline=20))
            await begun.wait()
        async with Ws(main.address).running() as ws:
            await sending
            assert ws.commands == [(0, 3, b"{}")]
