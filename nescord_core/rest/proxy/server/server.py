"""Serves callers: one `Connection` each, and a task for every request that has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from nescord_core.rest.proxy.server.connection import Connection, Work
from nescord_core.rest.proxy.server.request import Request
from nescord_core.rest.proxy.server.response import Response

__all__ = ["Server"]

MOST_SWEEPS = 4
"""Number of idle checks within the shortest of the time-outs."""

Begin = Callable[[Request], Response | Work]


class Server:
    """A protocol factory that creates a `Connection` for each caller. Use it inside `running`.

    ``begin`` returns a response, or a coroutine for one. A caller has ``head_timeout`` seconds to finish a
    request's head, and may be idle, or not read, for ``idle_timeout``.
    """

    def __init__(self, begin: Begin, *, head_timeout: float = 30.0, idle_timeout: float = 75.0) -> None:
        self.begin = begin
        self.head_timeout = head_timeout
        self.idle_timeout = idle_timeout
        self.connections: set[Connection] = set()
        self.stopping = False
        self._tasks: asyncio.TaskGroup | None = None

    def __call__(self) -> Connection:
        return Connection(self)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """Answer requests while the block runs; what is unfinished then is dropped."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            sweeper = tasks.create_task(self._sweep())
            try:
                yield self
            finally:
                sweeper.cancel()
                self.stopping = True
                for connection in list(self.connections):
                    connection.abort()

    def spawn(self, work: Any) -> asyncio.Task[None]:
        """Run a request's coroutine."""
        assert self._tasks is not None
        return self._tasks.create_task(work)

    def leave(self) -> None:
        """Close idle connections now, and the others after their response."""
        self.stopping = True
        for connection in list(self.connections):
            connection.close_when_idle()

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(self.head_timeout, self.idle_timeout) / MOST_SWEEPS)
            now = loop.time()
            for connection in list(self.connections):
                connection.check_idle(now)
