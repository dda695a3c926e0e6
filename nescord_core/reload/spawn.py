"""Worker processes: what the parent knows of one, and how a fresh interpreter becomes one."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import Protocol

__all__ = ["CHANNEL_FD", "SpawnWorkers", "Spawner", "WorkerProcess"]

CHANNEL_FD = "NESCORD_CHANNEL_FD"
"""The environment variable that names the descriptor of the worker's end of the channel."""


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
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.module,
            pass_fds=(end.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            env={**os.environ, CHANNEL_FD: str(end.fileno()), "PYTHONUNBUFFERED": "1"},
        )
        return SpawnedProcess(process)

    async def learn(self, modules: tuple[str, ...]) -> None:
        """A fresh interpreter has no use for it."""

    async def close(self) -> None:
        """Nothing is held."""
