"""One worker place of a group, and what is known of each process that has it, had it, or is to have it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nescord_core.reload.swapping.hang_detection import HangDetector
from nescord_core.reload.swapping.messages import Channel, Listening
from nescord_core.reload.swapping.spawn import WorkerProcess
from nescord_core.reload.swapping.swap import Replica

__all__ = ["Restarts", "Worker", "WorkerSlot"]

Restarts = Callable[[int, float], float | None]
"""Says after (exit code, seconds it ran) how long to wait before the next start; None to give up."""


@dataclass(slots=True)
class Worker:
    """What is known of one process."""

    generation: int
    process: WorkerProcess | None = None
    channel: Channel | None = None
    began: float = 0.0
    limit: asyncio.Timeout | None = None
    hang_detector: HangDetector = field(default_factory=lambda: HangDetector(0))
    listening: Listening | None = None
    report: Mapping[str, Any] | None = None
    stats: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0
    told: list[int] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    state: asyncio.Future[Mapping[str, bytes]] | None = None
    heir_of: int | None = None

    @property
    def pid(self) -> int:
        """Its process id, 0 before it has one."""
        return self.process.pid if self.process else 0

    def signal(self, number: int) -> None:
        """Send it a signal, at the latest when it has a process; SIGKILL ends the wait for one."""
        if self.process is None:
            self.told.append(number)
            if number == signal.SIGKILL and self.limit is not None:
                self.limit.reschedule(0.0)
        else:
            self.process.signal(number)


@dataclass(slots=True)
class WorkerSlot:
    """One replica: its rules, its processes by generation, and how it is restarted."""

    rules: Replica
    restarts: Restarts
    workers: dict[int, Worker] = field(default_factory=dict)
    last_exit: tuple[int, float] = (0, 0.0)
    crashes: int = 0

    @property
    def serving(self) -> Worker | None:
        """The worker that serves."""
        return self.workers.get(self.rules.current) if self.rules.current is not None else None
