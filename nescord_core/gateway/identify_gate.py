"""Lets shards IDENTIFY one after the other: the queue of identify.py, driven by asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Protocol

from nescord_core.gateway.identify import IdentifyQueue, SessionStartLimit

__all__ = ["IdentifyGate", "LocalIdentifyGate"]


class IdentifyGate(Protocol):
    """One queue for all shards of a token, in this process or across hosts.

    ``others_connected`` says whether shards of other processes are known to be connected.
    """

    @property
    def others_connected(self) -> bool: ...

    async def acquire(self, shard_id: int) -> None:
        """Return when the shard may IDENTIFY. Cancelling gives the place back. Raises IdentifyBudgetSpent."""
        ...


class LocalIdentifyGate:
    """The gate for shards of one event loop.

    The first waiter whose turn is next sleeps for all; there is no task of its own to look after.
    """

    def __init__(
        self,
        limit: SessionStartLimit,
        *,
        window: float,
        reserve: int,
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        # A twentieth more than the window, because the distance counts where IDENTIFYs arrive.
        self._queue = IdentifyQueue(
            limit, window=window, reserve=reserve, now=clock(), slack=min(0.25, window / 20)
        )
        self._tickets = count(1)
        self._turns: dict[int, asyncio.Event] = {}
        self.others_connected = False
        self.granted = 0

    @property
    def remaining(self) -> int:
        """Session starts left today."""
        return self._queue.remaining

    def used(self, shard_id: int) -> None:
        """A shard in another process has sent the IDENTIFY it was granted, later than this one knew."""
        self._queue.used(shard_id, self._clock())

    async def acquire(self, shard_id: int) -> None:
        """Wait for this shard's turn. Raises IdentifyBudgetSpent."""
        ticket = next(self._tickets)
        self._queue.request(ticket, shard_id, self._clock())
        turn = self._turns[ticket] = asyncio.Event()
        try:
            await self._wait(turn)
        except BaseException:
            self._queue.cancel(ticket)
            raise
        finally:
            del self._turns[ticket]

    async def _wait(self, turn: asyncio.Event) -> None:
        while True:
            self._grant()
            if turn.is_set():
                return
            now = self._clock()
            next_at = self._queue.next_at(now)
            try:
                async with asyncio.timeout(None if next_at is None else max(0.0, next_at - now)):
                    await turn.wait()
            except TimeoutError:
                continue

    def _grant(self) -> None:
        for ticket in self._queue.grants(self._clock()):
            self.granted += 1
            self._turns[ticket].set()
