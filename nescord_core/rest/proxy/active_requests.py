"""Counts the requests that are being answered, so that the service can stop when none is left."""

from __future__ import annotations

import asyncio
from contextlib import suppress

__all__ = ["ActiveRequests"]


class ActiveRequests:
    """``count`` is the number of requests that have begun and not ended."""

    __slots__ = ("_idle", "count")

    def __init__(self) -> None:
        self.count = 0
        self._idle: asyncio.Event | None = None

    def begin(self) -> None:
        """Count a request."""
        self.count += 1

    def end(self) -> None:
        """Count a request's end."""
        self.count -= 1
        if self._idle is not None and not self.count:
            self._idle.set()

    async def finish(self, timeout: float) -> int:
        """Wait up to ``timeout`` seconds for running requests; return how many are left."""
        await asyncio.sleep(0)  # lets requests that have just arrived start
        self._idle = asyncio.Event()
        if self.count:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._idle.wait()
        return self.count
