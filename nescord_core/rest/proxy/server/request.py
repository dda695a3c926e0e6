"""An incoming request: its complete head, and its body as far as it has arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from multidict import CIMultiDict, CIMultiDictProxy

from nescord_core.rest.proxy.server.remembered_heads import CallerHeaders

__all__ = ["BodyBroken", "BodyReader", "Request"]

HIGH_WATER = 256 * 1024
"""Unread bytes of a body from which on the caller has to wait."""


class BodyBroken(Exception):
    """The body ended early, or its framing is wrong."""


class BodyReader:
    """The bytes of a body, to be read once. ``throttle`` is called to pause and resume receiving."""

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
        """Add received bytes."""
        if self._discards:
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER:
            self._throttle(True)
        self._wake()

    def end(self) -> None:
        """Mark the body as complete."""
        self.ended = True
        self._wake()

    def fail(self, message: str) -> None:
        """Mark the body as incomplete for good."""
        self._error = BodyBroken(message)
        self._wake()

    def discard(self) -> None:
        """Discard what has arrived and what follows: nobody reads it."""
        self._discards = True
        self._chunks.clear()
        self._throttle(False)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- the reader's side -------------------------------------------------------------------------------

    def take(self) -> bytes:
        """Return what has arrived, without waiting."""
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        if self._size > HIGH_WATER:
            self._throttle(False)
        self._size = 0
        return data

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
        return self.take()


class Request:
    """A request. ``raw_path`` is the target as sent; ``content`` is None without a body.

    ``known`` are its headers if they have been seen before; its body is complete then. ``is_sent`` is set
    once it has been sent to Discord.
    """

    __slots__ = (
        "_send_continue",
        "content",
        "headers",
        "is_old",
        "is_sent",
        "keep_alive",
        "known",
        "method",
        "raw_path",
    )

    def __init__(
        self,
        method: str,
        raw_path: str,
        headers: CIMultiDict[str] | CIMultiDictProxy[str],
        *,
        content: BodyReader | None = None,
        known: CallerHeaders | None = None,
        keep_alive: bool = True,
        is_old: bool = False,
        send_continue: Callable[[], None] | None = None,
    ) -> None:
        self.method = method
        self.raw_path = raw_path
        self.headers = headers
        self.content = content
        self.known = known
        self.keep_alive = keep_alive
        self.is_old = is_old
        self.is_sent = False
        self._send_continue = send_continue

    @property
    def content_length(self) -> int:
        """The announced length, 0 if there is none."""
        return int(self.headers.get("Content-Length", "0"))

    def want_body(self) -> None:
        """Ask a caller that waits for it (``Expect: 100-continue``) to send its body."""
        if self._send_continue is not None:
            self._send_continue()
            self._send_continue = None
