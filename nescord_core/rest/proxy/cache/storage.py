"""Stores cached responses: recently used ones in memory, the others on disk. It knows sizes, not meanings."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import diskcache
import msgspec

from nescord_core.errors import NescordError
from nescord_core.process.os_errors import reason_of
from nescord_core.process.safe_disk_cache import open_cache

__all__ = ["CacheStorage", "CachedResponse"]

MB = 1024 * 1024
MEMORY_SHARE = 4
MEMORY_MOST_MB = 64
OVERHEAD = 1024
"""Approximate size of an entry besides its body, headers and key, in bytes: tags and the objects."""


class CachedResponse(msgspec.Struct, frozen=True):
    """A cached response; ``stored_at`` is on the loop's clock."""

    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stored_at: float


_encoder = msgspec.msgpack.Encoder(enc_hook=str.__str__)  # multidict's istr is a str of its own
_decoder = msgspec.msgpack.Decoder(CachedResponse)


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
            self._disk = open_cache(
                self._directory, size_limit=self._max_bytes, eviction_policy="least-recently-stored"
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
        entry = await asyncio.get_running_loop().run_in_executor(self._thread, self._read, key)
        return entry if key in self._spilled else None

    def _read(self, key: str) -> CachedResponse | None:
        assert self._disk is not None
        try:
            return _decoder.decode(self._disk.get(_disk_key(key)) or b"")
        except (OSError, sqlite3.Error, diskcache.Timeout, msgspec.DecodeError, TypeError):
            return None  # gone, or damaged since the start: Discord is asked

    def _write(self, key: str, response: CachedResponse) -> None:
        assert self._disk is not None
        with suppress(OSError, sqlite3.Error, diskcache.Timeout):  # a cache that cannot grow
            self._disk.set(_disk_key(key), _encoder.encode(response))

    def _delete(self, key: str) -> None:
        assert self._disk is not None
        with suppress(OSError, sqlite3.Error, diskcache.Timeout):  # `remove` has made it unreachable
            self._disk.delete(_disk_key(key))

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
        self._used += _size(key, response)
        while self._used > self._memory_bytes and self._memory:
            oldest, value = self._memory.popitem(last=False)
            size = _size(oldest, value)
            self._used -= size
            if self._thread is not None and self._disk is not None and size <= self._max_bytes:
                self._spilled.add(oldest)
                self._thread.submit(self._write, oldest, value)

    def remove(self, key: str) -> None:
        """Remove the entry of a key."""
        response = self._memory.pop(key, None)
        if response is not None:
            self._used -= _size(key, response)
        if key in self._spilled:
            self._spilled.discard(key)
            if self._thread is not None and self._disk is not None:
                self._thread.submit(self._delete, key)


def _size(key: str, response: CachedResponse) -> int:
    headers = sum(len(name) + len(value) for name, value in response.headers)
    return len(response.body) + len(key) + headers + OVERHEAD


def _disk_key(key: str) -> bytes:
    """Return a key of fixed length: SQLite stores each twice, in its table and in its index."""
    return hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=32).digest()
