"""Interfaces for starting worker processes, and the spawner that runs each in a new interpreter."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from nescord_core.process.parent_channel import CHANNEL_FD, spawn

__all__ = ["CHANNEL_FD", "SpawnWorkers", "SpawnedProcess", "Spawner", "WorkerProcess"]


class WorkerProcess(Protocol):
    """A running worker process."""

    @property
    def pid(self) -> int:
        """The process id."""

    def signal(self, number: int) -> None:
        """Send a signal; does nothing if the process is gone."""

    async def wait(self) -> int:
        """Wait until it exits; return the exit code, negative for a signal."""


class Spawner(Protocol):
    """Starts workers."""

    async def start(self, end: socket.socket) -> WorkerProcess:
        """Start a worker on this end of a channel. The caller closes its own copy afterwards."""

    def moved(self, arguments: tuple[str, ...]) -> None:
        """Prepare further workers with other arguments: in another project directory."""

    def distrust(self) -> None:
        """Start the next worker without shortcuts: the last one failed for a reason that may lie in them."""

    async def learn(self, modules: tuple[str, ...]) -> None:
        """Receive the modules that a worker had imported when it was ready, for later starts."""

    async def close(self) -> None:
        """Release what is held for starting workers; running workers continue."""


class SpawnedProcess:
    """A child of this process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal."""
        try:
            self._process.send_signal(number)
        except ProcessLookupError:
            return

    async def wait(self) -> int:
        """Wait until it exits; return the exit code."""
        return await self._process.wait()


class SpawnWorkers:
    """Starts each worker in a new interpreter: slower than a fork, but portable."""

    def __init__(self, module: str) -> None:
        self.module = module

    async def start(self, end: socket.socket) -> SpawnedProcess:
        """Run ``python -m module``, which inherits the channel."""
        return SpawnedProcess(await spawn(self.module, end))

    def moved(self, arguments: tuple[str, ...]) -> None:
        """Do nothing: nothing is prepared."""

    def distrust(self) -> None:
        """Do nothing: every worker has a new interpreter."""

    async def learn(self, modules: tuple[str, ...]) -> None:
        """Do nothing: a new interpreter imports everything itself."""

    async def close(self) -> None:
        """Do nothing: nothing is held."""
