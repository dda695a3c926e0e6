"""A request as it comes in: its head whole, its body as far as it has arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from multidict import CIMultiDict

__all__ = ["BodyBroken", "BodyReader", "Request"]

HIGH_WATER = 256 * 1024
"""Bytes of a body that wait for their reader before the caller has to wait as well."""


class BodyBroken(Exception):
    """The body ended before it was whole, or its framing is wrong."""


class BodyReader:
    """The bytes of a body, to be read once. ``throttle`` is told to stop and to go on receiving."""

    __slots__ = ("_chunks", "_discards", "_error", "_size", "_throttle", "_waiter", "ended")

    def __init__(self, throttle: Callable[[bool], None]) -> None:
        self.ended = False
        self._chunks: list[bytes] = []
        self._size = 0
        self._error: BodyBroken | None = None
        self._discards = False
        self._throttle = throttle
        self._waiter: asyncio.Future[None] | None = None

    # -- the connection's side ---------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take in what arrived."""
        if self._discards:
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER:
            self._throttle(True)
        self._wake()

    def end(self) -> None:
        """Note that the body is whole."""
        self.ended = True
        self._wake()

    def fail(self, message: str) -> None:
        """Note that the rest of the body will never come."""
        self._error = BodyBroken(message)
        self._wake()

    def discard(self) -> None:
        """Drop what has arrived and what still comes: nobody reads it."""
        self._discards = True
        self._chunks.clear()
        self._throttle(False)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- the reader's side -------------------------------------------------------------------------------

    async def read(self) -> bytes:
        """Return what has arrived, at least one byte; nothing at the end. Raises `BodyBroken`."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self.ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        if self._size > HIGH_WATER:
            self._throttle(False)
        self._size = 0
        return data


class Request:
    """A request. ``raw_path`` is the target as it was sent; ``content`` is None where there is no body."""

    __slots__ = ("_go_on", "content", "headers", "is_old", "keep_alive", "method", "raw_path")

    def __init__(
        self,
        method: str,
        raw_path: str,
        headers: CIMultiDict[str],
        *,
        content: BodyReader | None = None,
        keep_alive: bool = True,
        is_old: bool = False,
        go_on: Callable[[], None] | None = None,
    ) -> None:
        self.method = method
        self.raw_path = raw_path
        self.headers = headers
        self.content = content
        self.keep_alive = keep_alive
        self.is_old = is_old
        self._go_on = go_on

    @property
    def content_length(self) -> int:
        """The length that the caller announced, 0 when it did not."""
        return int(self.headers.get("Content-Length", "0"))

    def want_body(self) -> None:
        """Tell a caller that waits to be asked (``Expect: 100-continue``) to send its body."""
        if self._go_on is not None:
            self._go_on()
            self._go_on = None
