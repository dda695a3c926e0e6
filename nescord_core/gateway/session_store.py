"""Stores sessions across restarts of the process, so that the next one resumes instead of identifying."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, Self, TypeVar

import diskcache
import msgspec

from nescord_core.errors import NescordError
from nescord_core.process.safe_disk_cache import open_cache

__all__ = [
    "DiskSessionStore",
    "MemorySessionStore",
    "SavedSession",
    "SessionStore",
    "SessionStoreError",
    "open_sessions",
    "reason_not_to_resume",
]

log = logging.getLogger("nescord.gateway")

T = TypeVar("T")

STALE_AFTER = 3600.0
"""Seconds until another token's sessions are removed: Discord drops sessions within minutes."""


class SessionStoreError(NescordError):
    """Sessions cannot be read or written: disk full, no permission, or a lock held too long."""


class SavedSession(msgspec.Struct, frozen=True):
    """The data that RESUME needs. Everything up to ``seq`` is acknowledged or on disk.

    ``acknowledged`` is the seq up to which everything is acknowledged (None: the same one), ``received`` the
    last seq received and ``guilds`` the number of the session's guilds, if they are known. ``latency`` is the
    last one, in seconds. ``saved_at`` is Unix time.
    """

    session_id: str
    seq: int
    resume_gateway_url: str | None
    shard_count: int
    compress: str
    intents: int
    saved_at: float = 0.0
    acknowledged: int | None = None
    received: int | None = None
    guilds: int | None = None
    latency: float | None = None


class SessionStore(Protocol):
    """Storage for a cluster's sessions."""

    async def load(self, shard_id: int, *, shard_count: int, intents: int) -> SavedSession | None:
        """Return the shard's session, or None; one that no longer matches is discarded with a log line."""
        ...

    async def save(self, sessions: Mapping[int, SavedSession | None]) -> None:
        """Store sessions by shard id, all or none; None removes one. Raises SessionStoreError."""
        ...


def reason_not_to_resume(saved: SavedSession, *, shard_count: int, intents: int) -> str | None:
    """Return why a session cannot be resumed with the current configuration, or None."""
    if saved.shard_count != shard_count:
        return f"its shard count is {saved.shard_count}, the configured one is {shard_count}"
    if saved.intents != intents:
        return f"its intents are {saved.intents}, the configured ones are {intents}"
    return None


class MemorySessionStore:
    """Sessions in memory, for the life of this process."""

    def __init__(self) -> None:
        self._sessions: dict[int, SavedSession] = {}

    async def load(self, shard_id: int, *, shard_count: int, intents: int) -> SavedSession | None:
        """Return the shard's session, or None."""
        saved = self._sessions.get(shard_id)
        if saved is not None and (
            why := reason_not_to_resume(saved, shard_count=shard_count, intents=intents)
        ):
            log.warning("shard %d: saved session discarded: %s", shard_id, why)
            del self._sessions[shard_id]
            return None
        return saved

    async def save(self, sessions: Mapping[int, SavedSession | None]) -> None:
        """Store sessions by shard id; None removes one."""
        for shard_id, saved in sessions.items():
            if saved is None:
                self._sessions.pop(shard_id, None)
            else:
                self._sessions[shard_id] = saved


class DiskSessionStore:
    """Sessions in ``state_dir/sessions``, by token and shard; the token itself is not written.

    Several processes may share the directory (SQLite in WAL mode underneath). A dedicated thread does all
    disk work. Use it as ``async with``.
    """

    def __init__(self, state_dir: Path, token: str) -> None:
        self._directory = state_dir / "sessions"
        self._token_key = hashlib.sha256(token.encode()).hexdigest()[:16]
        self._thread: ThreadPoolExecutor | None = None
        self._cache: diskcache.Cache | None = None

    async def __aenter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nescord-sessions")
        try:
            await self._in_thread(self._open)
        except BaseException:
            self._thread.shutdown(wait=False)
            self._thread = None
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._thread is not None
        try:
            await self._in_thread(self._close)
        finally:
            self._thread.shutdown()
            self._thread = None

    async def load(self, shard_id: int, *, shard_count: int, intents: int) -> SavedSession | None:
        """Return the shard's session, or None."""
        return await self._in_thread(lambda: self._load(shard_id, shard_count, intents))

    async def save(self, sessions: Mapping[int, SavedSession | None]) -> None:
        """Store sessions by shard id in one transaction; None removes one."""
        snapshot = dict(sessions)
        await self._in_thread(lambda: self._save(snapshot))

    async def forget(self) -> None:
        """Drop all of this token's sessions, for when the gateway no longer knows them."""
        await self._in_thread(self._forget)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        assert self._thread is not None, "the session store is not open"
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (OSError, sqlite3.Error, diskcache.Timeout) as error:
            raise SessionStoreError(
                f"Cannot read or write the sessions in {self._directory}: {error or type(error).__name__}.",
                hint="Check that the disk has room and that state_dir (NESCORD_STATE_DIR) is writable.",
            ) from error

    def _open(self) -> None:
        self._cache = open_cache(self._directory, eviction_policy="none")
        self._sweep(self._cache)

    def _close(self) -> None:
        if self._cache is not None:
            self._cache.close()

    def _sweep(self, cache: diskcache.Cache) -> None:
        """Log sessions of other tokens, which are useless here, and remove the old ones."""
        foreign = [key for key in cache if not str(key).startswith(f"{self._token_key}:")]
        old = [key for key in foreign if _age(cache.get(key)) > STALE_AFTER]
        for key in old:
            cache.delete(key)
        if foreign:
            log.info(
                "ignoring saved sessions of another token: %d (%d of them old and removed)",
                len(foreign),
                len(old),
            )

    def _load(self, shard_id: int, shard_count: int, intents: int) -> SavedSession | None:
        assert self._cache is not None
        key = self._key(shard_id)
        raw = self._cache.get(key)
        if raw is None:
            return None
        saved = _decode(raw)
        why = (
            reason_not_to_resume(saved, shard_count=shard_count, intents=intents)
            if saved
            else "it cannot be read"
        )
        if why is None:
            return saved
        log.warning("shard %d: saved session discarded: %s", shard_id, why)
        self._cache.delete(key)
        return None

    def _save(self, sessions: Mapping[int, SavedSession | None]) -> None:
        assert self._cache is not None
        now = time.time()
        with self._cache.transact():
            for shard_id, saved in sessions.items():
                if saved is None:
                    self._cache.delete(self._key(shard_id))
                else:
                    record = msgspec.structs.replace(saved, saved_at=now)
                    self._cache.set(self._key(shard_id), _encode(record))

    def _forget(self) -> None:
        assert self._cache is not None
        for key in list(self._cache):
            if str(key).startswith(f"{self._token_key}:"):
                self._cache.delete(key)

    def _key(self, shard_id: int) -> str:
        return f"{self._token_key}:{shard_id}"


@asynccontextmanager
async def open_sessions(state_dir: Path, token: str) -> AsyncIterator[SessionStore]:
    """Open the stored sessions. If state_dir was lost while ws runs, keep them in memory."""
    if not state_dir.is_dir():  # noqa: ASYNC240 - one call, before any event
        yield MemorySessionStore()
        return
    async with DiskSessionStore(state_dir, token) as sessions:
        yield sessions


def _encode(record: SavedSession) -> bytes:
    """Encode with a checksum: resuming with a changed sequence number would skip events."""
    data = msgspec.json.encode(record)
    return b"%08x%s" % (zlib.crc32(data), data)


def _decode(raw: object) -> SavedSession | None:
    if not isinstance(raw, bytes):
        return None
    checksum, data = (raw[:8], raw[8:]) if not raw.startswith(b"{") else (b"", raw)  # 0.1 wrote no checksum
    if checksum and checksum != b"%08x" % zlib.crc32(data):
        return None
    try:
        return msgspec.json.decode(data, type=SavedSession)
    except msgspec.DecodeError:
        return None


def _age(raw: object) -> float:
    saved = _decode(raw)
    return time.time() - saved.saved_at if saved else float("inf")
