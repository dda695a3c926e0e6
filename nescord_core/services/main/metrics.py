"""Readiness, statistics and metrics of a group of workers, for /readyz, /stats and /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from nescord_core.reload.swapping.group import Group
from nescord_core.reload.swapping.rollout import Reloaded

__all__ = ["WorkerMetrics"]

BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class WorkerMetrics:
    """Combines the workers' own figures with those of the group."""

    def __init__(self, group: Group, host: str, ports: tuple[int, ...]) -> None:
        self._group = group
        self._host = host
        self._ports = ports
        self._reloads: list[Reloaded] = []
        self.refused = 0
        self.done = 0

    def reloaded(self, reloaded: Reloaded) -> None:
        """Count a successful reload."""
        self.done += 1
        self._reloads = [*self._reloads, reloaded][-100:]

    def unready(self) -> list[str]:
        """Return a problem for every replica without a serving process."""
        return [
            f"worker {index} accepts no events ({slot.rules.phase.value})"
            for index, slot in enumerate(self._group.slots)
            if slot.serving is None
        ]

    async def stats(self) -> Mapping[str, Any]:
        """Return the state of every replica, with its worker's figures."""
        await self._group.ask_stats()
        last = self._reloads[-1] if self._reloads else None
        return {
            "service": "main",
            "workers": [self._worker(index) for index in range(len(self._ports))],
            "reloads": {
                "done": self.done,
                "refused": self.refused,
                "last_ms": round(last.ms, 1) if last else None,
                "last_files": list(last.paths) if last else [],
            },
        }

    def _worker(self, index: int) -> dict[str, Any]:
        slot = self._group.slots[index]
        worker = slot.serving
        facts: dict[str, Any] = {
            "replica": str(index),
            "state": slot.rules.phase.value,
            "address": f"{self._host}:{self._ports[index]}",
            "crashes": slot.crashes,
        }
        if worker is not None:
            uptime = asyncio.get_running_loop().time() - worker.started_at
            facts |= {"pid": worker.pid, "generation": worker.generation, "uptime_s": round(uptime, 1)}
            facts |= {"start_ms": round(worker.listening.ms, 1) if worker.listening else None}
            facts |= worker.stats
        return facts

    async def metrics(self) -> bytes:
        """Return the same in the Prometheus text format."""
        await self._group.ask_stats()
        registry = CollectorRegistry()
        results = Counter("nescord_main_reloads", "Reloads by result", ["result"], registry=registry)
        results.labels("done").inc(self.done)
        results.labels("refused").inc(self.refused)
        seconds = Histogram(
            "nescord_main_reload_seconds",
            "Time from a change until the new process took events (the last 100 reloads)",
            registry=registry,
            buckets=BUCKETS,
        )
        for reloaded in self._reloads:
            seconds.observe(reloaded.ms / 1000)
        up = Gauge("nescord_main_worker_up", "Whether a replica takes events", ["replica"], registry=registry)
        for index, slot in enumerate(self._group.slots):
            up.labels(str(index)).set(slot.serving is not None)
        gauges: dict[str, Gauge] = {}
        for index in range(len(self._ports)):
            for name, value in self._worker(index).items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    if name not in gauges:
                        about = f"{name} of the replica's process"
                        gauges[name] = Gauge(f"nescord_main_{name}", about, ["replica"], registry=registry)
                    gauges[name].labels(str(index)).set(value)
        return bytes(generate_latest(registry))
