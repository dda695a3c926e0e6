"""The store in memory: buckets with revisions and expiry, in real or virtual time, that tests can break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from nescord_core.coordination.store import (
    Change,
    Entry,
    InSync,
    Removed,
    RevisionConflict,
    StoreUnreachable,
    Written,
)

__all__ = ["Keys", "MemoryBucket"]

LOST_REVISIONS = 1_000_000


@dataclass
class Keys:
    """The server's half: what one bucket holds. ``now`` is its own clock."""

    ttl: float | None = None
    revision: int = 0
    watchers: list[Callable[[Change], None]] = field(default_factory=list)
    _entries: dict[str, tuple[Entry, float]] = field(default_factory=dict)

    def get(self, key: str, now: float) -> Entry | None:
        entry, written = self._entries.get(key, (None, 0.0))
        if entry is not None and self.ttl is not None and now - written >= self.ttl:
            del self._entries[key]
            return None
        return entry

    def create(self, key: str, value: bytes, now: float) -> int:
        if self.get(key, now) is not None:
            raise RevisionConflict(key)
        return self._write(key, value, now)

    def update(self, key: str, value: bytes, revision: int, now: float) -> int:
        self._check(key, revision, now)
        return self._write(key, value, now)

    def delete(self, key: str, revision: int, now: float) -> None:
        self._check(key, revision, now)
        del self._entries[key]
        self.revision += 1
        self._tell(Removed(key, self.revision))

    def entries(self, now: float) -> list[Entry]:
        return [entry for key in list(self._entries) if (entry := self.get(key, now)) is not None]

    def wipe(self) -> None:
        """Lose everything, as a server that is started again without its files."""
        self._entries.clear()
        self.revision += LOST_REVISIONS

    def _check(self, key: str, revision: int, now: float) -> None:
        entry = self.get(key, now)
        if entry is None or entry.revision != revision:
            raise RevisionConflict(key)

    def _write(self, key: str, value: bytes, now: float) -> int:
        self.revision += 1
        entry = Entry(key, value, self.revision)
        self._entries[key] = entry, now
        self._tell(Written(entry))
        return self.revision

    def _tell(self, change: Change) -> None:
        for watcher in list(self.watchers):
            watcher(change)


class MemoryBucket:
    """A bucket for tasks of one event loop; ``away`` makes it unreachable."""

    def __init__(self, clock: Callable[[], float], ttl: float | None = None) -> None:
        self.keys = Keys(ttl)
        self.away = False
        self._clock = clock

    async def create(self, key: str, value: bytes) -> int:
        await self._reach()
        return self.keys.create(key, value, self._clock())

    async def update(self, key: str, value: bytes, revision: int) -> int:
        await self._reach()
        return self.keys.update(key, value, revision, self._clock())

    async def delete(self, key: str, revision: int) -> None:
        await self._reach()
        self.keys.delete(key, revision, self._clock())

    async def get(self, key: str) -> Entry | None:
        await self._reach()
        return self.keys.get(key, self._clock())

    async def watch(self, pattern: str = ">") -> AsyncIterator[Change]:
        await self._reach()
        queue: asyncio.Queue[Change] = asyncio.Queue()
        initial = [e for e in self.keys.entries(self._clock()) if _matches(pattern, e.key)]
        self.keys.watchers.append(queue.put_nowait)
        try:
            for entry in initial:
                yield Written(entry, is_initial=True)
            yield InSync()
            while True:
                change = await queue.get()
                await self._reach()
                if _matches(pattern, change.entry.key if isinstance(change, Written) else _key(change)):
                    yield change
        finally:
            self.keys.watchers.remove(queue.put_nowait)

    async def _reach(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnreachable("the hosts' shared store does not respond.")


def _key(change: Change) -> str:
    assert isinstance(change, Removed)
    return change.key


def _matches(pattern: str, key: str) -> bool:
    wanted, parts = pattern.split("."), key.split(".")
    for number, part in enumerate(wanted):
        if part == ">":
            return len(parts) > number
        if number >= len(parts) or part not in ("*", parts[number]):
            return False
    return len(wanted) == len(parts)
