"""What a service and all that it started take of the machine, from /proc (elsewhere nothing is known).

Processor time is counted by the scheduler in nanoseconds (/proc/PID/schedstat), because clock ticks are too
coarse for a short look. Memory is the proportional set size where it may be read: forked processes share most
of their pages, and the sum of their resident sizes would count those again and again.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Usage", "measure"]

PROC = Path("/proc")
PERIOD = 0.2
"""Seconds over which processor time is measured."""


@dataclass(frozen=True, slots=True)
class Usage:
    """``cpu_percent`` is of one core; ``memory_mb`` and ``processes`` are of the whole family."""

    cpu_percent: float
    memory_mb: float
    processes: int


async def measure(pids: Iterable[int]) -> dict[int, Usage]:
    """Measure for a moment; leaves out processes that are not there."""
    loop = asyncio.get_running_loop()
    before, began = _processor_times(_families(pids)), loop.time()
    await asyncio.sleep(PERIOD)
    families = _families(before)
    after, period = _processor_times(families), loop.time() - began
    return {
        pid: Usage(
            round(sum(_spent(before[pid], after[pid])) / period * 100, 1),
            round(sum(map(_memory_mb, family)), 1),
            len(family),
        )
        for pid, family in families.items()
    }


def _families(pids: Iterable[int]) -> dict[int, list[int]]:
    """Each process with its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    present = set()
    for pid, parent in _processes():
        present.add(pid)
        children[parent].append(pid)
    found = {}
    for pid in present.intersection(pids):
        family = [pid]
        for member in family:
            family += children[member]
        found[pid] = family
    return found


def _processes() -> Iterable[tuple[int, int]]:
    for entry in PROC.iterdir() if PROC.is_dir() else ():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                # The second field is the program's name in brackets and may hold anything (proc_pid_stat(5)).
                yield int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])


def _processor_times(families: Mapping[int, Iterable[int]]) -> dict[int, dict[int, float]]:
    return {pid: {member: _processor_time(member) for member in family} for pid, family in families.items()}


def _processor_time(pid: int) -> float:
    """Seconds, over all threads."""
    total = 0.0
    with suppress(OSError, ValueError, IndexError):
        for thread in (PROC / str(pid) / "task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0]) / 1e9
    return total


def _spent(before: Mapping[int, float], after: Mapping[int, float]) -> Iterable[float]:
    """A process that is new has spent all its time since; what one that ended has spent is not known."""
    return (max(0.0, time - before.get(pid, 0.0)) for pid, time in after.items())


def _memory_mb(pid: int) -> float:
    with suppress(OSError, ValueError, StopIteration):
        rows = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return next(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024
    with suppress(OSError, ValueError, IndexError):
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024
    return 0.0
