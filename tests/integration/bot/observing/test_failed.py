"""Failed events: recorded with traceback and identity, replayed, and set aside when they crash processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nescord_cli.app import app
from nescord_core import WsListener
from nescord_core.bot.runtime import Runtime
from nescord_core.errors import ConfigError
from nescord_core.services.recording.failed_events import collect, replay
from nescord_core.settings import MainSettings
from nescord_core.tracing.failed_events import CRASHED, RAISED, FailedLog, read
from support.dispatch.peers import until
from support.dispatch.sender import event, sending
from support.processes.commands import free_ports


async def no_command(*_: Any) -> None:
    raise AssertionError


async def served(
    listener: WsListener, state_dir: Path, work: Callable[[Any, list[int]], Coroutine[Any, Any, None]]
) -> None:
    settings = MainSettings(listen_port=0, state_dir=state_dir, drain_timeout=2.0)
    async with (
        Runtime(listener, settings) as runtime,
        sending(runtime.port, no_command) as (ws, acknowledged),
    ):
        await work(ws, acknowledged)


async def test_a_handler_that_raised_is_recorded_and_the_event_can_be_sent_again(tmp_path: Path) -> None:
    listener, broken, seen = WsListener(), True, []

    @listener.on("message_create")
    async def careful(message: Any, event: Any) -> None:
        seen.append((message.n, event.redelivered))
        if broken and message.n == 2:
            raise ValueError("two is too many")

    async def work(ws: Any, acknowledged: list[int]) -> None:
        nonlocal broken
        for seq in (1, 2, 3):
            ws.put(event(seq, guild=5))
        await until(lambda: acknowledged[-1] == 3)
        (failure,) = collect(tmp_path)
        last = failure.last
        assert (last.kind, last.shard_id, last.session_id, last.seq) == (RAISED, 0, "session", 2)
        assert last.guild_id == 5
        assert "two is too many" in last.error
        assert "careful" in last.handler
        assert "raise ValueError" in last.traceback

        again = await asyncio.to_thread(replay, tmp_path, [last.id], timeout=10.0)
        assert again.failed == [last.id]
        assert collect(tmp_path)[0].times == 2
        broken = False
        again = await asyncio.to_thread(replay, tmp_path, None, timeout=10.0)
        assert again.handled == [last.id]
        assert collect(tmp_path)[0].resolved
        assert seen == [(1, False), (2, False), (3, False), (2, True), (2, True)]
        assert (await asyncio.to_thread(replay, tmp_path, None, timeout=1.0)).handled == []

    await served(listener, tmp_path, work)


def test_the_commands_show_and_send_again(tmp_path: Path) -> None:
    (tmp_path / "nescord.toml").write_text('state_dir = "state"\n')
    (tmp_path / "state").mkdir()
    run = CliRunner().invoke
    project = ["--project", str(tmp_path)]
    assert "No failed events" in run(app, ["events", "failed", *project]).output
    log = FailedLog(tmp_path / "state")
    log.record(
        event(42, guild=7), RAISED, handler="ping", error="ValueError: no", traceback="Traceback\n  line\n"
    )
    log.record(event(43, guild=7), CRASHED)
    log.close()
    shown = run(app, ["events", "failed", "--traceback", *project]).output
    assert "0-ession-42  MESSAGE_CREATE guild 7  raised in ping: ValueError: no" in shown
    assert "    Traceback\n      line" in shown
    assert '"seq": 43' in run(app, ["events", "failed", "--json", *project]).output
    nobody = run(app, ["events", "replay", "0-ession-42", "--timeout", "0.2", *project])
    assert nobody.exit_code == 1
    assert "not picked up" in nobody.output
    assert not list((tmp_path / "state" / "failed" / "again").iterdir()), "it would be taken up much later"
    with pytest.raises(ConfigError, match="nothing to replay"):
        run(app, ["events", "replay", *project], catch_exceptions=False)


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    log = FailedLog(tmp_path)
    for seq in range(1, 121):
        log.record(event(seq, guild=1, text="x" * 500_000), RAISED)
    log.close()
    size = sum(path.stat().st_size for path in (tmp_path / "failed").iterdir())
    assert size < 16 * 3_000_000
    records = read(tmp_path)
    assert records[-1].seq == 120
    assert 40 < len(records) < 100
    too_large = FailedLog(tmp_path)
    too_large.record(event(500, guild=1, text="x" * 2_000_000), RAISED)
    too_large.close()
    assert read(tmp_path)[-1].envelope() is None


POISONED = """
import asyncio, os, signal, sys
from pathlib import Path
from nescord_core import WsListener
from nescord_core.bot.process import serve
from nescord_core.settings import MainSettings

listener = WsListener()
output = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@listener.on("message_create")
async def handle(message, event):
    os.write(output, f"{message.n} {event.redelivered}\\n".encode())
    await asyncio.sleep(0.01)
    if message.n == 7:
        os.kill(os.getpid(), signal.SIGKILL)

settings = MainSettings(listen_port=int(sys.argv[1]), state_dir=Path(sys.argv[2]))
asyncio.run(serve(listener, settings, on_ready=lambda: None, drain=asyncio.Event()))
"""


async def test_an_event_that_kills_three_processes_is_set_aside_and_those_beside_it_are_handled(
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    output = tmp_path / "seen"
    arguments = [sys.executable, "-c", POISONED, str(port), str(tmp_path / "state"), str(output)]
    deaths = 0
    async with sending(port, no_command) as (ws, acknowledged):
        for seq in range(1, 41):
            ws.put(event(seq, guild=seq))
        while acknowledged[-1] < 40:
            process = await asyncio.create_subprocess_exec(*arguments, stderr=subprocess.DEVNULL)
            ending = asyncio.ensure_future(process.wait())
            await until(lambda: acknowledged[-1] == 40 or ending.done())  # noqa: B023 - awaited here
            deaths += acknowledged[-1] < 40
            if acknowledged[-1] == 40 and not ending.done():
                os.kill(process.pid, 15)
            await ending
            assert deaths <= 3
    assert deaths == 3
    (failure,) = collect(tmp_path / "state")
    assert (failure.last.kind, failure.last.seq) == (CRASHED, 7)
    handled = [int(line.split()[0]) for line in output.read_text().splitlines()]
    assert set(handled) == set(range(1, 41))
    assert handled.count(7) == 3


CROWDED = """
import asyncio, os, sys
from pathlib import Path
from nescord_core import WsListener
from nescord_core.bot.process import serve
from nescord_core.settings import MainSettings

listener = WsListener()
output = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@listener.on("message_create")
async def handle(message, event):
    os.write(output, f"{message.n} {event.redelivered}\\n".encode())
    if message.n == 1:
        await asyncio.Event().wait()

settings = MainSettings(listen_port=int(sys.argv[1]), state_dir=Path(sys.argv[2]), concurrency=1)
asyncio.run(serve(listener, settings, on_ready=lambda: None, drain=asyncio.Event()))
"""


async def test_what_only_waited_in_processes_that_were_killed_is_handled_by_the_next_one(
    tmp_path: Path,
) -> None:
    """Only the first event's handler ever started, so only that one can have crashed the process."""
    (port,) = free_ports(1)
    output = tmp_path / "seen"
    arguments = [sys.executable, "-c", CROWDED, str(port), str(tmp_path / "state"), str(output)]

    def lines() -> list[str]:
        return output.read_text().splitlines() if output.exists() else []

    async with sending(port, no_command) as (ws, acknowledged):
        ws.put(event(1, guild=1))
        for seq in range(2, 11):
            ws.put(event(seq, guild=seq))
        for death in range(1, 4):
            process = await asyncio.create_subprocess_exec(*arguments, stderr=subprocess.DEVNULL)
            await until(lambda: len(lines()) == death)  # noqa: B023 - awaited here
            await until(lambda: ws.stats().replicas[0].in_flight == 10)
            await asyncio.sleep(0.5)  # longer than an event runs alone
            process.kill()
            await process.wait()
        assert [line.split()[0] for line in lines()] == ["1"] * 3
        process = await asyncio.create_subprocess_exec(*arguments, stderr=subprocess.DEVNULL)
        await until(lambda: acknowledged[-1] == 10)
        process.terminate()
        await process.wait()
    (failure,) = collect(tmp_path / "state")
    assert (failure.last.kind, failure.last.seq) == (CRASHED, 1)
    assert [int(line.split()[0]) for line in lines()[3:]] == list(range(2, 11))


@pytest.mark.parametrize("text", ["", "{}", "not json\n"])
def test_a_damaged_line_hides_nothing_else(tmp_path: Path, text: str) -> None:
    log = FailedLog(tmp_path)
    log.record(event(1, guild=1), RAISED)
    log.close()
    with next((tmp_path / "failed").glob("*.jsonl")).open("a") as file:
        file.write(text)
    assert [record.seq for record in read(tmp_path)] == [1]
