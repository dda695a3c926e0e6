"""Packages that start threads are found in one go, and imported only after a fork."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

from nescord_core.reload.swapping.fork import ForkWorkers, is_available
from nescord_core.reload.swapping.messages import Begin, Channel, DrainNow, Listening, pair
from nescord_core.reload.swapping.spawn import SpawnWorkers, WorkerProcess
from nescord_core.reload.swapping.warm_parent import Program
from nescord_core.settings import MainSettings
from support.dispatch.peers import until

PROGRAM = Program("scripted_worker:run", "scripted_worker:prepare", ("ahead",))
SUBMODULES = 30
THREAD = """
import os, threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
with open(os.environ["IMPORTS"], "a") as file:
    file.write(f"{__name__} {os.getpid()}\\n")
"""
pytestmark = pytest.mark.skipif(not is_available(), reason="forked workers exist on Linux only")


class Packages:
    """Packages that can be imported by workers, and the processes that have imported them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "packages"
        self.directory.mkdir()
        self.imports = directory / "imports"
        self.imports.touch()

    def add(self, name: str, text: str, submodules: int = 0) -> tuple[str, ...]:
        """Write a package whose every module has this text; return the names of its modules."""
        folder = self.directory / name
        folder.mkdir()
        (folder / "__init__.py").write_text(text)
        for number in range(submodules):
            (folder / f"part{number}.py").write_text(text)
        return (name, *(f"{name}.part{number}" for number in range(submodules)))

    def importers(self, name: str) -> set[str]:
        """The processes that have imported a module."""
        lines = map(str.split, self.imports.read_text().splitlines())
        return {process for module, process in lines if module == name}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    packages = Packages(tmp_path)
    monkeypatch.setenv("IMPORTS", str(packages.imports))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.environ["PYTHONPATH"], str(packages.directory)]))
    return packages


async def start(workers: ForkWorkers, project: Path, script: str) -> tuple[WorkerProcess, Channel]:
    (project / "script").write_text(script)
    ours, theirs = pair()
    with theirs:
        process = await workers.start(theirs)
    channel = await Channel.of_parent(ours)
    channel.send(Begin(MainSettings(project_dir=project), replica="0", generation=1))
    return process, channel


async def leave(process: WorkerProcess, channel: Channel) -> None:
    channel.send(DrainNow())
    assert await process.wait() == 0
    await channel.close()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_packages_that_start_threads_are_found_in_one_go_and_imported_in_advance(
    packages: Packages, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    threaded = packages.add("threaded", THREAD, SUBMODULES)
    user = packages.add("user_of_threaded", f"import threaded\n{THREAD}")
    clean = packages.add("clean", "import json\n", 3)
    workers = ForkWorkers(PROGRAM, SpawnWorkers("scripted_worker"), tmp_path)
    with caplog.at_level(logging.INFO, logger="nescord.reload"):
        await workers.learn(("json", *user, *threaded, *clean, "decimal"))
    assert workers.is_warm
    assert [record.message for record in caplog.records] == [
        "not preloaded, because their import starts threads: user_of_threaded, threaded"
    ]
    assert len(packages.importers("threaded")) <= 3, "each of two was tried once, and one child is ahead"
    for name in ("threaded.part7", "clean.part2"):
        await workers.learn(("json", *user, *threaded, *clean, "decimal"))
        process, channel = await start(workers, tmp_path, f"imported {name}")
        assert parent_of(process.pid) != os.getpid()
        assert await channel.receive() == Listening("imported", 1.0)
        await leave(process, channel)
    await workers.close()


async def test_the_next_run_knows_which_packages_start_threads(packages: Packages, tmp_path: Path) -> None:
    modules = ("json", *packages.add("threaded", THREAD, SUBMODULES), "decimal")
    before = ForkWorkers(PROGRAM, SpawnWorkers("scripted_worker"), tmp_path)
    await before.learn(modules)
    await before.close()
    imports = packages.importers("threaded")
    workers = ForkWorkers(PROGRAM, SpawnWorkers("scripted_worker"), tmp_path)
    process, channel = await start(workers, tmp_path, "serve")
    assert parent_of(process.pid) != os.getpid()
    await leave(process, channel)
    assert packages.importers("threaded") == imports, "it was not tried again"
    await workers.learn(modules)
    process, channel = await start(workers, tmp_path, "imported threaded.part3")
    assert await channel.receive() == Listening("imported", 1.0)
    await leave(process, channel)
    await workers.close()


@pytest.mark.parametrize("text", ["import os; os.kill(os.getpid(), 9)", "import os; os._exit(0)"])
async def test_a_package_whose_import_ends_the_process_is_left_out(packages: Packages, text: str) -> None:
    deadly = packages.add("deadly", text)
    workers = ForkWorkers(PROGRAM, SpawnWorkers("scripted_worker"))
    await workers.learn(("json", *deadly, "decimal"))
    assert workers.is_warm
    await workers.close()


async def test_a_package_that_starts_threads_by_now_is_found_although_it_was_known_as_clean(
    packages: Packages, tmp_path: Path
) -> None:
    modules = ("json", *packages.add("changing", "", 2), "decimal")
    before = ForkWorkers(PROGRAM, SpawnWorkers("scripted_worker"), tmp_path)
    await before.learn(modules)
    await before.close()
    (packages.directory / "changing/__init__.py").write_text(THREAD)
    workers = ForkWorkers(PROGRAM, SpawnWorkers("scripted_worker"), tmp_path)
    process, channel = await start(workers, tmp_path, "serve")
    assert workers.is_warm
    assert parent_of(process.pid) != os.getpid()
    await leave(process, channel)
    await workers.close()


async def test_a_worker_does_not_wait_for_long_imports_of_a_warm_parent(
    packages: Packages, tmp_path: Path
) -> None:
    gate = packages.directory / "gate"
    gate.touch()
    wait = f"while pathlib.Path({str(gate)!r}).exists(): time.sleep(0.05)"
    slow = packages.add("slow", f"import pathlib, time\n{wait}\n")
    workers = ForkWorkers(PROGRAM, SpawnWorkers("scripted_worker"))
    learning = asyncio.create_task(workers.learn(("json", *slow)))
    await asyncio.sleep(0)
    process, channel = await start(workers, tmp_path, "serve")
    assert parent_of(process.pid) == os.getpid()
    assert not learning.done()
    await leave(process, channel)
    gate.unlink()
    await until(lambda: workers.is_warm)
    await learning
    await workers.close()


async def test_a_worker_is_forked_as_soon_as_a_child_imports_what_starts_threads(
    packages: Packages, tmp_path: Path
) -> None:
    threaded = packages.add("threaded", THREAD, 2)
    others = [packages.add(f"slow{number}", "import time; time.sleep(0.2)") for number in range(20)]
    workers = ForkWorkers(PROGRAM, SpawnWorkers("scripted_worker"))
    modules = ("json", *threaded, *(name for names in others for name in names))
    learning = asyncio.create_task(workers.learn(modules))
    await until(lambda: packages.importers("threaded.part1"))
    await asyncio.sleep(0.3)
    process, channel = await start(workers, tmp_path, "imported threaded.part1")
    assert parent_of(process.pid) != os.getpid()
    assert not learning.done(), "the warm parent goes on importing"
    assert await channel.receive() == Listening("imported", 1.0)
    await learning
    assert workers.is_warm
    await leave(process, channel)
    await workers.close()
