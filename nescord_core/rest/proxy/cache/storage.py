"""Where kept answers lie: the recently used in memory, the others on disk. Knows sizes, not meanings."""

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
"""Bytes that an entry costs beside its body: headers, keys, tags."""


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """An answer as it is given out again; ``stored_at`` on the loop's clock."""

    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stored_at: float


class CacheStorage:
    """Bytes in memory up to a quarter of ``max_mb``, the rest in ``directory``, all of it bounded.

    What a former run left on disk is thrown away: nobody told this cache what changed in between.
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
        """Open the disk part, empty."""
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
                f"the cache in {self._directory} cannot be opened: {reason_of(error)}.",
                hint="Make room on that disk, or set NESCORD_STATE_DIR to a directory on another one.",
            ) from error

    async def close(self) -> None:
        """Write out what is on its way and close the disk part."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._disk is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._disk.close)
        thread.shutdown()

    async def get(self, key: str) -> CachedResponse | None:
        """Return what is kept under the key, from wherever it lies."""
        kept = self.recent(key)
        if kept is not None or key not in self._spilled or self._thread is None or self._disk is None:
            return kept
        found = await asyncio.get_running_loop().run_in_executor(self._thread, self._disk.get, key)
        return found if isinstance(found, CachedResponse) and key in self._spilled else None

    def recent(self, key: str) -> CachedResponse | None:
        """Return what is kept in memory under the key."""
        kept = self._memory.get(key)
        if kept is not None:
            self._memory.move_to_end(key)
        return kept

    def put(self, key: str, kept: CachedResponse) -> None:
        """Keep an answer; what does not fit into memory any more goes to disk."""
        self.remove(key)
        self._memory[key] = kept
        self._used += _size(kept)
        while self._used > self._memory_bytes and self._memory:
            oldest, value = self._memory.popitem(last=False)
            self._used -= _size(value)
            if self._thread is not None and self._disk is not None and _size(value) <= self._max_bytes:
                self._spilled.add(oldest)
                self._thread.submit(self._disk.set, oldest, value)

    def remove(self, key: str) -> None:
        """Forget what is kept under the key."""
        kept = self._memory.pop(key, None)
        if kept is not None:
            self._used -= _size(kept)
        if key in self._spilled:
            self._spilled.discard(key)
            if self._thread is not None and self._disk is not None:
                self._thread.submit(self._disk.delete, key)


def _size(kept: CachedResponse) -> int:
    return len(kept.body) + OVERHEAD
