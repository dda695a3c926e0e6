"""The rest of a large response body, forwarded while it is still arriving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nescord_core.rest.proxy.server.request import BodyBroken, BodyReader

__all__ = ["BodyStream"]


class BodyStream:
    """Read it, then close it: until then it occupies a connection to Discord.

    ``length`` is the whole body's in bytes, None if unknown. Discord may pause for up to ``timeout`` seconds
    between two pieces.
    """

    __slots__ = ("_content", "_drop", "_ended", "_is_closed", "_is_whole", "length", "timeout")

    def __init__(self, content: BodyReader, drop: Callable[[], None], *, length: int | None) -> None:
        self.length = length
        self.timeout: float | None = None
        self._content = content
        self._drop = drop
        self._ended: list[Callable[[], None]] = []
        self._is_closed = False
        self._is_whole = False

    async def read(self) -> bytes:
        """Return what has arrived, at least one byte; nothing at the end. Raises `BodyBroken`."""
        try:
            async with asyncio.timeout(self.timeout):
                data = await self._content.read()
        except TimeoutError:
            raise BodyBroken("Discord stopped in the middle of it") from None
        self._is_whole = not data
        return data

    def on_end(self, call: Callable[[], None]) -> None:
        """Add a callback for when it is closed."""
        self._ended.append(call)

    def close(self) -> None:
        """Release the connection, or drop it if part of the body is unread."""
        if self._is_closed:
            return
        self._is_closed = True
        if not self._is_whole:
            self._drop()
        for call in self._ended:
            call()
