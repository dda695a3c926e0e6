"""Hot reload under load: time from saving a file to the first event that the new code handles.

    python benchmarks/reload.py [RELOADS] [EVENTS_PER_SECOND]

Needs pydantic (``pip install pydantic``). A bot of 20 modules that imports discord.py, grpc and pydantic runs
under `nescord dev` on the sandbox. Between the reloads two references are measured: the bare limit (a process
that has imported the same forks, and the child imports the 20 modules), and a new interpreter that imports
everything. Counts lost, doubled and reordered events and IDENTIFYs; compares memory, processes and open files
after the fifth reload and the last.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp

from nescord_core import config
from nescord_core.services.dev import demo

MODULES = 20
GUILDS = 8
PAUSE = 0.3
"""Seconds from a reload to the next save: nobody saves faster, and the old process has exited by then."""
BASELINE = 5
"""Number of reloads after which resource usage is first measured."""

PART = '''"""Part {number} of the bot."""

import discord
from pydantic import BaseModel


class Answer{number}(BaseModel):
    text: str = "{number}"
    colour: int = discord.Colour.blue().value


def answer(name):
    return Answer{number}(text=f"{{name}} {number}").model_dump()
'''

APP = """import os
import re
import time

import discord
import grpc
import pydantic

from nescord_core import WsListener

{imports}
from bot_main.version import VERSION

FILE = os.open(os.environ["BENCH_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
listener = WsListener()


@listener.on("message_create")
def note(message, event):
    load, _, number = message.content.partition(" ")
    if number.isdecimal():
        row = (VERSION, message.guild_id, number, int(event.redelivered), time.time())
        os.write(FILE, (" ".join(map(str, row)) + "\\n").encode())
"""

FORK = """
import gc, os, sys, time
import discord, grpc, grpc.aio, pydantic, nescord_core.services.main.worker.process
sys.path.insert(0, sys.argv[1])
os.environ["BENCH_LEDGER"] = os.devnull
pydantic.create_model("Warm", x=(int, 1))  # pydantic imports most of itself with its first model
gc.collect()
gc.freeze()
print("warm", flush=True)
for _ in sys.stdin:
    began = time.perf_counter()
    pid = os.fork()
    if not pid:
        import bot_main.app
        os._exit(0)
    os.waitpid(pid, 0)
    print((time.perf_counter() - began) * 1000, flush=True)
"""

SPAWN = """
import sys
sys.path.insert(0, sys.argv[1])
import grpc.aio, nescord_core.services.main.worker.process, bot_main.app
"""


def make_project(directory: Path) -> None:
    """Create the bot's project."""
    demo.make_project(directory)
    package = directory / "bot_main"
    parts = range(1, MODULES - 1)
    for number in parts:
        (package / f"part{number}.py").write_text(PART.format(number=number))
    imports = "\n".join(f"from bot_main import part{number}" for number in parts)
    (package / "app.py").write_text(APP.format(imports=imports))
    save(directory, 0)


def save(project: Path, version: int) -> float:
    """Write the new code as most editors do, into the file itself; return the time of the write."""
    began = time.time()
    (project / "bot_main" / "version.py").write_text(f"VERSION = {version}\n")
    return began


class Ledger:
    """The events that the bot recorded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.first: dict[int, float] = {}
        self.rows: list[tuple[int, str, int, bool]] = []

    def update(self) -> None:
        """Read the rows added since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode().splitlines():
            version, guild, number, redelivered, at = line.split()
            self.first.setdefault(int(version), float(at))
            self.rows.append((int(version), guild, int(number), redelivered == "1"))

    def findings(self, sent: dict[str, tuple[int, int]]) -> dict[str, int]:
        """Count handled, lost, doubled and reordered events."""
        by_guild: dict[str, list[int]] = defaultdict(list)
        for _, guild, number, _ in self.rows:
            by_guild[guild].append(number)
        lost = sum(
            len(set(range(first, last + 1)) - set(by_guild[guild])) for guild, (first, last) in sent.items()
        )
        doubled = sum(len(numbers) - len(set(numbers)) for numbers in by_guild.values())
        reordered = sum(b < a for numbers in by_guild.values() for a, b in itertools.pairwise(numbers))
        return {"handled": len(self.rows), "lost": lost, "doubled": doubled, "reordered": reordered}


def family(root: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            children[int(parent)].append(int(entry.name))
    found = [root]
    for pid in found:
        found += children[pid]
    return found


def usage(root: int) -> dict[str, float]:
    """Return the processes, open files and proportional memory (MB) of a process and its descendants."""
    processes = files = 0
    memory = 0.0
    for pid in family(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            files += len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:
            continue
        processes += 1
        memory += next(int(row.split()[1]) for row in rollup.splitlines() if row.startswith("Pss:")) / 1024
    return {"processes": processes, "files": files, "MB": round(memory, 1)}


class Limits:
    """Measurements of the two references, one per call."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._process: asyncio.subprocess.Process | None = None
        self.forks: list[float] = []
        self.spawns: list[float] = []

    async def start(self) -> None:
        """Start the process that forks, and wait until it has imported everything."""
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", FORK, str(self._project)), stdin=pipe, stdout=pipe
        )
        assert self._process.stdout
        await self._process.stdout.readline()

    async def fork(self) -> None:
        """Measure a fork that imports the bot's own modules."""
        assert self._process
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"\n")
        self.forks.append(float(await self._process.stdout.readline()))

    async def spawn(self) -> None:
        """Measure a new interpreter that imports everything."""
        began = time.perf_counter()
        env = {**os.environ, "BENCH_LEDGER": os.devnull}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SPAWN, str(self._project)), env=env
        )
        await process.wait()
        self.spawns.append((time.perf_counter() - began) * 1000)

    async def stop(self) -> None:
        """Stop the process that forks."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()


async def reloads(
    project: Path, ledger: Ledger, count: int, limits: Limits, root: int
) -> tuple[list[float], list[Any]]:
    """Save repeatedly; return the milliseconds of each reload, and the usage after the fifth and the last."""
    times, used = [], []
    for version in range(1, count + 1):
        began = save(project, version)
        while version not in ledger.first:
            await asyncio.sleep(0.005)
            ledger.update()
            if time.time() - began > 30:
                raise SystemExit(f"reload {version} did not finish within 30 s")
        times.append((ledger.first[version] - began) * 1000)
        await asyncio.sleep(PAUSE)
        await limits.fork()
        if version % 10 == 0:
            await limits.spawn()
        if version in (BASELINE, count):
            await asyncio.sleep(1.0)
            services = running_services(project)
            used.append({"all": usage(root)} | {name: usage(pid) for name, pid in services.items()})
    return times, used


def running_services(project: Path) -> dict[str, int]:
    """Return the process id of each running service."""
    files = sorted((project / ".nescord/run").glob("*.json"))
    return {path.stem: int(json.loads(path.read_text())["pid"]) for path in files}


def shown(name: str, times: list[float]) -> str:
    """Return the statistics as a line."""
    times = sorted(times)
    p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    return (
        f"{name:<34} median {statistics.median(times):6.1f} ms  p95 {p95:6.1f}"
        f"  min {times[0]:6.1f}  max {times[-1]:6.1f}  (n={len(times)})"
    )


async def measure(count: int, rate: int) -> None:
    """Run the benchmark and print the results."""
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory) / "bot"
        make_project(project)
        path = Path(directory) / "ledger"
        os.environ["BENCH_LEDGER"] = str(path)
        os.environ["NESCORD_SANDBOX_GUILDS"] = str(GUILDS)
        ledger, limits = Ledger(path), Limits(project)
        await limits.start()
        configuration = config.load(project)
        offset = demo.free_offset(configuration, demo.PortClaims())
        address = configuration.shifted(offset)["sandbox.listen"]
        async with (
            demo.running(project, offset) as run,
            aiohttp.ClientSession(f"http://{address[0]}:{address[1]}") as session,
        ):
            await demo.ready(run, session, 60)
            plan = {"rate": rate, "seconds": 3600, "guilds": GUILDS, "prefix": "load "}
            await demo.post(session, "/sandbox/load", plan)
            identified = await identifies(session)
            times, used = await reloads(project, ledger, count, limits, run.pid)
            spent = await identifies(session) - identified
            await session.delete("/sandbox/load")
            await asyncio.sleep(2.0)
            async with session.get("/sandbox/load") as answer:
                sent = {g: (e["first"], e["last"]) for g, e in (await answer.json())["guilds"].items()}
            ledger.update()
            own = [
                float(line.split("reloaded in ")[1].split()[0])
                for line in run.lines
                if "reloaded in " in line
            ]
        await limits.stop()
    report(times, own, limits)
    found = ledger.findings(sent)
    print(f"{found}, IDENTIFYs {spent}")
    compare(used[0], used[-1], count)
    if spent or found["lost"] or found["doubled"] or found["reordered"]:
        raise SystemExit("a promise was broken")


def report(times: list[float], own: list[float], limits: Limits) -> None:
    """Print the times next to the references of the same run."""
    print(shown("save -> first event by new code", times))
    print(f"{'first reload after the start':<34} {times[0]:.1f} ms")
    if own:
        print(shown("as reported by main", own))
    print(shown("bare limit: fork + 20 modules", limits.forks))
    if limits.spawns:
        print(shown("new interpreter, all imports", limits.spawns))
    print(f"ratio to the bare limit {statistics.median(times) / statistics.median(limits.forks):.1f}")


def compare(first: dict[str, Any], last: dict[str, Any], count: int) -> None:
    """Print the resources of each service at the beginning and the end; the sandbox keeps every message."""
    for name, before in first.items():
        growth = last[name]["MB"] / before["MB"]
        print(f"{name:<8} after {BASELINE} reloads {before}, after {count} {last[name]}: {growth:.2f} x")


async def identifies(session: aiohttp.ClientSession) -> int:
    """Return the number of IDENTIFYs that the sandbox has received."""
    async with session.get("/sandbox/gateway") as answer:
        return int((await answer.json())["totals"]["identifies"])


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(measure(*(numbers + [100, 500][len(numbers) :])))
