"""One reader of a worker's events, over a Unix socket: `nescord events tail` and others.

Lines that it does not read in time are dropped, oldest first, and counted: delivery never waits for a reader.
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
from nescord_core.process.state_dir import read_bytes
from nescord_core.tracing import records

__all__ = ["MARKER", "Marker", "Subscriber", "Wanted", "marker_of"]

MARKER = "taps"
"""The folder in state_dir where readers leave their markers."""

_MAX_LINES = 4096
_MAX_BYTES = 8 * 1024 * 1024
_BATCH = 256 * 1024
_CONNECT_TIMEOUT = 2.0
_LONGEST_LINE = 16 * 1024 * 1024


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reader's filter: event types (empty for all), guild (0 for all), and whether calls are included.

    ``session_id`` restricts it to events of that session: those that the reader itself replays.
    """

    types: frozenset[str] = frozenset()
    guild_id: int = 0
    calls: bool = True
    session_id: str = ""

    def takes(self, envelope: Envelope) -> bool:
        """Return whether the filter matches an event."""
        right_type = not self.types or envelope.type in self.types
        right_session = self.session_id in ("", envelope.session_id)
        return right_type and right_session and self.guild_id in (0, envelope.guild_id)


class Marker(msgspec.Struct, frozen=True):
    """The file in which a reader announces its socket and its filter."""

    socket: str
    wanted: Wanted


class Subscriber:
    """Queues lines until they are written, from its creation on, so that a reload leaves no gap."""

    def __init__(
        self, marker: Marker, hello: records.Hello, replay: Callable[[records.ReplayRequest], None]
    ) -> None:
        self.wanted = marker.wanted
        self.socket = marker.socket
        self._replay = replay
        self._queue: deque[tuple[int, Callable[[], bytes]]] = deque()
        self._queued_bytes = 0
        self._dropped = 0
        self._has_lines = asyncio.Event()
        self._closing = False
        self.put(0, lambda: records.encode(hello))

    def put(self, size: int, line: Callable[[], bytes]) -> None:
        """Queue a line of about that size; it is encoded only when it is written."""
        self._queue.append((size, line))
        self._queued_bytes += size
        # A single line above the limit is dropped as well.
        while len(self._queue) > _MAX_LINES or self._queued_bytes > _MAX_BYTES:
            self._queued_bytes -= self._queue.popleft()[0]
            self._dropped += 1
        self._has_lines.set()

    def close(self) -> None:
        """Send what is queued, then end."""
        self._closing = True
        self._has_lines.set()

    async def run(self) -> None:
        """Serve the reader until it disconnects or `close` is called. Raises OSError if nobody listens."""
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            reader, writer = await asyncio.open_unix_connection(self.socket, limit=_LONGEST_LINE)
        try:
            async with asyncio.TaskGroup() as both:
                reading = both.create_task(self._read(reader))
                writing = both.create_task(self._write(writer))
                reading.add_done_callback(lambda _: writing.cancel())
                writing.add_done_callback(lambda _: reading.cancel())
        finally:
            writer.transport.abort() if self._queue else writer.close()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while self._queue or not self._closing:
                await self._has_lines.wait()
                self._has_lines.clear()
                await self._write_queued(writer)

    async def _write_queued(self, writer: asyncio.StreamWriter) -> None:
        while self._queue:
            batch = bytearray()
            if self._dropped:
                batch += records.encode(records.Missed(self._dropped))
                self._dropped = 0
            while self._queue and len(batch) < _BATCH:
                size, line = self._queue.popleft()
                self._queued_bytes -= size
                batch += line()
            writer.write(bytes(batch))
            await writer.drain()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                with suppress(msgspec.DecodeError):
                    self._replay(records.decode_replay(line))


def marker_of(path: Path) -> Marker | None:
    """Read a marker; None if the file is gone or invalid."""
    decoder: Any = msgspec.json.Decoder(Marker)
    with suppress(OSError, msgspec.DecodeError):
        found: Marker = decoder.decode(read_bytes(path))
        return found
    return None
