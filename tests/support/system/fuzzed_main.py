"""Fuzzes the port for events of a running system's main, while its ws delivers a load."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import psutil

from support.dispatch.grpc_fuzz import attack
from support.processes.commands import Started, fetch
from support.system.system import System

__all__ = ["Fuzzed", "fuzz"]

AT_A_TIME = 8
CHECK_EVERY = 50
MOST_MB = 300
"""How much more memory main's processes may take: under attack, gRPC's buffers settle at about 190 MB."""


@dataclass
class Fuzzed:
    """What was done, and what it broke; the seeds before a problem are its suspects."""

    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    last_seeds: list[int] = field(default_factory=list)
    grown_mb: int = 0

    def __str__(self) -> str:
        listed = ", ".join(f"{count} {kind.strip('_')}" for kind, count in sorted(self.kinds.items()))
        found = "; ".join(self.problems) or "nothing broke"
        return f"{listed}; main grew by {self.grown_mb} MB; {found}; last seeds {self.last_seeds}"


async def fuzz(system: System, main: Started, seeds: Iterable[int], *, rate: float = 100) -> Fuzzed:
    """Attack with every seed, under a load, until something breaks."""
    found = Fuzzed()
    port, before = system.ports["main"], _workers(system)
    memory = _memory(main.pid)
    gateway = system.gateway()
    with system.load(rate=rate, seconds=86_400) as load:
        load.handled(more_than=100)
        for part in _parts(seeds, AT_A_TIME):
            found.last_seeds = part
            found.kinds.update(await asyncio.gather(*(attack(port, seed) for seed in part)))
            if sum(found.kinds.values()) % CHECK_EVERY < AT_A_TIME:
                found.grown_mb = max(found.grown_mb, (_memory(main.pid) - memory) >> 20)
                found.problems += _problems(system, main, before, found.grown_mb)
            if found.problems:
                return found
        handled = load.handled()
        load.handled(more_than=handled + 100)
        findings = load.check()
    if not findings.good or findings.again:
        found.problems.append(str(findings))
    if system.gateway()["identifies"] != gateway["identifies"]:
        found.problems.append("a shard sent IDENTIFY")
    found.problems += _problems(system, main, before, found.grown_mb)
    return found


def _parts(seeds: Iterable[int], size: int) -> Iterable[list[int]]:
    part: list[int] = []
    for seed in seeds:
        part.append(seed)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _workers(system: System) -> list[int]:
    stats = system.stats("main")
    return [worker["pid"] for worker in stats["workers"]] if stats else []


def _memory(pid: int) -> int:
    """Return the resident memory of a process and its children, in bytes."""
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


def _problems(system: System, main: Started, workers: list[int], grown_mb: int) -> list[str]:
    problems = []
    if main.process.poll() is not None:
        return [f"main ended: {main}"]
    if _workers(system) != workers:
        problems.append("a worker was replaced")
    if fetch("GET", f"http://127.0.0.1:{system.ports['main_admin']}/healthz")[0] != 200:
        problems.append("main is not healthy")
    if grown_mb > MOST_MB:
        problems.append(f"main grew by {grown_mb} MB")
    said = [word for word in ("Traceback", "Unhandled", "Unexpected") if word in main.output]
    return [*problems, *(f"{word} in main's log: {main}" for word in said)]
