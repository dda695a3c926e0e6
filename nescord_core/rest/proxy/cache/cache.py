"""Caches responses to GETs for a short time, and drops them when a change to their content is reported."""

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

__all__ = ["Cache", "CacheAnswer", "Flight"]

UNCACHED_HEADERS = frozenset({"set-cookie", "connection", "transfer-encoding", "content-length"})
SWEEP_AT = 4096
"""Entries between two removals of expired ones."""
ENTRIES_PER_MB = 256
"""Most entries for each MB of the cache: the index of one takes about 1 kB, wherever the entry is."""


class CacheAnswer(NamedTuple):
    """``status``, ``reason``, ``headers`` and ``body`` for the caller; ``hit`` if it was cached.

    A response with a ``rest`` is too large for the cache, and for one caller only.
    """

    status: int
    reason: str
    headers: Iterable[tuple[str, str]]
    body: bytes
    hit: bool = False
    rest: BodyStream | None = None


class Flight:
    """A GET in flight. It becomes ``stale``, and is not cached, if a change is reported meanwhile."""

    __slots__ = ("answer", "key", "stale", "tags")

    def __init__(self, key: str, tags: frozenset[str]) -> None:
        self.key = key
        self.tags = tags
        self.stale = False
        self.answer: asyncio.Future[CacheAnswer] = asyncio.get_running_loop().create_future()


Fetch = Callable[[], Awaitable[CacheAnswer]]


class Cache:
    """The cache. Entries are in memory and in ``directory``; the options limit their age and number."""

    def __init__(self, options: CacheOptions, directory: Path) -> None:
        self._options = options
        self._storage = CacheStorage(directory, max_mb=options.max_mb)
        self._tags: dict[str, frozenset[str]] = {}
        self._by_tag: dict[str, set[str]] = {}
        self._stored: dict[str, float] = {}
        self._flights: dict[str, Flight] = {}
        self._uncached: set[Flight] = set()
        self._next_sweep = SWEEP_AT
        self._most = options.max_mb * ENTRIES_PER_MB
        self.hits = 0
        self.misses = 0
        self.invalidated = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Cache]:
        """Keep the disk storage open while the block runs."""
        await self._storage.open()
        try:
            yield self
        finally:
            await self._storage.close()

    async def get(self, key: str, tags: frozenset[str], fetch: Fetch, ttl: float) -> CacheAnswer:
        """Return a cached response, or join a fetch in flight, or call ``fetch``; errors are not cached.

        ``ttl`` is the maximum age of a cached response in seconds.
        """
        while True:
            cached = await self._cached(key, ttl)
            if cached is not None:
                return self._hit(cached)
            flight = self._flights.get(key)
            if flight is None or flight.stale:
                return await self.complete(self.miss(key, tags), fetch)
            shared = await self._join(flight)
            if shared is not None:
                return shared

    def recent(self, key: str, ttl: float) -> CacheAnswer | None:
        """Return a cached response if it is in memory."""
        cached = self._storage.recent(key) if self._is_fresh(key, ttl) else None
        return None if cached is None else self._hit(cached)

    def _hit(self, cached: CachedResponse) -> CacheAnswer:
        self.hits += 1
        age = int(asyncio.get_running_loop().time() - cached.stored_at)
        return CacheAnswer(200, cached.reason, (*cached.headers, ("Age", str(age))), cached.body, hit=True)

    async def refresh(self, key: str, tags: frozenset[str], fetch: Fetch) -> CacheAnswer:
        """Fetch regardless of the cache, and cache the response unless a change is reported meanwhile."""
        return await self.complete(self.begin(key, tags), fetch)

    def is_unknown(self, key: str) -> bool:
        """Return whether there is neither a cached response nor a fetch in flight."""
        return key not in self._stored and key not in self._flights

    def miss(self, key: str, tags: frozenset[str]) -> Flight:
        """Count a response that is not cached, and announce its fetch."""
        self.misses += 1
        return self.begin(key, tags)

    def begin(self, key: str, tags: frozenset[str]) -> Flight:
        """Announce a fetch; end it by `complete`, `settle` or `abandon`."""
        flight = self._flights[key] = Flight(key, tags)
        self._uncached.add(flight)
        return flight

    async def complete(self, flight: Flight, fetch: Fetch) -> CacheAnswer:
        """Fetch, and end the flight with the response."""
        try:
            answer = await fetch()
            self.settle(flight, answer)
            return answer
        finally:
            self.abandon(flight)

    def settle(self, flight: Flight, answer: CacheAnswer) -> None:
        """End a flight with its response, for those who have joined it as well."""
        if answer.rest is None:
            if answer.status == 200 and not flight.stale:
                self._store(flight.key, flight.tags, answer)
            flight.answer.set_result(answer)
        self.abandon(flight)

    def abandon(self, flight: Flight) -> None:
        """End a flight; without a response, those who have joined it fetch for themselves."""
        if not flight.answer.done():
            flight.answer.cancel()
        self._uncached.discard(flight)
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]

    def invalidate(self, kind: str, ids: Mapping[str, str]) -> None:
        """Drop the responses that a gateway event (or a change to a kind of resource) makes outdated."""
        self.drop(by_event(kind, ids))

    def drop(self, tags: Iterable[str]) -> None:
        """Drop every response with one of the tags, including those in flight."""
        wanted = frozenset(tags)
        if not wanted:
            return
        for flight in self._uncached:
            if not flight.tags.isdisjoint(wanted):
                flight.stale = True
        for tag in wanted:
            for key in tuple(self._by_tag.get(tag, ())):
                self._remove(key)
                self.invalidated += 1

    def __len__(self) -> int:
        return len(self._tags)

    def _is_fresh(self, key: str, ttl: float) -> bool:
        stored = self._stored.get(key)
        if stored is None:
            return False
        if stored + ttl <= asyncio.get_running_loop().time():
            self._remove(key)
            return False
        return True

    async def _cached(self, key: str, ttl: float) -> CachedResponse | None:
        if not self._is_fresh(key, ttl):
            return None
        stored = self._stored[key]
        cached = self._storage.recent(key) or await self._storage.get(key)
        # Reading from disk takes a moment, in which the entry may have been dropped.
        return cached if self._stored.get(key) == stored else None

    async def _join(self, flight: Flight) -> CacheAnswer | None:
        """Wait for another caller's fetch; None if it was cancelled, failed, or returned too large a body."""
        await asyncio.wait([flight.answer])
        if flight.answer.cancelled():
            return None
        answer = flight.answer.result()
        return answer if answer.status < 500 and answer.status not in {401, 429} else None

    def _store(self, key: str, tags: frozenset[str], answer: CacheAnswer) -> None:
        now = asyncio.get_running_loop().time()
        self._remove(key)
        headers = tuple(
            (name, value) for name, value in answer.headers if name.lower() not in UNCACHED_HEADERS
        )
        self._storage.put(key, CachedResponse(answer.reason, headers, answer.body, now))
        self._tags[key] = tags
        self._stored[key] = now
        for tag in tags:
            self._by_tag.setdefault(tag, set()).add(key)
        if len(self._tags) >= self._next_sweep:
            self._sweep(now)
        while len(self._stored) > self._most:
            self._remove(next(iter(self._stored)))  # the oldest: each store adds at the end

    def _remove(self, key: str) -> None:
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
            self._remove(key)
        self._next_sweep = 2 * len(self._tags) + SWEEP_AT
