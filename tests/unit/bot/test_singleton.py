from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from discord.ext import tasks

from nescord_core import singleton_task
from nescord_core.bot.leases import FileLeases, MemoryLeases
from support.processes.commands import until

PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from nescord_core import singleton_task
from nescord_core.bot.leases import FileLeases

@singleton_task(name="job", lease=0.5, leases=FileLeases(Path(sys.argv[1])))
async def job():
    print(os.getpid(), flush=True)

async def main():
    while True:
        await job()
        await asyncio.sleep(0.02)

asyncio.run(main())
"""


async def test_only_one_goes_on_and_the_next_follows_when_it_leaves() -> None:
    leases, done = MemoryLeases(), []

    def make(number: int) -> asyncio.Task[None]:
        @singleton_task(name="job", lease=0.5, leases=leases)
        async def job() -> None:
            done.append(number)

        async def often() -> None:
            while True:
                await job()
                await asyncio.sleep(0)

        return asyncio.create_task(often())

    first = make(1)
    while not done:  # noqa: ASYNC110 - waits for the task's effect
        await asyncio.sleep(0)
    second = make(2)
    await asyncio.sleep(0.05)
    assert set(done) == {1}
    first.cancel()
    for task in asyncio.all_tasks():
        if task.get_name() == "lease of job":
            task.cancel()  # as the end of its loop does
    async with asyncio.timeout(10):
        while 2 not in done:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    second.cancel()


async def test_a_loop_of_discord_ext_tasks_either_way_around() -> None:
    leases, done = MemoryLeases(), []

    @tasks.loop(seconds=0, count=1)
    @singleton_task(name="inner", leases=leases)
    async def inner(word: str) -> None:
        done.append(word)

    @singleton_task(name="outer", leases=leases)
    @tasks.loop(seconds=0, count=1)
    async def outer(word: str) -> None:
        done.append(word)

    await asyncio.gather(inner.start("inner"), outer.start("outer"))
    assert sorted(done) == ["inner", "outer"]


def test_what_is_no_coroutine_function_is_refused() -> None:
    with pytest.raises(TypeError, match="coroutine function"):
        singleton_task(lambda: None)


def test_another_process_takes_over_from_one_that_was_killed(tmp_path: Path) -> None:
    command = (sys.executable, "-c", PROGRAM, str(tmp_path))
    logs = [tmp_path / "first", tmp_path / "second"]
    processes = []
    try:
        for log in logs:
            with log.open("wb") as output:
                processes.append(subprocess.Popen(command, stdout=output))
            until(logs[0].read_text, "the first to run")
        until(lambda: list(tmp_path.glob("*.lease")), "the lease")
        holder = int(logs[0].read_text().split()[0])
        assert not logs[1].read_text(), "two have run"
        os.kill(holder, signal.SIGKILL)
        until(logs[1].read_text, "the second to take over")
    finally:
        for process in processes:
            process.kill()
            process.wait()


async def test_a_lease_that_cannot_be_taken_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As when state_dir was removed: each process tries several times a second."""

    @singleton_task(name="job", lease=0.04, leases=FileLeases(tmp_path / "gone" / "leases"))
    async def job() -> None:
        raise AssertionError("nobody has the lease")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await job()
    assert len([record for record in caplog.records if "cannot take the lease" in record.message]) == 1
