"""One behaviour suite for both spawners, and tests of what only forked workers do."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nescord_core.reload.swapping.fork import ForkWorkers, is_available
from nescord_core.reload.swapping.messages import (
    Begin,
    Broken,
    Channel,
    Drained,
    DrainNow,
    Imported,
    Listening,
    pair,
)
from nescord_core.reload.swapping.spawn import Spawner, SpawnWorkers, WorkerProcess
from nescord_core.reload.swapping.warm_parent import Program
from nescord_core.settings import MainSettings
from support.dispatch.peers import until

PROGRAM = Program("scripted_worker:run", "scripted_worker:prepare", ("ahead",))
pytestmark = pytest.mark.skipif(not is_available(), reason="forked workers exist on Linux only")


@dataclass
class Started:
    spawner: Spawner
    project: Path
    processes: list[WorkerProcess] = field(default_factory=list)

    async def worker(self, script: str) -> tuple[WorkerProcess, Channel]:
        (self.project / "script").write_text(script)
        ours, theirs = pair()
        with theirs:
            process = await self.spawner.start(theirs)
        self.processes.append(process)
        channel = await Channel.of_parent(ours)
        channel.send(Begin(MainSettings(project_dir=self.project), replica="0", generation=1))
        return process, channel


def spawned() -> SpawnWorkers:
    return SpawnWorkers("scripted_worker")


async def warm() -> ForkWorkers:
    workers = ForkWorkers(PROGRAM, spawned())
    await workers.learn(("json", "decimal"))
    assert workers.is_warm
    return workers


@pytest.fixture(params=["spawn", "fork"])
async def started(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Started]:
    spawner: Spawner = await warm() if request.param == "fork" else spawned()
    subject = Started(spawner, tmp_path)
    yield subject
    for process in subject.processes:
        process.signal(signal.SIGKILL)
        await process.wait()
    await spawner.close()


async def test_a_worker_gets_ready_and_drains(started: Started) -> None:
    process, channel = await started.worker("serve")
    assert isinstance(await channel.receive(), Listening)
    assert isinstance(await channel.receive(), Imported)
    channel.send(DrainNow())
    assert await channel.receive() == Drained({"finished": 2, "returned": 1, "cut": 0})
    assert await channel.receive() is None
    assert await process.wait() == 0
    await channel.close()


async def test_a_worker_tells_why_it_cannot_start(started: Started) -> None:
    process, channel = await started.worker("broken")
    assert await channel.receive() == Broken("SyntaxError: it is broken", "bot/app.py", 3)
    assert await process.wait() == 1
    await channel.close()


@pytest.mark.parametrize("code", [0, 3])
async def test_the_exit_code_is_known(started: Started, code: int) -> None:
    process, channel = await started.worker(f"exit {code}")
    assert await process.wait() == code
    await channel.close()


async def test_the_signal_that_ended_it_is_known(started: Started) -> None:
    process, channel = await started.worker("serve")
    await channel.receive()
    process.signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    process.signal(signal.SIGKILL)  # the process is gone: no error
    await channel.close()


async def test_sigterm_ends_a_worker_that_has_not_asked_for_anything_else(started: Started) -> None:
    process, channel = await started.worker("hang")
    process.signal(signal.SIGTERM)
    assert await process.wait() == -signal.SIGTERM
    await channel.close()


async def test_a_parent_that_is_gone_is_the_end_of_the_channel(started: Started) -> None:
    process, channel = await started.worker("serve")
    await channel.receive()
    await channel.close()
    assert await process.wait() == 0


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_the_first_worker_does_not_wait_for_a_warm_parent(tmp_path: Path) -> None:
    started = Started(ForkWorkers(PROGRAM, spawned()), tmp_path)
    process, channel = await started.worker("serve")
    assert parent_of(process.pid) == os.getpid()
    await channel.close()
    await process.wait()
    await started.spawner.close()


async def test_a_forked_worker_outlives_its_warm_parent_and_the_next_is_spawned(tmp_path: Path) -> None:
    workers = await warm()
    started = Started(workers, tmp_path)
    process, channel = await started.worker("serve")
    assert isinstance(await channel.receive(), Listening)
    warm_parent = parent_of(process.pid)
    assert warm_parent != os.getpid()
    os.kill(warm_parent, signal.SIGKILL)
    await until(lambda: not workers.is_warm)
    second, second_channel = await started.worker("serve")
    assert parent_of(second.pid) == os.getpid()
    assert isinstance(await channel.receive(), Imported)
    for each in (channel, second_channel):
        each.send(DrainNow())
    assert isinstance(await channel.receive(), Drained)
    async with asyncio.timeout(20):
        await process.wait()
    assert await second.wait() == 0
    await channel.close()
    await second_channel.close()
    await workers.close()


async def test_the_first_worker_of_the_next_run_is_forked(tmp_path: Path) -> None:
    before = ForkWorkers(PROGRAM, spawned(), tmp_path)
    await before.learn(("json", "starts_a_thread", "decimal"))
    await before.close()
    workers = ForkWorkers(PROGRAM, spawned(), tmp_path)
    assert not workers.is_warm
    process, channel = await Started(workers, tmp_path).worker("serve")
    assert parent_of(process.pid) != os.getpid()
    assert workers.is_warm
    channel.send(DrainNow())
    assert await process.wait() == 0
    await channel.close()
    await workers.close()


async def test_a_module_that_starts_a_thread_is_not_imported_ahead(tmp_path: Path) -> None:
    """A fork would copy the locks of such a thread without the thread."""
    workers = ForkWorkers(PROGRAM, spawned())
    await workers.learn(("json", "starts_a_thread", "decimal"))
    assert workers.is_warm
    started = Started(workers, tmp_path)
    process, channel = await started.worker("serve")
    assert isinstance(await channel.receive(), Listening)
    assert parent_of(process.pid) != os.getpid()
    channel.send(DrainNow())
    assert await process.wait() == 0
    await channel.close()
    await workers.close()


async def test_a_module_that_cannot_be_imported_ahead_does_no_harm() -> None:
    workers = ForkWorkers(PROGRAM, spawned())
    await workers.learn(("json", "no_such_module_anywhere", "exits_at_import"))
    assert workers.is_warm
    await workers.close()


async def test_newly_needed_modules_bring_a_new_warm_parent_and_old_children_keep_their_exit_codes(
    tmp_path: Path,
) -> None:
    workers = await warm()
    started = Started(workers, tmp_path)
    process, channel = await started.worker("serve")
    await channel.receive()
    first = parent_of(process.pid)
    await workers.learn(("json", "decimal"))
    again, again_channel = await started.worker("serve")
    assert parent_of(again.pid) == first, "nothing new was to be learned"
    await workers.learn(("json", "decimal", "fractions", "wave"))
    second, second_channel = await started.worker("serve")
    assert parent_of(second.pid) not in (first, os.getpid())
    process.signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    for each, its_channel in ((again, again_channel), (second, second_channel)):
        await its_channel.receive()
        its_channel.send(DrainNow())
        assert await each.wait() == 0
        await its_channel.close()
    await channel.close()
    await workers.close()


def children_of(pid: int) -> set[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return set(map(int, found))


async def test_the_next_worker_is_forked_ahead_and_prepared(tmp_path: Path) -> None:
    workers = await warm()
    started = Started(workers, tmp_path)
    process, channel = await started.worker("prepared")
    warm_parent = parent_of(process.pid)
    assert await channel.receive() == Listening("ahead", 1.0)
    assert not children_of(warm_parent) - {process.pid}, "one child ahead at a time, and only on request"
    await workers.learn(("json", "decimal"))
    await until(lambda: len(children_of(warm_parent)) == 2)
    ahead = children_of(warm_parent) - {process.pid}
    await workers.learn(("json", "decimal"))
    second, second_channel = await started.worker("prepared")
    assert {second.pid} == ahead
    assert await second_channel.receive() == Listening("ahead", 1.0)
    third, third_channel = await started.worker("prepared")
    assert await third_channel.receive() == Listening("not", 1.0), "nothing was ahead"
    for each, its_channel in ((process, channel), (second, second_channel), (third, third_channel)):
        its_channel.send(DrainNow())
        assert await each.wait() == 0
        await its_channel.close()
    await workers.close()


@pytest.mark.parametrize("end", ["killed", "closed", "parent killed"])
async def test_a_child_forked_ahead_that_is_not_needed_leaves(tmp_path: Path, end: str) -> None:
    workers = await warm()
    started = Started(workers, tmp_path)
    process, channel = await started.worker("serve")
    warm_parent = parent_of(process.pid)
    await workers.learn(("json", "decimal"))
    await until(lambda: len(children_of(warm_parent)) == 2)
    (ahead,) = children_of(warm_parent) - {process.pid}
    if end == "killed":
        os.kill(ahead, signal.SIGKILL)
        await until(lambda: not is_there(ahead))
        second, second_channel = await started.worker("serve")
        assert isinstance(await second_channel.receive(), Listening)
        assert parent_of(second.pid) == warm_parent
        await second_channel.close()
        assert await second.wait() == 0
    elif end == "parent killed":
        os.kill(warm_parent, signal.SIGKILL)
    await workers.close()
    await until(lambda: not is_there(ahead))
    await channel.close()
    await process.wait()


async def test_closing_ends_the_warm_parent(tmp_path: Path) -> None:
    workers = await warm()
    started = Started(workers, tmp_path)
    process, channel = await started.worker("serve")
    await channel.receive()
    warm_parent = parent_of(process.pid)
    await channel.close()
    await process.wait()
    await workers.close()
    assert not is_there(warm_parent)


async def test_grpc_and_the_library_start_no_thread_when_only_imported() -> None:
    """The warm parent's imports must start no threads; it may import grpc but never use it."""
    program = (
        "import os, nescord_core.services.main.worker.process, grpc, grpc.aio, aiohttp, discord;"
        "print(len(os.listdir('/proc/self/task')))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-c", program, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.strip() == b"1"
