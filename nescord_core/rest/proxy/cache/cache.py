"""Keeps answers to GETs for a short while, and never one that may be older than a change it was told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from nescord_core.rest.proxy.body_stream import BodyStream
from nescord_core.rest.proxy.cache.invalidation import by_event
from nescord_core.rest.proxy.cache.storage import CachedResponse, CacheStorage
from nescord_core.settings import CacheOptions

__all__ = ["Cache", "CacheAnswer"]

UNKEPT_HEADERS = frozenset({"set-cookie", "connection", "transfer-encoding", "content-length"})
SWEEP_AT = 4096
"""Entries between two looks for expired ones."""


class CacheAnswer(NamedTuple):
    """``status``, ``reason``, ``headers`` and ``body`` as for the caller; ``hit`` when it was kept.

    An answer with a ``rest`` is too large to be kept, and for one caller alone.
    """

    status: int
    reason: str
    headers: Iterable[tuple[str, str]]
    body: bytes
    hit: bool = False
    rest: BodyStream | None = None


class _Flight:
    """A GET on its way. ``stale`` once something changed meanwhile: then its answer is not kept."""

    __slots__ = ("answer", "stale", "tags")

    def __init__(self, tags: frozenset[str]) -> None:
        self.tags = tags
        self.stale = False
        self.answer: asyncio.Future[CacheAnswer] = asyncio.get_running_loop().create_future()


Fetch = Callable[[], Awaitable[CacheAnswer]]


class Cache:
    """See the module. Entries lie in ``directory`` and in memory; options say for how long and how many."""

    def __init__(self, options: CacheOptions, directory: Path) -> None:
        self._options = options
        self._storage = CacheStorage(directory, max_mb=options.max_mb)
        self._tags: dict[str, frozenset[str]] = {}
        self._by_tag: dict[str, set[str]] = {}
        self._stored: dict[str, float] = {}
        self._flights: dict[str, _Flight] = {}
        self._unkept: set[_Flight] = set()
        self._next_sweep = SWEEP_AT
        self.hits = 0
        self.misses = 0
        self.invalidated = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Cache]:
        """Hold the disk part open for as long as the block runs."""
        await self._storage.open()
        try:
            yield self
        finally:
            await self._storage.close()

    async def get(self, key: str, tags: frozenset[str], fetch: Fetch, ttl: float) -> CacheAnswer:
        """Return a kept answer, or that of a fetch under way, or what ``fetch`` gives; keep no errors.

        ``ttl`` in seconds is how old a kept one may be.
        """
        while True:
            kept = await self._kept(key, ttl)
            if kept is not None:
                return self._hit(kept)
            flight = self._flights.get(key)
            if flight is None or flight.stale:
                self.misses += 1
                return await self.fresh(key, tags, fetch)
            shared = await self._join(flight)
            if shared is not None:
                return shared

    def recent(self, key: str, ttl: float) -> CacheAnswer | None:
        """Return a kept answer if it lies in memory."""
        kept = self._storage.recent(key) if self._is_fresh(key, ttl) else None
        return None if kept is None else self._hit(kept)

    def _hit(self, kept: CachedResponse) -> CacheAnswer:
        self.hits += 1
        age = int(asyncio.get_running_loop().time() - kept.stored_at)
        return CacheAnswer(200, kept.reason, (*kept.headers, ("Age", str(age))), kept.body, hit=True)

    async def fresh(self, key: str, tags: frozenset[str], fetch: Fetch) -> CacheAnswer:
        """Fetch whatever is kept already, and keep the answer unless something changed meanwhile."""
        flight = self._flights[key] = _Flight(tags)
        self._unkept.add(flight)
        try:
            answer = await fetch()
            if answer.rest is not None:
                return answer
            if answer.status == 200 and not flight.stale:
                self._keep(key, tags, answer)
            flight.answer.set_result(answer)
            return answer
        finally:
            if not flight.answer.done():
                flight.answer.cancel()
            self._unkept.discard(flight)
            if self._flights.get(key) is flight:
                del self._flights[key]

    def invalidate(self, kind: str, ids: Mapping[str, str]) -> None:
        """Drop what a gateway event of that name (or a change to that kind of thing) makes wrong."""
        self.drop(by_event(kind, ids))

    def drop(self, tags: Iterable[str]) -> None:
        """Drop every answer with one of the tags, also those on their way."""
        wanted = frozenset(tags)
        if not wanted:
            return
        for flight in self._unkept:
            if not flight.tags.isdisjoint(wanted):
                flight.stale = True
        for tag in wanted:
            for key in tuple(self._by_tag.get(tag, ())):
                self._forget(key)
                self.invalidated += 1

    def __len__(self) -> int:
        return len(self._tags)

    def _is_fresh(self, key: str, ttl: float) -> bool:
        stored = self._stored.get(key)
        if stored is None:
            return False
        if stored + ttl <= asyncio.get_running_loop().time():
            self._forget(key)
            return False
        return True

    async def _kept(self, key: str, ttl: float) -> CachedResponse | None:
        if not self._is_fresh(key, ttl):
            return None
        stored = self._stored[key]
        kept = self._storage.recent(key) or await self._storage.get(key)
        # Reading from disk takes a moment, in which the entry may have been dropped.
        return kept if self._stored.get(key) == stored else None

    async def _join(self, flight: _Flight) -> CacheAnswer | None:
        """Wait for somebody else's fetch; None when that one left or failed, or its answer is too large."""
        await asyncio.wait([flight.answer])
        if flight.answer.cancelled():
            return None
        answer = flight.answer.result()
        return answer if answer.status < 500 and answer.status not in {401, 429} else None

    def _keep(self, key: str, tags: frozenset[str], answer: CacheAnswer) -> None:
        now = asyncio.get_running_loop().time()
        self._forget(key)
        headers = tuple((name, value) for name, value in answer.headers if name.lower() not in UNKEPT_HEADERS)
        self._storage.put(key, CachedResponse(answer.reason, headers, answer.body, now))
        self._tags[key] = tags
        self._stored[key] = now
        for tag in tags:
            self._by_tag.setdefault(tag, set()).add(key)
        if len(self._tags) >= self._next_sweep:
            self._sweep(now)

    def _forget(self, key: str) -> None:
        for tag in self._tags.pop(key, frozenset()):
            keys = self._by_tag[tag]
            keys.discard(key)
            if not keys:
                del self._by_tag[tag]
        self._stored.pop(key, None)
        self._storage.remove(key)

    def _sweep(self, now: float) -> None:
        oldest = now - max(self._options.ttl, *self._options.ttls.values(), 0.0)
        for key in [key for key, stored in self._stored.items() if stored <= oldest]:
            self._forget(key)
        self._next_sweep = 2 * len(self._tags) + SWEEP_AT
