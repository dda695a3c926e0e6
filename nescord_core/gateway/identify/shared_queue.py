"""Shares the IDENTIFY queue of a bot between hosts, in their store.

Discord limits IDENTIFYs per bot, not per host: one per key ``shard_id % max_concurrency`` and window, and a
number per day (https://discord.com/developers/docs/events/gateway#session-start-limit-object). A turn is a
key of the store that expires after the window: the store's clock measures it, so the hosts' need not agree.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import msgspec

from nescord_core.coordination.store import Bucket, Entry, RevisionConflict, bot_key
from nescord_core.gateway.identify.queue import DAY, SessionStartLimit

__all__ = ["SharedGrant", "SharedIdentifyQueue", "open_shared_queue", "shared_window"]

TURNS, DAYS = "nescord-identify", "nescord-sessions"
"""Buckets: turns, which expire, and the session starts left today, which do not."""
LONGEST_STEP = 0.25
"""Longest pause, in seconds, between two requests for a turn whose age is not known."""


def shared_window(window: float) -> float:
    """Return the seconds between two IDENTIFYs of different hosts: the store's round trip adds to it."""
    return window + min(0.25, window / 20)


@dataclass(frozen=True, slots=True)
class SharedGrant:
    """The outcome of a request for a turn: ``wait`` more seconds, 0.0 when granted, None when refused.

    ``remaining`` session starts are left for all hosts together; a refused host may retry in ``reset_after``
    seconds.
    """

    wait: float | None
    remaining: int
    reset_after: float = 0.0


class Day(msgspec.Struct, frozen=True):
    """The session starts left until a Unix time."""

    left: int
    until: float


class SharedIdentifyQueue:
    """One queue for all hosts of a bot. Every method raises StoreUnreachable.

    Keys of ``turns`` expire after ``window`` seconds, those of ``days`` never. ``clock`` measures intervals.
    """

    def __init__(
        self,
        turns: Bucket,
        days: Bucket,
        *,
        bot: str,
        window: float,
        host: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._turns = turns
        self._days = days
        self._bot = bot
        self._host = host.encode()
        self._window = window
        self._clock = clock
        self._step = min(LONGEST_STEP, window / 20)
        self._total = 1000
        self._day: Day | None = None
        self._taken: dict[int, int] = {}
        self._begun: dict[int, tuple[int, float | None]] = {}
        self._asked_at: dict[int, float] = {}

    async def offer(self, limit: SessionStartLimit) -> None:
        """Report the session starts that Discord says are left today; the lowest reported number counts."""
        self._total = limit.total

        def lowest(day: Day) -> Day:
            return Day(min(day.left, limit.remaining), time.time() + limit.reset_after)

        await self._change_day(lowest, first=limit.remaining)

    async def take(self, key: int, *, reserve: int) -> SharedGrant:
        """Request the turn of a key; once granted, it is held for a window."""
        asked_at = self._clock()
        try:
            revision = await self._turns.create(self._name(key), self._host)
        except RevisionConflict:
            wait = await self._wait(key)
            return SharedGrant(wait, self._total if self._day is None else self._day.left)
        before = await self._change_day(lambda day: Day(day.left - (day.left > reserve), day.until))
        if before.left <= reserve:
            with suppress(RevisionConflict):
                await self._turns.delete(self._name(key), revision)
            return SharedGrant(None, before.left, max(0.0, before.until - time.time()))
        self._taken[key] = revision
        self._begun[key] = revision, asked_at
        return SharedGrant(0.0, before.left - 1)

    async def used(self, key: int) -> None:
        """Restart the window: a granted IDENTIFY was sent only now."""
        sent_at, name = self._clock(), self._name(key)
        with suppress(RevisionConflict):  # another host has had its turn since
            try:
                revision = await self._turns.update(name, self._host, self._taken.pop(key, 0))
            except RevisionConflict:
                revision = await self._turns.create(name, self._host)
            self._begun[key] = revision, sent_at

    async def _wait(self, key: int) -> float:
        """Return the seconds until a turn that somebody has is worth asking for again.

        It began after the last time that another one, or none, was seen; its exact age is not known.
        """
        entry = await self._turns.get(self._name(key))
        now = self._clock()
        if entry is None:
            self._asked_at[key] = now
            return self._step
        if self._begun.get(key, (0, None))[0] != entry.revision:
            self._begun[key] = entry.revision, self._asked_at.get(key)
        self._asked_at[key] = now
        begun = self._begun[key][1]
        return self._step if begun is None else max(self._step, begun + self._window - now)

    async def _change_day(self, change: Callable[[Day], Day], first: int | None = None) -> Day:
        """Apply a change to the day's count; return the count before it."""
        name = f"{self._bot}.starts"
        while True:
            entry = await self._days.get(name)
            day = self._current(entry, first)
            self._day = after = change(day)
            value = msgspec.json.encode(after)
            try:
                if entry is None:
                    await self._days.create(name, value)
                else:
                    await self._days.update(name, value, entry.revision)
            except RevisionConflict:
                continue
            return day

    def _current(self, entry: Entry | None, first: int | None) -> Day:
        """Return the stored count, or what is known if there is none; a new day has all its starts."""
        now = time.time()
        day = self._day
        if entry is not None:
            with suppress(msgspec.DecodeError):
                day = msgspec.json.decode(entry.value, type=Day)
        if day is None:
            day = Day(self._total if first is None else first, now + DAY)
        return day if now < day.until else Day(self._total, now + DAY)

    def _name(self, key: int) -> str:
        return f"{self._bot}.{key}"


@asynccontextmanager
async def open_shared_queue(
    url: str | None, token: str, *, window: float, host: str = ""
) -> AsyncIterator[SharedIdentifyQueue | None]:
    """Open the queue in the store at a NATS URL; yield None without a URL, for a single host.

    ``window`` is Discord's. Raises ConfigError if the client library is not installed.
    """
    if url is None:
        yield None
        return
    from nescord_core.coordination.nats_store import open_store

    async with open_store(url) as store:
        distance = shared_window(window)
        turns, days = store.bucket(TURNS, distance), store.bucket(DAYS)
        yield SharedIdentifyQueue(turns, days, bot=bot_key(token), window=distance, host=host)
