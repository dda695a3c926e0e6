"""State of one replica's slot in a group: its rules and its worker processes, old, serving and starting."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nescord_core.reload.swapping.hang_detection import HangDetector
from nescord_core.reload.swapping.messages import Channel, Listening
from nescord_core.reload.swapping.spawn import WorkerProcess
from nescord_core.reload.swapping.swap import Phase, Replica

__all__ = ["DEBUGGED_PAUSE", "Restarts", "Worker", "WorkerSlot"]

DEBUGGED_PAUSE = 1.0
"""Seconds between two looks at an overdue worker that is being debugged."""

Restarts = Callable[[int, float], float | None]
"""Returns, for (exit code, uptime in seconds), the delay before the next start; None to give up."""


@dataclass(slots=True)
class Worker:
    """State of one worker process."""

    generation: int
    process: WorkerProcess | None = None
    channel: Channel | None = None
    started_at: float = 0.0
    start_timeout: asyncio.Timeout | None = None
    hang_detector: HangDetector = field(default_factory=lambda: HangDetector(0))
    listening: Listening | None = None
    report: Mapping[str, Any] | None = None
    stats: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0
    pending_signals: list[int] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    state: asyncio.Future[Mapping[str, bytes]] | None = None
    predecessor: int | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 before the process has started."""
        return self.process.pid if self.process else 0

    def signal(self, number: int) -> None:
        """Send a signal, now or as soon as the process exists; SIGKILL also cancels a pending start."""
        if self.process is None:
            self.pending_signals.append(number)
            if number == signal.SIGKILL and self.start_timeout is not None:
                self.start_timeout.reschedule(0.0)
        else:
            self.process.signal(number)


@dataclass(slots=True)
class WorkerSlot:
    """One replica: its rules, its processes by generation, and its restart policy."""

    rules: Replica
    restarts: Restarts
    workers: dict[int, Worker] = field(default_factory=dict)
    last_exit: tuple[int, float] = (0, 0.0)
    crashes: int = 0
    is_short: bool = False
    """Whether the last start failed because the system was short of descriptors, memory or processes."""

    @property
    def serving(self) -> Worker | None:
        """The serving worker; None when there is none."""
        return self.workers.get(self.rules.current) if self.rules.current is not None else None

    def debugged(self, pid: int, *, is_stopped: bool) -> None:
        """Record that a worker has stopped at a breakpoint, or continues: it is neither hung nor overdue."""
        for worker in self.workers.values():
            if worker.pid == pid:
                worker.hang_detector.paused = is_stopped

    def is_debugged(self, generation: int) -> bool:
        """Whether this worker has stopped at a breakpoint, and the slot is not stopping."""
        worker = self.workers.get(generation)
        return worker is not None and worker.hang_detector.paused and self.rules.phase is not Phase.STOPPING
