"""Worker processes: what the parent knows of one, and how a fresh interpreter becomes one."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from nescord_core.process.parent_channel import CHANNEL_FD, spawn

__all__ = ["CHANNEL_FD", "SpawnWorkers", "Spawner", "WorkerProcess"]


class WorkerProcess(Protocol):
    """A worker as a process."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it is gone."""

    async def wait(self) -> int:
        """Wait for its end; return its exit code, negative for a signal."""


class Spawner(Protocol):
    """Starts workers."""

    async def start(self, end: socket.socket) -> WorkerProcess:
        """Start a worker on this end of a channel. The caller closes its copy afterwards."""

    async def learn(self, modules: tuple[str, ...]) -> None:
        """Hear what a worker had imported when it was ready."""

    async def close(self) -> None:
        """Give up what helps to start workers; those that run go on."""


class SpawnedProcess:
    """A child of this process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        try:
            self._process.send_signal(number)
        except ProcessLookupError:
            return

    async def wait(self) -> int:
        """Wait for its end."""
        return await self._process.wait()


class SpawnWorkers:
    """Starts each worker as a fresh interpreter: slower than a fork, and at home everywhere."""

    def __init__(self, module: str) -> None:
        self.module = module

    async def start(self, end: socket.socket) -> SpawnedProcess:
        """Run ``python -m module`` with the channel inherited."""
        return SpawnedProcess(await spawn(self.module, end))

    async def learn(self, modules: tuple[str, ...]) -> None:
        """A fresh interpreter has no use for it."""

    async def close(self) -> None:
        """Nothing is held."""
