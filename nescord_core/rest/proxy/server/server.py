"""Serves callers: one `Connection` each, up to a bound, and a task for every request that has to wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from nescord_core.rest.proxy.server.connection import Connection, Work
from nescord_core.rest.proxy.server.exchange import PendingResponse
from nescord_core.rest.proxy.server.remembered_heads import RememberedHeads
from nescord_core.rest.proxy.server.request import Request
from nescord_core.rest.proxy.server.response import Response

__all__ = ["Server"]

EVICTED_SHARE = 20
"""One in this many connections is closed when a new one finds no room: one search makes room for many."""
LOG_INTERVAL = 60.0
"""Seconds between two warnings that the bound is reached."""
MOST_SWEEPS = 4
"""Number of idle checks within the shortest of the time-outs."""

_log = logging.getLogger("nescord.rest")

Begin = Callable[[Request], Response | PendingResponse | Work]


class Server:
    """A protocol factory that creates a `Connection` for each caller. Use it inside `running`.

    ``begin`` returns a response, one that is on its way, or a coroutine for one. A caller has
    ``head_timeout`` seconds to finish a request's head, and may be idle, or not read, for ``idle_timeout``.
    Past ``max_connections``, a new caller takes the place of those idle for longest; if every caller waits
    for a response, the new one gets a 503.
    """

    def __init__(
        self,
        begin: Begin,
        *,
        head_timeout: float = 30.0,
        idle_timeout: float = 75.0,
        max_connections: int = 4096,
    ) -> None:
        self.begin = begin
        self.heads = RememberedHeads()
        self.head_timeout = head_timeout
        self.idle_timeout = idle_timeout
        self.max_connections = max_connections
        self.connections: set[Connection] = set()
        self.stopping = False
        self._tasks: asyncio.TaskGroup | None = None
        self._logged_at = float("-inf")

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

    def admit(self, connection: Connection) -> bool:
        """Add a connection; return whether there is room for it."""
        if len(self.connections) >= self.max_connections and not self._make_room():
            return False
        self.connections.add(connection)
        return True

    def _make_room(self) -> bool:
        idle = sorted((each for each in self.connections if each.is_idle), key=lambda each: each.idle_since)
        evicted = idle[: max(1, self.max_connections // EVICTED_SHARE)]
        for connection in evicted:
            self.connections.discard(connection)
            connection.abort()
        now = asyncio.get_running_loop().time()
        if now - self._logged_at >= LOG_INTERVAL:
            self._logged_at = now
            _log.warning(
                "%d callers are connected, as many as rest.max_connections and the limit of open files allow;"
                " %s",
                self.max_connections,
                "closing the longest idle ones" if evicted else "refusing further ones",
            )
        return bool(evicted)

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
