"""One connection of a shard, from the attempt at it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import aiohttp

from nescord_core.errors import TransportError
from nescord_core.gateway.command_limit import Command
from nescord_core.gateway.inflate import inflater
from nescord_core.gateway.transport import OnMessage, Transport

__all__ = ["Link"]


class Link:
    """Owns a transport, its decompression context and what waits to be written to it.

    A shard has one current link; what older ones still report is ignored.
    """

    def __init__(self, *, compress: str, close_timeout: float, on_sent: Callable[[Command], None]) -> None:
        self.inflater = inflater(compress)
        self._compress = compress
        self._close_timeout = close_timeout
        self._on_sent = on_sent
        self._outgoing: asyncio.Queue[bytes | Command] = asyncio.Queue()
        self._transport: Transport | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def owns(self, task: asyncio.Task[None]) -> None:
        """Make a task (the connection itself, the wait for a permit) end with this link."""
        self._tasks.append(task)

    async def open(self, http: aiohttp.ClientSession, url: str) -> None:
        """Connect. Raises TransportError."""
        self._transport = await Transport.open(
            http, url, compress=self._compress, close_timeout=self._close_timeout
        )

    async def converse(self, on_message: OnMessage) -> tuple[int | None, str]:
        """Read and write until the connection ends; return the peer's close code and reason."""
        assert self._transport is not None
        try:
            async with asyncio.TaskGroup() as pair:
                writer = pair.create_task(self._write(self._transport))
                end = await self._transport.read(on_message)
                writer.cancel()
            return end
        finally:
            self._transport.abort()

    def send(self, item: bytes | Command) -> None:
        """Queue a payload, or a command whose sending is reported."""
        self._outgoing.put_nowait(item)

    def unsent(self) -> Iterator[Command]:
        """Take out the commands that were not written, the last one first."""
        left: list[bytes | Command] = []
        while not self._outgoing.empty():
            left.append(self._outgoing.get_nowait())
        return (item for item in reversed(left) if isinstance(item, Command))

    async def close(self, code: int) -> None:
        """Close with a handshake, then end whatever belongs to this link."""
        try:
            if self._transport is not None:
                await self._transport.close(code)
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once and end whatever belongs to this link."""
        if self._transport is not None:
            self._transport.abort()
        for task in self._tasks:
            task.cancel()

    async def _write(self, transport: Transport) -> None:
        while True:
            item = await self._outgoing.get()
            try:
                await transport.send(item.payload if isinstance(item, Command) else item)
            except TransportError:
                # The reader sees the end of the connection, too, and is the one to report it.
                transport.abort()
                return
            if isinstance(item, Command):
                self._on_sent(item)
