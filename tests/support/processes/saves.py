"""Saves a bot's module at random moments while main starts, swaps and warms up, and while workers fail.

What is on disk at the end must be what runs. Everything that is random follows from the seed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from support.processes.main_process import MainProcess, main_process, make_project

APP = """
import os
from pathlib import Path
import slow_to_import
from nescord_core import WsListener
from bot_main.words import ANSWER

listener = WsListener()
(Path(__file__).parent.parent / "loaded" / str(os.getpid())).write_text(str(ANSWER))
"""
PACKAGE = """
import threading, time
time.sleep(0.3)
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""
ONCE = """
import os, pathlib, time
marker = pathlib.Path(__file__).parent.parent / "mishaps" / "{answer}"
if not marker.exists():
    marker.touch()
    {mishap}
ANSWER = {answer}
"""
MISHAPS = {
    "hangs": "time.sleep(600)",
    "is killed": "os.kill(os.getpid(), 9)",
    "lacks a server": "raise ConnectionRefusedError('no database yet')",
    "is slow": "time.sleep(0.7)",
}
BROKEN = "ANSWER = (\n"
START_TIMEOUT = 4.0
SETTLED = 60.0
"""Seconds for what is on disk to run, once nothing is saved any more."""


@dataclass(frozen=True)
class Save:
    """A content of the module, after a pause in seconds."""

    answer: int
    pause: float
    text: str


@dataclass
class SavesReport:
    """What was tried, and the contents that did not run in the end."""

    saves: int = 0
    mishaps: dict[str, int] = field(default_factory=dict)
    killed_warm_parents: int = 0
    lost: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        mishaps = ", ".join(f"{name} {count}x" for name, count in sorted(self.mishaps.items()))
        lost = "\n".join(["", *self.lost])
        return (
            f"{self.saves} saves, {len(self.lost)} lost; new code that {mishaps or 'had no mishap'};"
            f" {self.killed_warm_parents} warm parents killed{lost}"
        )


async def save_at_random(directory: Path, *, seed: int, saves: int, per_start: int = 20) -> SavesReport:
    """Run main again and again, with ``per_start`` saves each time; return the report."""
    chance, report = random.Random(seed), SavesReport()
    packages = directory / "packages/slow_to_import"
    packages.mkdir(parents=True)
    (packages / "__init__.py").write_text(PACKAGE)
    project = make_project(directory / "project", start_timeout=START_TIMEOUT)
    (project / "bot_main/app.py").write_text(APP)
    for name in ("loaded", "mishaps"):
        (project / name).mkdir()
    while report.saves < saves:
        number = min(per_start, saves - report.saves)
        plan = list(_plan(chance, report.saves + 1, number, report))
        await _episode(project, packages.parent, plan, chance, report)
        report.saves += number
    return report


def _plan(chance: random.Random, first: int, number: int, report: SavesReport) -> Iterator[Save]:
    """Yield saves; the last one of a run is never broken, but has a mishap."""
    for answer in range(first, first + number):
        pause = chance.uniform(0, chance.choice([0.003, 0.05, 0.4, 1.5]))
        is_last = answer == first + number - 1
        kind = chance.choice([*MISHAPS] if is_last else ["", "", "", "broken", *MISHAPS])
        report.mishaps.update({kind: report.mishaps.get(kind, 0) + 1} if kind else {})
        mishap = MISHAPS.get(kind)
        text = ONCE.format(answer=answer, mishap=mishap) if mishap else f"ANSWER = {answer}\n"
        yield Save(answer, pause, BROKEN if kind == "broken" else text)


async def _episode(
    project: Path, packages: Path, plan: list[Save], chance: random.Random, report: SavesReport
) -> None:
    path = os.pathsep.join([str(packages), os.environ.get("PYTHONPATH", "")])
    async with main_process(project, "--watch", environ={"PYTHONPATH": path}) as main:
        for save in plan:
            await asyncio.sleep(save.pause)
            file = project / "bot_main/words.py"
            if chance.random() < 0.5:
                file.write_text(save.text)
            else:
                fresh = project / "bot_main/words.py~"
                fresh.write_text(save.text)
                fresh.replace(file)
            if chance.random() < 0.1:
                report.killed_warm_parents += _kill_warm_parent(main.process.pid)
        if running := await _until_running(main, project, plan[-1].answer):
            report.lost.append(f"answer {plan[-1].answer} was saved last, {running} runs")


async def _until_running(main: MainProcess, project: Path, answer: int) -> str:
    """Wait until every worker runs the answer; return what runs instead after a while, "" if it does run."""
    running: Mapping[int, str] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLED):
            while True:
                running = await _running(main, project)
                if running and set(running.values()) == {str(answer)}:
                    return ""
                await asyncio.sleep(0.1)
    return str(running or "nothing")


async def _running(main: MainProcess, project: Path) -> dict[int, str]:
    """Return what each serving worker has loaded, by process id; {} before main is ready."""
    try:
        workers = await main.workers()
        pids = [worker["pid"] for worker in workers if worker["state"] == "serving"]
        return {pid: (project / "loaded" / str(pid)).read_text() for pid in pids}
    except (KeyError, OSError, aiohttp.ClientError):
        return {}


def _kill_warm_parent(main: int) -> int:
    """Kill main's fork servers; return how many there were."""
    killed = 0
    with suppress(OSError):
        for pid in Path(f"/proc/{main}/task/{main}/children").read_text().split():
            if b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(int(pid), signal.SIGKILL)
                killed += 1
    return killed
