"""One reader of a worker's events, at the other end of a Unix socket: `nescord events tail` and the like.

What the reader does not take in time is dropped, oldest first, and counted: delivery never waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from nescord_core.envelope import Envelope
from nescord_core.tracing import records

__all__ = ["MARKER", "Marker", "Subscriber", "Wanted", "marker_of"]

MARKER = "taps"
"""The folder in state_dir where readers say that they are there."""

_HELD = 4096
_HELD_BYTES = 8 * 1024 * 1024
_BATCH = 256 * 1024
_CONNECT_TIMEOUT = 2.0
_LONGEST_LINE = 16 * 1024 * 1024


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which events a reader wants: of these types (none: all), of this guild (0: all); calls, too?

    With a ``session_id``, only events of that session: those that the reader itself hands in.
    """

    types: frozenset[str] = frozenset()
    guild_id: int = 0
    calls: bool = True
    session_id: str = ""

    def takes(self, envelope: Envelope) -> bool:
        """Say whether the reader wants to know of that event."""
        right_type = not self.types or envelope.type in self.types
        right_session = self.session_id in ("", envelope.session_id)
        return right_type and right_session and self.guild_id in (0, envelope.guild_id)


class Marker(msgspec.Struct, frozen=True):
    """The file by which a reader says where it listens and what it wants."""

    socket: str
    wanted: Wanted


class Subscriber:
    """Keeps lines until they are written; from the first moment on, so that a reload leaves no gap."""

    def __init__(
        self, marker: Marker, hello: records.Hello, again: Callable[[records.ReplayRequest], None]
    ) -> None:
        self.wanted = marker.wanted
        self.socket = marker.socket
        self._again = again
        self._held: deque[tuple[int, Callable[[], bytes]]] = deque()
        self._held_bytes = 0
        self._missed = 0
        self._more = asyncio.Event()
        self._closing = False
        self.put(0, lambda: records.encode(hello))

    def put(self, size: int, line: Callable[[], bytes]) -> None:
        """Take a line of about that size; it is made when it is written, on the reader's time."""
        self._held.append((size, line))
        self._held_bytes += size
        # A line that is larger than all that may be held goes as well.
        while len(self._held) > _HELD or self._held_bytes > _HELD_BYTES:
            self._held_bytes -= self._held.popleft()[0]
            self._missed += 1
        self._more.set()

    def close(self) -> None:
        """Send what is held, then end."""
        self._closing = True
        self._more.set()

    async def run(self) -> None:
        """Serve the reader until it hangs up or `close` was called. Raises OSError when nobody listens."""
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            reader, writer = await asyncio.open_unix_connection(self.socket, limit=_LONGEST_LINE)
        try:
            async with asyncio.TaskGroup() as both:
                hearing = both.create_task(self._hear(reader))
                writing = both.create_task(self._write(writer))
                hearing.add_done_callback(lambda _: writing.cancel())
                writing.add_done_callback(lambda _: hearing.cancel())
        finally:
            writer.transport.abort() if self._held else writer.close()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while self._held or not self._closing:
                await self._more.wait()
                self._more.clear()
                await self._write_held(writer)

    async def _write_held(self, writer: asyncio.StreamWriter) -> None:
        while self._held:
            batch = bytearray()
            if self._missed:
                batch += records.encode(records.Missed(self._missed))
                self._missed = 0
            while self._held and len(batch) < _BATCH:
                size, line = self._held.popleft()
                self._held_bytes -= size
                batch += line()
            writer.write(bytes(batch))
            await writer.drain()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                with suppress(msgspec.DecodeError):
                    self._again(records.decode_replay(line))


def marker_of(path: Path) -> Marker | None:
    """Read a marker; None when it is gone or is none."""
    decoder: Any = msgspec.json.Decoder(Marker)
    with suppress(OSError, msgspec.DecodeError):
        found: Marker = decoder.decode(path.read_bytes())
        return found
    return None
