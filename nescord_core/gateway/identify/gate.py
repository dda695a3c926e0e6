"""Paces the IDENTIFYs of shards: the rules of queue.py, driven by asyncio."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from typing import Protocol

from nescord_core.errors import IdentifyBudgetSpent, TransportError
from nescord_core.gateway.identify.queue import IdentifyQueue, SessionStartLimit
from nescord_core.gateway.identify.shared_queue import SharedGrant, SharedIdentifyQueue

__all__ = ["IdentifyGate", "LocalIdentifyGate", "SharedIdentifyGate"]

log = logging.getLogger("nescord.ws")

STORE_RETRY_DELAY = 1.0
"""Seconds until a shared store that did not respond is tried again."""
LOG_INTERVAL = 30.0


class IdentifyGate(Protocol):
    """One queue for all shards of a token, in this process or across hosts.

    ``others_connected`` is whether shards of other processes are known to be connected.
    """

    @property
    def others_connected(self) -> bool: ...

    async def acquire(self, shard_id: int) -> None:
        """Return when the shard may IDENTIFY; cancelling frees its place. Raises IdentifyBudgetSpent."""
        ...


class LocalIdentifyGate:
    """The gate for shards of one event loop.

    The waiter whose turn comes first sleeps on behalf of all, so no task of its own is needed.
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
        # 2.5 % more than the window, because Discord measures between the arrivals of two IDENTIFYs.
        slack = min(0.1, window / 40)
        self._queue = IdentifyQueue(limit, window=window, reserve=reserve, now=clock(), slack=slack)
        self._tickets = count(1)
        self._turns: dict[int, asyncio.Event] = {}
        self.others_connected = False
        self.granted = 0

    @property
    def remaining(self) -> int:
        """Session starts left today."""
        return self._queue.remaining

    def used(self, shard_id: int, at: float | None = None) -> None:
        """Record that a shard in another process has just sent its granted IDENTIFY: the window restarts.

        ``at`` is when it was sent, on this gate's clock; None for now.
        """
        now = self._clock()
        self._queue.used(shard_id, now if at is None else min(at, now))

    async def tell_hosts(self, shard_id: int) -> None:
        """Restart the window of the other hosts; there are none."""

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


class SharedIdentifyGate(LocalIdentifyGate):
    """The gate of one host among several: a turn in this host's queue, then one in the shared store.

    While the store is unreachable nobody identifies. Sessions that resume need no turn, and two hosts that
    identify at once would waste session starts on sessions that Discord rejects.
    """

    def __init__(
        self,
        limit: SessionStartLimit,
        *,
        window: float,
        reserve: int,
        clock: Callable[[], float],
        turns: SharedIdentifyQueue,
    ) -> None:
        super().__init__(limit, window=window, reserve=reserve, clock=clock)
        self._limit = limit
        self._reserve = reserve
        self._shared = turns
        self._offered = False
        self._shared_remaining: int | None = None
        self._key_locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._logged_at = float("-inf")

    @property
    def remaining(self) -> int:
        """Session starts left today for all hosts, as far as this one knows."""
        return super().remaining if self._shared_remaining is None else self._shared_remaining

    async def acquire(self, shard_id: int) -> None:
        """Wait for this shard's turn among all hosts. Raises IdentifyBudgetSpent."""
        await super().acquire(shard_id)
        key = self._key(shard_id)
        async with self._key_locks[key]:
            while (turn := await self._take_turn(key)).wait:  # noqa: ASYNC110 - the store says how long
                await asyncio.sleep(turn.wait)
        if turn.wait is None:
            raise IdentifyBudgetSpent(
                remaining=turn.remaining, needed=1, reserve=self._reserve, reset_after=turn.reset_after
            )

    async def tell_hosts(self, shard_id: int) -> None:
        """Restart the window of all hosts; if the store is unreachable, its window began at the grant."""
        try:
            await self._shared.used(self._key(shard_id))
        except TransportError as error:
            self._log_store_error(error)

    def _key(self, shard_id: int) -> int:
        return shard_id % max(1, self._limit.max_concurrency)

    async def _take_turn(self, key: int) -> SharedGrant:
        while True:
            try:
                if not self._offered:
                    await self._shared.offer(self._limit)
                    self._offered = True
                turn = await self._shared.take(key, reserve=self._reserve)
            except TransportError as error:
                self._log_store_error(error)
                await asyncio.sleep(STORE_RETRY_DELAY)
            else:
                self._shared_remaining = turn.remaining
                return turn

    def _log_store_error(self, error: TransportError) -> None:
        now = self._clock()
        if now - self._logged_at >= LOG_INTERVAL:
            self._logged_at = now
            log.error("No shard of this host can IDENTIFY: %s Resuming shards are not affected.", error)
