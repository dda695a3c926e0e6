"""The outbox on disk: main away, ws killed, damaged files, disk unavailable."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from nescord_core.dispatch.sender.sender import HelloFacts, Sender
from nescord_core.dispatch.sender.spool.callbacks import SessionCallbacks
from nescord_core.dispatch.sender.spool.files import read_file
from nescord_core.dispatch.sender.spool.records import decode
from nescord_core.settings import WsSettings
from support.dispatch.peers import PAYLOAD, Main, Ws, event, until

SMALL = WsSettings(token="t", intents=0, outbox_events=400, outbox_disk_mb=64, redial_max=0.2)


def spooled(state_dir: Path) -> list[Path]:
    return sorted((state_dir / "spool").rglob("*.events"))


@pytest.mark.bound("Events in ws: events waiting in a cluster's memory")
async def test_main_away_memory_keeps_its_bound_and_everything_arrives_in_order(tmp_path: Path) -> None:
    ws = Ws("127.0.0.1:1", settings=replace(SMALL, state_dir=tmp_path))
    total, guilds = 6000, 7
    async with ws.running():
        for seq in range(1, total + 1):
            ws.put([event(seq, guild=seq % guilds + 1, data=PAYLOAD)])
            if seq % 100 == 0:
                await until(lambda: ws.sender.outbox.events <= 250)
        stats = ws.sender.stats()
        assert stats.depth == total
        assert stats.spilled > total - 500
        assert stats.bytes < 400 * 2000
        async with Main(tmp_path).listening() as main:
            ws.sender.settings = replace(ws.sender.settings, grpc_hosts=(main.address,))
            ws.sender._reconcile({main.address}, ws.sender._tasks)  # type: ignore[arg-type]
            await until(lambda: len(main.got) == total)
            for guild in range(1, guilds + 1):
                seqs = [d.envelope.seq for d in main.got if d.envelope.guild_id == guild]
                assert seqs == sorted(seqs)
            assert not any(d.envelope.redelivered for d in main.got)
            await until(lambda: ws.reported.get((0, "s")) == total)
            await until(lambda: not spooled(tmp_path))
    assert ws.sender.stats().shed == {}
    assert not list((tmp_path / "spool").iterdir())


@pytest.mark.bound("Events in ws: events and their copies on disk, for each cluster")
async def test_past_the_bound_on_disk_the_oldest_are_given_up_and_all_is_accounted_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ws = Ws("127.0.0.1:1", settings=replace(SMALL, state_dir=tmp_path, outbox_disk_mb=1))
    total = 5000
    async with ws.running():
        for seq in range(1, total + 1):
            ws.put([event(seq, data=PAYLOAD)])
            if seq % 100 == 0:
                await until(lambda: ws.sender.outbox.events <= 250)
                await until(lambda: ws.sender.stats().disk_bytes <= 1 << 20)
        shed = ws.sender.stats().shed[0]
        assert 0 < shed < total
        async with Main(tmp_path).listening() as main:
            ws.sender._reconcile({main.address}, ws.sender._tasks)  # type: ignore[arg-type]
            await until(lambda: len(main.got) + ws.sender.stats().shed[0] == total)
            assert main.seqs == list(range(total - len(main.got) + 1, total + 1))
            await until(lambda: ws.reported.get((0, "s")) == total)
    assert len([r for r in caplog.records if "drops its oldest events" in r.message]) == 1


async def test_that_events_are_given_up_is_said_once_a_minute_for_as_long_as_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now, seqs = 1000.0, iter(range(1, 1000))
    monkeypatch.setattr(time, "monotonic", lambda: now)
    ws = Ws("127.0.0.1:1", settings=replace(SMALL, outbox_events=10, outbox_disk_mb=0))
    ws.put(event(next(seqs)) for _ in range(10))
    said = []
    for after in (0.0, 1.0, 58.9, 0.2, 59.9, 600.0, 0.0):
        now += after
        ws.put([event(next(seqs)), event(next(seqs))])
        said.append([int(r.args[2]) for r in caplog.records])  # type: ignore[index, arg-type]
        caplog.clear()
    assert said == [[1], [], [], [7], [], [11], []], "once a minute, with what was lost so far"
    assert ws.sender.stats().shed == {0: 14}


async def test_a_disk_that_cannot_be_written_is_said_and_memory_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ws = Ws("127.0.0.1:1", settings=replace(SMALL, state_dir=tmp_path / "gone"))
    async with ws.running():
        for seq in range(1, 1501):
            ws.put([event(seq)])
            if seq % 100 == 0:
                await asyncio.sleep(0.03)
        stats = ws.sender.stats()
        assert stats.disk_error
        async with Main(tmp_path).listening() as main:
            ws.sender._reconcile({main.address}, ws.sender._tasks)  # type: ignore[arg-type]
            await until(lambda: ws.sender.stats().depth == 0)
            assert main.seqs == sorted(main.seqs)
            assert len(main.got) + ws.sender.stats().shed[0] == 1500
            assert len(main.got) >= 380
    assert len([r for r in caplog.records if "cannot write the spool" in r.message]) == 1


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from dataclasses import replace
from nescord_core.dispatch.sender.sender import HelloFacts, Sender
from nescord_core.dispatch.sender.spool.callbacks import SessionCallbacks
from nescord_core.settings import WsSettings
from nescord_core.envelope import Envelope

async def command(*_): pass

async def main():
    settings = WsSettings(token="t", intents=0, outbox_events=100, replay_events=10_000,
        grpc_hosts=("127.0.0.1:1",), state_dir=Path(sys.argv[1]))
    hello = HelloFacts("killed", (0, 1), 2)
    sender = Sender(settings, hello=hello, acknowledged=lambda *_: None, command=command)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sender.run())
        await asyncio.sleep(0.2)
        for seq in range(1, 301):
            sender.put(Envelope(seq % 2, f"old{seq % 2}", seq, "T", 1 + seq % 2, 1 + seq % 2, b"{}", 1.0))
            while sender.outbox.events > 80:
                await asyncio.sleep(0.01)
        while sender.stats().spilled < 250:
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def killed(state_dir: Path) -> None:
    """Leave the files of a ws process of shards 0 and 1 that was killed with 250 of 300 events on disk."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(state_dir))
    assert await process.wait() == -signal.SIGKILL
    assert spooled(state_dir)


async def test_after_kill_9_the_events_of_a_lost_session_come_from_disk_and_those_of_a_resumed_one_do_not(
    tmp_path: Path,
) -> None:
    """A RESUME replays everything above the acknowledged seq; only ended sessions need the disk."""
    await killed(tmp_path)
    async with Main(tmp_path).listening() as main:
        ws = Ws(main.address, settings=replace(SMALL, state_dir=tmp_path))
        async with ws.running():
            spillway = ws.sender._spool
            assert spillway is not None
            await ws.sender.recovered()
            assert spillway.undecided.keys() == {0, 1}
            ws.put([event(1000, session="old0", shard=0)._replace(redelivered=True)])
            ws.put([event(1, session="new", shard=1, guild=2, kind="READY")])
            await until(lambda: len(main.got) == 2 + 125)
            await asyncio.sleep(0.1)
            await until(lambda: not spooled(tmp_path))
        old = [d.envelope for d in main.got if d.envelope.session_id == "old1"]
        assert [e.seq for e in old] == list(range(51, 301, 2))
        assert all(e.redelivered for e in old)
        assert main.got[-1].envelope.session_id == "new", "a new event overtook the old ones of its guild"
        assert [d.envelope.seq for d in main.got if d.envelope.session_id == "old0"] == [1000]
        assert ws.sender.stats().recovered == 125


async def test_an_incomplete_last_write_costs_only_its_own_events(tmp_path: Path) -> None:
    await killed(tmp_path)
    last = spooled(tmp_path)[-1]
    whole = len(read_file(last))
    os.truncate(last, last.stat().st_size - 50)
    lost = whole - len(decode(int(last.stem), last.read_bytes()).items)
    assert 0 < lost <= 64
    async with Main(tmp_path).listening() as main:
        ws = Ws(main.address, settings=replace(SMALL, state_dir=tmp_path))
        async with ws.running():
            spillway = ws.sender._spool
            assert spillway is not None
            await ws.sender.recovered()
            assert spillway.undecided.keys() == {0, 1}
            ws.put([event(1, session="new", shard=0), event(1, session="new", shard=1)])
            await until(lambda: len(main.got) == 2 + 250 - lost)


@pytest.mark.bound("state_dir: a spool file that is damaged in the middle")
async def test_damage_in_the_middle_costs_the_block_it_hits_and_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await killed(tmp_path)
    largest = max(spooled(tmp_path), key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 10] = bytes(10)
    largest.write_bytes(data)
    lost = 250 - sum(len(decode(int(path.stem), path.read_bytes()).items) for path in spooled(tmp_path))
    assert 0 < lost <= 64
    async with Main(tmp_path).listening() as main:
        ws = Ws(main.address, settings=replace(SMALL, state_dir=tmp_path))
        async with ws.running():
            await ws.sender.recovered()
            ws.put([event(1, session="new", shard=0), event(1, session="new", shard=1)])
            await until(lambda: len(main.got) == 2 + 250 - lost)
    # A file may have a single block: it is set aside then.
    damaged = [each.message for each in caplog.records if f"{largest.name} is damaged" in each.message]
    assert len(damaged) == 1
    assert "is damaged: skipping" in damaged[0] or "it contains no intact event" in damaged[0]


async def test_shards_that_nobody_holds_any_more_are_delivered_at_once(tmp_path: Path) -> None:
    await killed(tmp_path)
    async with Main(tmp_path).listening() as main:
        ws = Ws(main.address, settings=replace(SMALL, state_dir=tmp_path))
        ws.sender = Sender(
            ws.sender.settings,
            hello=HelloFacts("c", (0,), 1),
            acknowledged=ws._acknowledged,
            command=ws._command,
        )
        async with ws.running():
            await until(lambda: len(main.got) == 125)
            assert {d.envelope.session_id for d in main.got} == {"old1"}


async def test_what_is_unfinished_at_an_orderly_end_is_kept(tmp_path: Path) -> None:
    ws = Ws("127.0.0.1:1", settings=replace(SMALL, state_dir=tmp_path))
    async with ws.running():
        await asyncio.sleep(0.05)
        for seq in range(1, 1001):
            ws.put([event(seq, session="old", guild=seq % 3 + 1)])
            if seq % 100 == 0:
                await until(lambda: ws.sender.outbox.events <= 250)
        await until(lambda: ws.sender.stats().spilled > 700)
        ws.put(event(seq, session="old", guild=seq % 3 + 1) for seq in range(1001, 1011))
    async with Main(tmp_path).listening() as main:
        again = Ws(main.address, settings=replace(SMALL, state_dir=tmp_path))
        async with again.running():
            spillway = again.sender._spool
            assert spillway is not None
            await again.sender.recovered()
            assert spillway.undecided
            again.put([event(1, session="new")])
            await until(lambda: len(main.got) == 1011)
            for guild in range(1, 4):
                seqs = [d.envelope.seq for d in main.got if d.envelope.guild_id == guild]
                assert [s for s in seqs if s > 1] == sorted(s for s in seqs if s > 1)
            await until(lambda: again.sender.stats().depth == 0)
        assert not spooled(tmp_path)


async def test_a_burst_larger_than_memory_goes_to_disk_and_none_of_it_is_dropped(tmp_path: Path) -> None:
    """The events come within one turn of the loop, before the thread that writes gets any."""
    ws = Ws("127.0.0.1:1", settings=replace(SMALL, state_dir=tmp_path, outbox_disk_mb=500))
    async with ws.running():
        await ws.sender.recovered()
        ws.put(event(seq, guild=seq % 7 + 1, data=PAYLOAD) for seq in range(1, 3001))
        assert ws.sender.stats().shed == {}
        assert ws.sender.outbox.events <= 400
        async with Main(tmp_path).listening() as main:
            ws.sender._reconcile({main.address}, ws.sender._tasks)  # type: ignore[arg-type]
            await until(lambda: len(main.got) == 3000)
            for guild in range(1, 8):
                seqs = [d.envelope.seq for d in main.got if d.envelope.guild_id == guild]
                assert seqs == sorted(seqs)


async def test_a_slow_main_with_much_credit_fills_the_disk_and_not_memory(tmp_path: Path) -> None:
    async with Main(tmp_path, auto=False).listening() as main:
        ws = Ws(main.address, settings=replace(SMALL, state_dir=tmp_path, outbox_disk_mb=500))
        async with ws.running():
            await ws.sender.recovered()
            for seq in range(1, 3001):
                ws.put([event(seq)])
                if seq % 20 == 0:
                    await asyncio.sleep(0.001)
            assert ws.sender.stats().shed == {}
            assert ws.sender.outbox.events <= 400
            for index in range(3000):
                await until(lambda index=index: len(main.got) > index)  # type: ignore[misc]
                main.receiver.done(main.got[index])
            assert main.seqs == list(range(1, 3001))


async def test_what_precedes_the_resume_point_comes_from_disk_and_what_follows_from_discord(
    tmp_path: Path,
) -> None:
    await killed(tmp_path)
    async with Main(tmp_path).listening() as main:
        ws = Ws(main.address, settings=replace(SMALL, state_dir=tmp_path))
        async with ws.running():
            await ws.sender.recovered()
            ws.sender.resume(0, "old0", seq=200, acknowledged=100)
            ws.sender.resume(1, "old1", seq=299, acknowledged=299)
            ws.put([event(seq, session="old0")._replace(redelivered=True) for seq in (202, 204)])
            ws.put([event(301, session="old1", shard=1)])
            await until(lambda: len(main.got) == 50 + 2 + 1)
            await until(lambda: ws.reported.get((0, "old0")) == 204)
            await until(lambda: not spooled(tmp_path))
        got = [d.envelope for d in main.got if d.envelope.session_id == "old0"]
        assert [envelope.seq for envelope in got] == [*range(102, 201, 2), 202, 204]
        assert all(envelope.redelivered for envelope in got)


async def test_a_session_that_is_not_resumed_after_all_comes_from_disk_as_a_whole(tmp_path: Path) -> None:
    await killed(tmp_path)
    async with Main(tmp_path).listening() as main:
        ws = Ws(main.address, settings=replace(SMALL, state_dir=tmp_path))
        async with ws.running():
            await ws.sender.recovered()
            ws.sender.resume(0, "old0", seq=200, acknowledged=100)
            ws.put([event(1, session="new", kind="READY")])
            await until(lambda: len(main.got) == 100 + 1)
            seqs = [d.envelope.seq for d in main.got if d.envelope.session_id == "old0"]
            assert seqs == list(range(102, 301, 2))
            assert main.got[-1].envelope.session_id == "new"


async def test_an_event_that_cannot_be_written_is_set_aside_and_the_others_go_to_disk(tmp_path: Path) -> None:
    aside: list[int] = []
    ws = Ws(
        "127.0.0.1:1",
        settings=replace(SMALL, state_dir=tmp_path, outbox_events=10),
        callbacks=SessionCallbacks(set_aside=lambda envelope, _why: aside.append(envelope.seq)),
    )
    async with ws.running():
        await ws.sender.recovered()
        for seq in range(1, 101):
            ws.put([event(seq, guild=1 << 70 if seq == 50 else 1)])
        await until(lambda: aside == [50])
        async with Main(tmp_path).listening() as main:
            ws.sender._reconcile({main.address}, ws.sender._tasks)  # type: ignore[arg-type]
            await until(lambda: len(main.got) == 99)
            await until(lambda: ws.reported.get((0, "s")) == 100)
            assert 50 not in main.seqs
            assert ws.sender.stats().shed == {}
