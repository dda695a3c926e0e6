"""A group of worker processes through reloads, crashes, hangs and stops."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nescord_core.reload.swapping import group
from nescord_core.reload.swapping.failure import Failure
from nescord_core.reload.swapping.group import Group, Worker
from nescord_core.reload.swapping.rollout import Reloaded
from nescord_core.reload.swapping.spawn import SpawnedProcess, Spawner, SpawnWorkers, WorkerProcess
from nescord_core.reload.swapping.swap import Phase, SwapTimeouts
from nescord_core.settings import MainSettings
from support.dispatch.peers import until


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


class RecordingObserver:
    """Records the events of a group."""

    def __init__(self) -> None:
        self.served: list[tuple[int, int]] = []
        self.results: list[Reloaded] = []
        self.failures: list[tuple[Failure, bool]] = []
        self.crashes: list[int] = []
        self.written: list[str] = []
        self.hangs: list[tuple[int, bool]] = []
        self.broken_slots: list[int] = []

    def serving(self, replica: int, worker: Worker) -> None:
        self.served.append((replica, worker.generation))

    def reloaded(self, reloaded: Reloaded) -> None:
        self.results.append(reloaded)

    def refused(self, replica: int, failure: Failure, *, still_serving: bool, again: float | None) -> None:
        self.failures.append((failure, still_serving))

    def crashed(self, replica: int, pid: int, code: int) -> None:
        self.crashes.append(code)

    def sources(self, directories: tuple[str, ...], since: float) -> None:
        pass

    def wrote(self, path: str) -> None:
        self.written.append(path)

    def hung(self, replica: int, pid: int, *, killed: bool) -> None:
        self.hangs.append((pid, killed))

    def broken(self, replica: int) -> None:
        self.broken_slots.append(replica)


class Running:
    """A running group, its project and its recorded events."""

    def __init__(
        self,
        project: Path,
        replicas: int,
        timeouts: SwapTimeouts,
        retries: list[float | None],
        *,
        hang_timeout: float,
        watched: bool,
        spawner: Spawner,
    ) -> None:
        self.project = project
        self.events = RecordingObserver()
        self.group = Group(
            MainSettings(project_dir=project, token="a.b.c", hang_timeout=hang_timeout),
            tuple(range(5000, 5000 + replicas)),
            spawner,
            self.events,
            restarts=lambda: lambda code, ran: retries.pop(0),
            timeouts=timeouts,
            watched=watched,
        )

    def script(self, text: str) -> None:
        (self.project / "script").write_text(text)

    async def reload(self, *paths: str) -> Reloaded:
        async with asyncio.timeout(30):
            return await asyncio.shield(self.group.reload(paths))

    def pid(self, replica: int = 0) -> int:
        worker = self.group.slots[replica].serving
        assert worker is not None
        return worker.pid


@asynccontextmanager
async def running(
    project: Path,
    replicas: int = 1,
    *,
    timeouts: SwapTimeouts = SwapTimeouts(),  # noqa: B008 - frozen
    retries: list[float | None] | None = None,
    script: str = "serve",
    hang_timeout: float = 60.0,
    watched: bool = False,
    spawner: Spawner | None = None,
) -> AsyncIterator[Running]:
    subject = Running(
        *(project, replicas, timeouts, retries or []),
        hang_timeout=hang_timeout,
        watched=watched,
        spawner=spawner or SpawnWorkers("scripted_worker"),
    )
    subject.script(script)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(subject.group.run())
        yield subject
        subject.group.request_stop()


async def test_a_reload_swaps_every_replica_and_counts_what_was_under_way(tmp_path: Path) -> None:
    async with running(tmp_path, replicas=2) as it:
        assert (await it.reload()).ok
        before = [it.pid(0), it.pid(1)]
        result = await it.reload("bot/app.py")
        assert (result.ok, result.paths, result.generation) == (True, ("bot/app.py",), 2)
        assert (result.finished, result.returned, result.killed) == (4, 2, 0)
        assert {it.pid(0), it.pid(1)}.isdisjoint(before)
        assert sorted(it.events.served) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert all(slot.rules.phase is Phase.STOPPED for slot in it.group.slots)


async def test_broken_code_is_found_by_one_replica_and_no_other_is_touched(tmp_path: Path) -> None:
    async with running(tmp_path, replicas=2) as it:
        await it.reload()
        before = [it.pid(0), it.pid(1)]
        it.script("broken")
        result = await it.reload()
        assert not result.ok
        assert result.failure == Failure("SyntaxError: it is broken", "bot/app.py", 3)
        assert it.events.failures == [(result.failure, True)]
        assert [it.pid(0), it.pid(1)] == before
        it.script("serve")
        assert (await it.reload()).ok


async def test_saving_again_during_a_start_supersedes_it(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        await it.reload()
        it.script("hang")
        first = it.group.reload(("a.py",))
        await until(lambda: 2 in it.group.slots[0].workers and bool(it.group.slots[0].workers[2].pid))
        hanging = it.group.slots[0].workers[2].pid
        it.script("serve")
        result = await it.reload("b.py")
        assert (result.ok, result.generation, result.paths) == (True, 3, ("b.py", "a.py"))
        assert await first == result
        await until(lambda: not is_there(hanging))
    assert len(it.events.results) == 2


async def test_an_old_process_that_does_not_drain_is_killed(tmp_path: Path) -> None:
    async with running(tmp_path, script="stubborn", timeouts=SwapTimeouts(drain=0.3)) as it:
        await it.reload()
        old = it.pid()
        it.script("serve")
        result = await it.reload()
        assert (result.ok, result.killed) == (True, 1)
        assert not is_there(old)


async def test_a_reload_during_a_long_drain_does_not_wait_for_it(tmp_path: Path) -> None:
    async with running(tmp_path, script="stubborn", timeouts=SwapTimeouts(drain=3.0)) as it:
        await it.reload()
        it.script("serve")
        first = it.group.reload(("a.py",))
        await until(lambda: (0, 2) in it.events.served)
        second = await it.reload("b.py")
        assert (await first).paths == ("a.py",)
        assert (second.paths, second.generation) == (("b.py",), 3)


async def test_a_process_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    async with running(tmp_path, timeouts=SwapTimeouts(start=1.5)) as it:
        await it.reload()
        old = it.pid()
        it.script("hang")
        result = await it.reload()
        assert not result.ok
        assert result.failure is not None
        assert "1.5 s" in result.failure.message
        assert it.pid() == old


async def test_a_start_that_hangs_once_is_tried_again_in_a_watched_group(tmp_path: Path) -> None:
    async with running(tmp_path, watched=True, timeouts=SwapTimeouts(start=1.5)) as it:
        await it.reload()
        it.script("hang once")
        assert not (await it.reload("bot/app.py")).ok
        await until(lambda: (0, 3) in it.events.served)
        await until(lambda: it.events.results[-1].ok)
        assert it.events.results[-1].paths == ("bot/app.py",)


async def test_broken_code_is_not_tried_again_in_a_watched_group(tmp_path: Path) -> None:
    async with running(tmp_path, watched=True, script="broken") as it:
        await it.reload()
        assert it.events.broken_slots == [0]


async def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    async with running(tmp_path, retries=[0.0]) as it:
        await it.reload()
        os.kill(it.pid(), signal.SIGKILL)
        await until(lambda: (0, 2) in it.events.served)
        assert it.events.crashes == [-signal.SIGKILL]
        assert it.events.broken_slots == []


async def test_a_worker_that_is_given_up_leaves_its_place_broken_until_a_change(tmp_path: Path) -> None:
    async with running(tmp_path, retries=[0.0, None]) as it:
        await it.reload()
        it.script("exit 3")
        os.kill(it.pid(), signal.SIGKILL)
        await until(lambda: it.events.broken_slots == [0])
        assert "exit code 3" in it.events.failures[0][0].message
        assert not it.group.is_serving
        it.script("serve")
        assert (await it.reload()).ok


async def test_a_broken_first_start_is_told_and_waited_out(tmp_path: Path) -> None:
    async with running(tmp_path, script="broken") as it:
        assert not (await it.reload()).ok
        assert it.events.broken_slots == [0]
        assert it.events.failures[0][1] is False
        it.script("serve")
        assert (await it.reload()).ok


async def test_stopping_during_a_start_leaves_no_process(tmp_path: Path) -> None:
    async with running(tmp_path, script="hang") as it:
        result = it.group.reload()
        await until(lambda: bool(it.group.slots[0].workers and it.group.slots[0].workers[1].pid))
        pid = it.group.slots[0].workers[1].pid
    assert not (await result).ok
    assert not is_there(pid)


async def test_a_worker_tells_its_numbers_and_gets_the_token_by_the_channel_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        await it.reload()
        await it.group.ask_stats()
        worker = it.group.slots[0].serving
        assert worker is not None
        assert worker.stats == {"generation": 1, "token": "a.b.c"}
        process = Path(f"/proc/{worker.pid}")
        assert b"a.b.c" not in (process / "environ").read_bytes() + (process / "cmdline").read_bytes()


async def test_a_worker_that_hangs_is_killed_and_another_takes_its_place(tmp_path: Path) -> None:
    async with running(tmp_path, retries=[0.0], hang_timeout=1.0) as it:
        await it.reload()
        hung = it.pid()
        os.kill(hung, signal.SIGSTOP)
        await until(lambda: it.events.crashes)
        assert it.events.hangs == [(hung, True)]
        await until(lambda: it.group.is_serving)
        assert it.pid() != hung
        assert not is_there(hung)


async def test_a_worker_that_somebody_may_be_debugging_is_only_told_of(tmp_path: Path) -> None:
    async with running(tmp_path, hang_timeout=0.5, watched=True) as it:
        await it.reload()
        hung = it.pid()
        os.kill(hung, signal.SIGSTOP)
        await until(lambda: it.events.hangs)
        assert it.events.hangs == [(hung, False)]
        assert is_there(hung)
        os.kill(hung, signal.SIGCONT)
        assert (await it.reload()).ok
    assert it.events.crashes == []


async def test_a_worker_that_answers_is_left_alone(tmp_path: Path) -> None:
    async with running(tmp_path, hang_timeout=0.5) as it:
        await it.reload()
        before = it.pid()
        await asyncio.sleep(1.5)
        assert (it.pid(), it.events.hangs) == (before, [])


class NeverStarts(SpawnWorkers):
    """A spawner that hangs, as when the warm parent hangs in an import."""

    async def start(self, end: socket.socket) -> WorkerProcess:  # type: ignore[override]  # never returns
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_stop_does_not_wait_for_a_process_that_cannot_be_started(tmp_path: Path) -> None:
    timeouts = SwapTimeouts(start=30.0, dismiss=0.2)
    async with asyncio.timeout(20), running(tmp_path, timeouts=timeouts, spawner=NeverStarts("x")) as it:
        it.group.reload()
        await until(lambda: it.group.slots[0].workers)


class ShortOfDescriptors(SpawnWorkers):
    """Fails to start a process while ``failures`` is above zero."""

    failures = 0

    async def start(self, end: socket.socket) -> SpawnedProcess:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return await super().start(end)


async def test_a_worker_that_lacks_descriptors_is_started_again_and_never_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "SHORTAGE_PAUSE", 0.02)
    spawner = ShortOfDescriptors("scripted_worker")
    async with running(tmp_path, spawner=spawner, retries=[0.0]) as it:
        assert (await it.reload()).ok
        before = it.pid()
        spawner.failures = 12
        os.kill(before, signal.SIGKILL)
        await until(lambda: it.group.is_serving and it.pid() != before)
        assert spawner.failures == 0
        assert it.events.broken_slots == []
