"""CPU and memory use of a service, all the processes it started included."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

__all__ = ["Usage", "measure"]

PROC = Path("/proc")
HAS_SCHEDSTAT = (PROC / "self/schedstat").exists()
PERIOD = 0.2
"""Seconds over which processor time is measured."""


@dataclass(frozen=True, slots=True)
class Usage:
    """``cpu_percent`` is of one core; ``memory_mb`` and ``processes`` are of the whole family.

    Memory that processes share is counted in parts where the system tells them (Linux, PSS), because forked
    processes share most of their pages, and else left out (macOS, USS).
    """

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


def _families(pids: Iterable[int]) -> dict[int, list[psutil.Process]]:
    """Each process with its descendants."""
    import psutil

    children: dict[int, list[psutil.Process]] = defaultdict(list)
    present = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            children[process.ppid()].append(process)
            present[process.pid] = process
    found = {}
    for pid in present.keys() & pids:
        family = [present[pid]]
        for member in family:
            family += children[member.pid]
        found[pid] = family
    return found


def _processor_times(families: Mapping[int, Iterable[psutil.Process]]) -> dict[int, dict[int, float]]:
    return {
        pid: {member.pid: _processor_time(member) for member in family} for pid, family in families.items()
    }


def _processor_time(process: psutil.Process) -> float:
    """Seconds, over all threads.

    Read by hand on Linux, because psutil counts in clock ticks of 10 ms, 5 % of the `PERIOD`: a process that
    takes 1 % of a core would show 0, 5 or 10. /proc/PID/task/TID/schedstat counts in nanoseconds.
    """
    import psutil

    total = 0.0
    if not HAS_SCHEDSTAT:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total = times.user + times.system
        return total
    with suppress(OSError, ValueError, IndexError):
        for thread in (PROC / str(process.pid) / "task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0]) / 1e9
    return total


def _spent(before: Mapping[int, float], after: Mapping[int, float]) -> Iterable[float]:
    """A process that is new has spent all its time since; what one that ended has spent is not known."""
    return (max(0.0, time - before.get(pid, 0.0)) for pid, time in after.items())


def _memory_mb(process: psutil.Process) -> float:
    import psutil

    with suppress(psutil.Error):
        shares = process.memory_full_info()
        size: int = next(getattr(shares, name) for name in ("pss", "uss", "rss") if hasattr(shares, name))
        return size / 2**20
    with suppress(psutil.Error):  # of another user: its shares are not told
        return process.memory_info().rss / 2**20
    return 0.0
