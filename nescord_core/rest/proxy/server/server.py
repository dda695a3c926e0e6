"""The sockets that callers talk to: a `Connection` each, a task for each request that has to wait."""

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
"""Looks at who says nothing in the time that the most impatient of the time-outs gives."""

Begin = Callable[[Request], Response | Work]


class Server:
    """Makes a `Connection` for each caller: a protocol factory. Use it inside `running`.

    ``begin`` gives an answer that needs no waiting, or what gives it later. A caller has ``head_timeout``
    seconds to finish a request's head, and may say or take nothing for ``idle_timeout``.
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
        """Answer for as long as the block runs; what is left then is dropped."""
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
        """Close the connections that are idle, and each of the others after its answer."""
        self.stopping = True
        for connection in list(self.connections):
            connection.leave()

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(self.head_timeout, self.idle_timeout) / MOST_SWEEPS)
            now = loop.time()
            for connection in list(self.connections):
                connection.look(now)
