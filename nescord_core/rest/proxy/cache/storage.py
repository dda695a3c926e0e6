"""Stores cached responses: recently used ones in memory, the others on disk. It knows sizes, not meanings."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import diskcache

from nescord_core.errors import NescordError
from nescord_core.process.os_errors import reason_of

__all__ = ["CacheStorage", "CachedResponse"]

MB = 1024 * 1024
MEMORY_SHARE = 4
MEMORY_MOST_MB = 64
OVERHEAD = 1024
"""Approximate size of an entry without its body, in bytes: headers, keys, tags."""


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A cached response; ``stored_at`` is on the loop's clock."""

    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stored_at: float


class CacheStorage:
    """Up to a quarter of ``max_mb`` in memory, the rest in ``directory``.

    What an earlier process left on disk is deleted, since changes made in between are unknown.
    """

    def __init__(self, directory: Path, *, max_mb: int) -> None:
        self._directory = directory
        self._max_bytes = max_mb * MB
        self._memory_bytes = min(self._max_bytes // MEMORY_SHARE, MEMORY_MOST_MB * MB)
        self._memory: OrderedDict[str, CachedResponse] = OrderedDict()
        self._used = 0
        self._spilled: set[str] = set()
        self._disk: diskcache.Cache | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """Open the disk storage, and empty it."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nescord-cache")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def _open(self) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._disk = diskcache.Cache(
                str(self._directory), size_limit=self._max_bytes, eviction_policy="least-recently-stored"
            )
            self._disk.clear()
        except (OSError, sqlite3.Error) as error:
            raise NescordError(
                f"cannot open the cache in {self._directory}: {reason_of(error)}.",
                hint="Free space on that disk, or set NESCORD_STATE_DIR to a directory on another one.",
            ) from error

    async def close(self) -> None:
        """Finish pending writes and close the disk storage."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._disk is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._disk.close)
        thread.shutdown()

    async def get(self, key: str) -> CachedResponse | None:
        """Return the entry of a key, from memory or disk."""
        response = self.recent(key)
        if response is not None or key not in self._spilled or self._thread is None or self._disk is None:
            return response
        entry = await asyncio.get_running_loop().run_in_executor(self._thread, self._disk.get, key)
        return entry if isinstance(entry, CachedResponse) and key in self._spilled else None

    def recent(self, key: str) -> CachedResponse | None:
        """Return the entry of a key if it is in memory."""
        response = self._memory.get(key)
        if response is not None:
            self._memory.move_to_end(key)
        return response

    def put(self, key: str, response: CachedResponse) -> None:
        """Store a response; the least recently used ones that exceed the memory limit go to disk."""
        self.remove(key)
        self._memory[key] = response
        self._used += _size(response)
        while self._used > self._memory_bytes and self._memory:
            oldest, value = self._memory.popitem(last=False)
            self._used -= _size(value)
            if self._thread is not None and self._disk is not None and _size(value) <= self._max_bytes:
                self._spilled.add(oldest)
                self._thread.submit(self._disk.set, oldest, value)

    def remove(self, key: str) -> None:
        """Remove the entry of a key."""
        response = self._memory.pop(key, None)
        if response is not None:
            self._used -= _size(response)
        if key in self._spilled:
            self._spilled.discard(key)
            if self._thread is not None and self._disk is not None:
                self._thread.submit(self._disk.delete, key)


def _size(response: CachedResponse) -> int:
    return len(response.body) + OVERHEAD
