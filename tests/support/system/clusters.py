"""A system whose ws runs several clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from support.processes.commands import Started
from support.system.system import System

__all__ = ["Clusters"]

SHARDS = 16


class Clusters(System):
    """A system whose ws runs several clusters."""

    ws: Started

    @classmethod
    def ready(cls, directory: Path, *, start_ws: bool = True, **environ: str) -> Self:
        """Start the sandbox, main and ws, and wait until every shard is connected."""
        system = cls(directory)
        system.environ |= {
            "NESCORD_SANDBOX_SHARDS": str(SHARDS),
            "NESCORD_SANDBOX_MAX_CONCURRENCY": "16",
            "NESCORD_IDENTIFY_WINDOW": "0.5",
            "SHARDS_PER_CLUSTER": "4",
        } | environ
        system.start_sandbox()
        system.write_app("clusters", "asynchronous")
        system.start("run", "main")
        if start_ws:
            system.start_ws()
            system.until_answers("ws", "/readyz")
        return system

    def start_ws(self) -> Started:
        self.ws = self.start("run", "ws")
        return self.ws

    def clusters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.stats("ws")["clusters"]
        return found

    def pids(self) -> list[int]:
        return [each["pid"] for each in self.clusters()]
