"""Request bodies that can be resent: small ones in memory, large ones in a temporary file."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from types import TracebackType
from typing import IO

from nescord_core.rest.proxy.server.request import BodyReader

__all__ = ["Body", "BodyTooLarge", "BodyTooSlow"]

CHUNK = 1 << 18


class BodyTooLarge(Exception):
    """The body is larger than settings.max_body_mb."""


class BodyTooSlow(Exception):
    """The caller stopped sending in the middle of its body."""


class Body:
    """A complete body. ``size`` is in bytes. Leaving the block deletes its file."""

    __slots__ = ("_file", "data", "size")

    def __init__(self) -> None:
        self.data = b""
        self.size = 0
        self._file: IO[bytes] | None = None

    async def read(self, source: BodyReader, *, most: int, spool: int, timeout: float) -> None:
        """Read ``source``: up to ``spool`` bytes stay in memory; more than ``most`` raise `BodyTooLarge`.

        The caller may be silent for ``timeout`` seconds.
        """
        chunks: list[bytes] = []
        while True:
            chunk = await _chunk(source, timeout)
            if not chunk:
                break
            self.size += len(chunk)
            if self.size > most:
                raise BodyTooLarge
            if self._file is None:
                chunks.append(chunk)
                if self.size > spool:
                    chunk = b"".join(chunks)
                    chunks.clear()
                    self._file = tempfile.TemporaryFile(prefix="nescord-body-")  # noqa: SIM115 - see close()
            if self._file is not None:
                await asyncio.to_thread(self._file.write, chunk)
        self.data = b"".join(chunks)

    def payload(self) -> bytes | AsyncIterator[bytes] | None:
        """Return the body from its start, for another attempt."""
        if self._file is not None:
            return self._chunks(self._file)
        return self.data or None

    def close(self) -> None:
        """Delete the temporary file, if there is one."""
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
