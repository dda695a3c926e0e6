"""Request bodies that can be resent: small ones in memory, large ones in a temporary file."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from types import TracebackType
from typing import IO

from nescord_core.rest.proxy.server.request import BodyReader

__all__ = ["Body", "BodyBudget", "BodyTooLarge", "BodyTooSlow", "NoRoomForBodies"]

CHUNK = 1 << 18
SLOWEST_BODY = 1024
"""Bytes per second: a body may take its time-out plus the time that it needs at this rate."""


class BodyTooLarge(Exception):
    """The body is larger than settings.max_body_mb."""


class BodyTooSlow(Exception):
    """The caller stopped sending in the middle of its body."""


class NoRoomForBodies(Exception):
    """The bodies of waiting requests have reached their total limit."""


class BodyBudget:
    """Limits the total size of all request bodies in bytes: in memory, and in memory and on disk.

    A small body that finds no room in memory goes to a file; past ``total`` a request is refused.
    """

    def __init__(self, *, memory: int, total: int) -> None:
        self._memory = memory
        self._total = total
        self.in_memory = 0
        self.held = 0

    def take(self, size: int) -> None:
        """Reserve room for bytes. Raises `NoRoomForBodies`."""
        if self.held + size > self._total:
            raise NoRoomForBodies
        self.held += size

    def has_room(self, size: int) -> bool:
        """Return whether a body of this size may be kept in memory."""
        return self.held + size <= self._total and self.in_memory + size <= self._memory

    def keeps(self, size: int) -> bool:
        """Reserve memory for received bytes, if there is any left."""
        if self.in_memory + size > self._memory:
            return False
        self.in_memory += size
        return True

    def release(self, *, held: int, in_memory: int) -> None:
        """Release reserved room."""
        self.held -= held
        self.in_memory -= in_memory


class Body:
    """A complete body. ``size`` is in bytes. Leaving the block deletes its file."""

    __slots__ = ("_budget", "_file", "_held", "_in_memory", "data", "size")

    def __init__(self, budget: BodyBudget | None = None) -> None:
        self.data = b""
        self.size = 0
        self._budget = budget
        self._held = self._in_memory = 0
        self._file: IO[bytes] | None = None

    async def read(self, source: BodyReader, *, most: int, spool: int, timeout: float) -> None:
        """Read ``source``: up to ``spool`` bytes stay in memory; more than ``most`` raise `BodyTooLarge`.

        The caller may be silent for ``timeout`` seconds. Raises `BodyTooSlow` and `NoRoomForBodies` as well.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        chunks: list[bytes] = []
        while chunk := await _chunk(source, timeout):
            self.size += len(chunk)
            if self.size > most:
                raise BodyTooLarge
            if loop.time() - began > timeout + self.size / SLOWEST_BODY:
                raise BodyTooSlow
            self._take(len(chunk))
            if self._file is None and self._stays(len(chunk), spool):
                chunks.append(chunk)
                continue
            if self._file is None:
                chunk = b"".join((*chunks, chunk))
                chunks.clear()
                self._leave_memory()
                self._file = tempfile.TemporaryFile(prefix="nescord-body-")  # noqa: SIM115 - see close()
            await asyncio.to_thread(self._file.write, chunk)
        self.data = b"".join(chunks)

    def keep(self, data: bytes) -> None:
        """Take a body that has arrived, for which there is room in memory."""
        self.size = len(data)
        self._take(self.size)
        self._stays(self.size, self.size)
        self.data = data

    def _take(self, size: int) -> None:
        if self._budget is not None:
            self._budget.take(size)
            self._held += size

    def _stays(self, size: int, spool: int) -> bool:
        """Return whether a chunk, and those before it, stay in memory."""
        if self.size > spool:
            return False
        if self._budget is not None:
            if not self._budget.keeps(size):
                return False
            self._in_memory += size
        return True

    def _leave_memory(self) -> None:
        if self._budget is not None:
            self._budget.release(held=0, in_memory=self._in_memory)
            self._in_memory = 0

    def start(self, size: int) -> bytes:
        """Return the body's first bytes, from memory or disk."""
        if self._file is None:
            return self.data[:size]
        self._file.seek(0)
        return self._file.read(size)

    def payload(self) -> bytes | AsyncIterator[bytes] | None:
        """Return the body from its start, for another attempt."""
        if self._file is not None:
            return self._chunks(self._file)
        return self.data or None

    def close(self) -> None:
        """Free the body's memory, even if this object is still referenced, and delete its temporary file."""
        self.data = b""
        if self._budget is not None:
            self._budget.release(held=self._held, in_memory=self._in_memory)
            self._held = self._in_memory = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Body:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _chunks(self, file: IO[bytes]) -> AsyncIterator[bytes]:
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


async def _chunk(source: BodyReader, timeout: float) -> bytes:
    if source.ended:
        return await source.read()
    try:
        async with asyncio.timeout(timeout):
            return await source.read()
    except TimeoutError:
        raise BodyTooSlow from None
