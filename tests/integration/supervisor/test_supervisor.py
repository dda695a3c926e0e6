"""The supervisor, with real processes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import resource
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nescord_core.errors import NescordError
from nescord_core.supervisor.lifecycle import State
from nescord_core.supervisor.line_splitter import LONGEST
from nescord_core.supervisor.output import Output
from nescord_core.supervisor.spec import ReadyProbe, RestartPolicy, ServiceSpec, When
from nescord_core.supervisor.supervisor import Outcome, Supervisor
from support.processes import service_double
from support.processes.commands import free_port

MARK = "NESCORD_TEST_MARK"
TIMEOUT = 40.0


class Bench:
    """A journal, an output, and an environment mark that finds every process of the test."""

    def __init__(self, directory: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.file = directory / "journal"
        self.text = io.StringIO()
        self.output = Output(
            self.text, names=["a", "b", "c"], own="d", now=time.time, log_dir=directory / "logs"
        )

    def spec(self, name: str, *, port: int | None = None, **orders: Any) -> ServiceSpec:
        script = {"name": name, "journal": str(self.file), **orders} | ({"port": port} if port else {})
        return ServiceSpec(
            name,
            (sys.executable, str(Path(service_double.__file__)), json.dumps(script)),
            env={**os.environ, MARK: self.mark},
            ready=ReadyProbe(f"http://127.0.0.1:{port}/readyz", slow=0.05) if port else None,
            restart=RestartPolicy(base=0.05, longest=0.1, give_up_after=3),
        )

    @property
    def journal(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []

    def alive(self) -> list[int]:
        found = []
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and self.mark.encode() in (process / "environ").read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    left = bench.alive()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    bench.output.close()
    assert not left


@asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncIterator[asyncio.Task[Outcome]]:
    async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as tasks:
        run = tasks.create_task(supervisor.run())
        yield run


async def until(condition: Callable[[], bool], interval: float = 0.02) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(interval)


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def states(supervisor: Supervisor) -> dict[str, State]:
    return {view.name: view.state for view in supervisor.views()}


def all_ready(supervisor: Supervisor) -> Callable[[], bool]:
    return lambda: set(states(supervisor).values()) == {State.READY}


async def test_services_start_when_what_they_need_is_ready_and_stop_in_reverse(bench: Bench) -> None:
    specs = [
        replace(bench.spec("c", port=free_port()), depends_on=("b",)),
        replace(bench.spec("b", port=free_port(), ready_after=0.3, lingers=0.2), depends_on=("a",)),
        bench.spec("a", port=free_port(), ready_after=0.3),
    ]
    supervisor = Supervisor(specs, output=bench.output)
    async with running(supervisor) as run:
        await until(all_ready(supervisor))
        assert len(bench.alive()) == 3
        supervisor.request_stop()
        assert await run == Outcome(0)
    assert bench.journal == [
        *("a start", "a ready", "b start", "b ready", "c start", "c ready"),
        *("c stop", "c end", "b stop", "b end", "a stop", "a end"),
    ]
    assert not bench.alive()


async def test_a_crash_is_followed_by_a_restart_and_everything_else_goes_on(bench: Bench) -> None:
    specs = [bench.spec("a", port=free_port()), bench.spec("b", port=free_port())]
    supervisor = Supervisor(specs, output=bench.output)
    async with running(supervisor) as run:
        await until(all_ready(supervisor))
        before = {view.name: view.pid for view in supervisor.views()}
        os.kill(before["a"] or 0, signal.SIGKILL)
        await until(lambda: supervisor.views()[0].restarts == 1 and all_ready(supervisor)())
        after = {view.name: view.pid for view in supervisor.views()}
        assert after["a"] != before["a"]
        assert after["b"] == before["b"]
        supervisor.request_stop()
        await run
    assert "a | backoff: killed by signal 9; restarting in" in bench.text.getvalue()


async def test_one_that_keeps_failing_ends_the_run_with_its_last_words(bench: Bench) -> None:
    failing = bench.spec("b", exits=3, says=[("stderr", "the disk is on fire\n")])
    supervisor = Supervisor([bench.spec("a"), failing], output=bench.output)
    async with running(supervisor) as run:
        outcome = await run
    assert outcome.exit_code == 1
    assert bench.journal.count("b start") == 3
    assert bench.journal.count("a end") <= 1
    assert str(outcome.failure) == (
        "b: it exited with code 3 for the 3rd time in a row. Its last output:\n    the disk is on fire"
    )


async def test_wrong_configuration_ends_the_run_with_2_and_is_not_tried_again(bench: Bench) -> None:
    wrong = bench.spec(
        "b", exits=2, says=[("stderr", "12:00 starting\nError: ws.shards: 'x'\nis not a number.\n")]
    )
    supervisor = Supervisor([bench.spec("a"), wrong], output=bench.output)
    async with running(supervisor) as run:
        outcome = await run
    assert outcome.exit_code == 2
    assert bench.journal.count("b start") == 1
    assert str(outcome.failure) == "b: ws.shards: 'x' is not a number.", "the service's own error, once"


async def test_one_that_is_not_critical_may_fail_alone(bench: Bench) -> None:
    supervisor = Supervisor(
        [bench.spec("a"), replace(bench.spec("b", exits=2), critical=False)], output=bench.output
    )
    async with running(supervisor) as run:
        await until(lambda: states(supervisor) == {"a": State.READY, "b": State.FAILED})
        supervisor.request_stop()
        assert await run == Outcome(0)


async def test_a_program_that_is_not_there_is_named(bench: Bench) -> None:
    missing = replace(bench.spec("a"), argv=("no-such-program",), restart=RestartPolicy(when=When.NEVER))
    async with running(Supervisor([missing], output=bench.output)) as run:
        outcome = await run
    assert outcome.exit_code == 127
    assert "cannot start no-such-program: No such file" in str(outcome.failure)


def descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Open files until no more can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 20, hard))
    try:
        with suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.bound("Open files and processes: a service of run all or dev that lacks the same")
async def test_without_descriptors_a_service_is_started_as_soon_as_there_are_some(bench: Bench) -> None:
    policy = RestartPolicy(base=0.05, give_up_after=3, shortage_pause=0.05)
    supervisor = Supervisor([replace(bench.spec("a", port=free_port()), restart=policy)], output=bench.output)
    async with running(supervisor) as run:
        await until(all_ready(supervisor))
        pid = supervisor.views()[0].pid
        assert pid is not None
        opened = descriptors()
        with no_descriptor_left():
            os.kill(pid, signal.SIGKILL)
            await until(lambda: bench.text.getvalue().count("cannot be started: too many open files") > 5)
        await until(all_ready(supervisor))
        assert descriptors() <= opened + 1
        assert "Raise the limits of open files" in bench.text.getvalue()
        supervisor.request_stop()
        assert await run == Outcome(0)


async def test_a_stubborn_one_is_killed_after_its_grace_with_what_it_started(bench: Bench) -> None:
    stubborn = replace(bench.spec("a", port=free_port(), deaf=True, child=True), grace=0.3)
    supervisor = Supervisor([stubborn], output=bench.output)
    async with running(supervisor) as run:
        await until(all_ready(supervisor))
        await until(lambda: len(bench.alive()) == 2)
        supervisor.request_stop()
        assert (await run).exit_code == 1
    assert not bench.alive()
    assert "a | stopping: did not exit within 0.3 s; killed" in bench.text.getvalue()


async def test_what_a_service_leaves_behind_goes_with_it(bench: Bench) -> None:
    supervisor = Supervisor([bench.spec("a", port=free_port(), child=True)], output=bench.output)
    async with running(supervisor) as run:
        await until(all_ready(supervisor))
        await until(lambda: len(bench.alive()) == 2)
        supervisor.request_stop()
        assert await run == Outcome(0)
    assert not bench.alive()


async def test_a_second_request_kills_at_once(bench: Bench) -> None:
    specs = [replace(bench.spec(name, port=free_port(), deaf=True), grace=600) for name in ("a", "b")]
    supervisor = Supervisor(specs, output=bench.output)
    async with running(supervisor) as run:
        await until(all_ready(supervisor))
        supervisor.request_stop()
        await until(lambda: set(states(supervisor).values()) == {State.STOPPING})
        supervisor.kill_now()
        assert (await run).exit_code == 1
    assert not bench.alive()


async def test_a_stop_before_anything_is_up_leaves_nothing(bench: Bench) -> None:
    specs = [bench.spec("a", port=free_port()), replace(bench.spec("b"), depends_on=("a",))]
    supervisor = Supervisor(specs, output=bench.output)
    supervisor.request_stop()
    async with running(supervisor) as run:
        assert await run == Outcome(0)
    assert bench.journal == []


async def test_a_stop_while_a_process_is_being_made_reaches_it(bench: Bench) -> None:
    supervisor = Supervisor([bench.spec("a")], output=bench.output)
    async with running(supervisor) as run:
        await until(lambda: states(supervisor)["a"] is not State.WAITING, interval=0)
        supervisor.request_stop()
        await run
    assert not bench.alive()


async def test_cancelling_the_run_ends_every_process(bench: Bench) -> None:
    supervisor = Supervisor([bench.spec("a", port=free_port(), deaf=True, child=True)], output=bench.output)
    async with running(supervisor) as run:
        await until(all_ready(supervisor))
        run.cancel()
    await until(lambda: not bench.alive())


async def test_one_that_says_not_ready_is_waited_for(bench: Bench) -> None:
    port = free_port()
    waiting = bench.spec("a", port=port, never_ready=True)
    later = [0.0]
    supervisor = Supervisor(
        [waiting, replace(bench.spec("b"), depends_on=("a",))],
        output=bench.output,
        clock=lambda: time.monotonic() + sum(later),
    )
    async with running(supervisor) as run:
        await until(lambda: "a start" in bench.journal)
        async with asyncio.timeout(TIMEOUT):
            while not await answers(port):  # noqa: ASYNC110 - another process begins to answer
                await asyncio.sleep(0.02)
        for _ in range(5):  # far past the silence limit
            later.append(20.0)
            await asyncio.sleep(0.2)
        assert states(supervisor) == {"a": State.STARTING, "b": State.WAITING}
        assert bench.journal == ["a start"]
        supervisor.request_stop()
        assert await run == Outcome(0)


async def test_one_that_never_answers_is_started_again_and_then_given_up(bench: Bench) -> None:
    silent = bench.spec("a")
    probe = ReadyProbe(f"http://127.0.0.1:{free_port()}/readyz", start_timeout=0.5)
    supervisor = Supervisor([replace(silent, ready=probe)], output=bench.output)
    async with running(supervisor) as run:
        outcome = await run
    assert outcome.exit_code == 1
    assert [line for line in bench.text.getvalue().splitlines() if line.endswith("| starting")] == [
        "a | starting"
    ] * 3
    assert "no answer from http://127.0.0.1:" in bench.text.getvalue()


async def test_a_task_ends_the_run_with_its_exit_code(bench: Bench) -> None:
    once = RestartPolicy(when=When.NEVER, final=frozenset())
    task = replace(bench.spec("b", exits=7), task=True, restart=once, depends_on=("a",))
    supervisor = Supervisor([bench.spec("a", port=free_port()), task], output=bench.output)
    async with running(supervisor) as run:
        assert await run == Outcome(7)
    assert bench.journal == ["a start", "a ready", "b start", "a stop", "a end"]


async def test_a_task_that_was_interrupted_has_not_succeeded(bench: Bench) -> None:
    supervisor = Supervisor([replace(bench.spec("a"), task=True)], output=bench.output)
    async with running(supervisor) as run:
        await until(lambda: "a start" in bench.journal)
        supervisor.request_stop()
        assert (await run).exit_code == 1


async def test_a_service_can_be_restarted_by_name(bench: Bench) -> None:
    supervisor = Supervisor([bench.spec("a", port=free_port())], output=bench.output)
    async with running(supervisor) as run:
        await until(all_ready(supervisor))
        supervisor.restart("a")
        await until(lambda: supervisor.views()[0].restarts == 1 and all_ready(supervisor)())
        with pytest.raises(NescordError, match="there is no service 'x' here; there are a"):
            supervisor.restart("x")
        supervisor.request_stop()
        assert await run == Outcome(0)
    assert bench.journal == ["a start", "a ready", "a stop", "a end"] * 2


async def test_output_is_complete_whatever_a_service_writes(bench: Bench, tmp_path: Path) -> None:
    says = [
        ("stdout", "plain\r\n"),
        ("stdout", "not utf-8: \xff\xfe\n"),
        ("stderr", "\n"),
        ("stderr", "[bold]no markup[/bold]\n"),
        ("stdout", "without an end"),
    ]
    supervisor = Supervisor([bench.spec("a", exits=2, says=says)], output=bench.output)
    async with running(supervisor) as run:
        await run
    lines = [line.removeprefix("a | ") for line in bench.text.getvalue().splitlines()]
    assert {"plain", "not utf-8: \ufffd\ufffd", "[bold]no markup[/bold]", "without an end"} < set(lines)
    logged = (tmp_path / "logs" / "a.log").read_text()
    assert "without an end\n" in logged


async def test_a_line_that_does_not_end_comes_in_pieces(bench: Bench) -> None:
    spec = bench.spec("a", exits=2, says=[("stdout", "x" * 100)], times=10_000)
    async with running(Supervisor([spec], output=bench.output)) as run:
        await run
    pieces = [line.removeprefix("a | ") for line in bench.text.getvalue().splitlines()]
    pieces = [piece for piece in pieces if set(piece) == {"x"}]
    assert sum(map(len, pieces)) == 1_000_000
    assert max(map(len, pieces)) == LONGEST


async def test_ten_thousand_lines_just_before_the_end_are_all_there(bench: Bench) -> None:
    says = [("stdout", "".join(f"line {number}\n" for number in range(10_000)))]
    supervisor = Supervisor([bench.spec("a", exits=2, says=says)], output=bench.output)
    async with running(supervisor) as run:
        await run
    lines = [line for line in bench.text.getvalue().splitlines() if " line " in line]
    assert lines == [f"a | line {number}" for number in range(10_000)]
