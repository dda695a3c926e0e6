"""One connection of a shard, from the connection attempt to the close."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from nescord_core.gateway.session.inflate import inflater
from nescord_core.gateway.session.send_limit import Command
from nescord_core.gateway.transport import OnMessage, Transport
from nescord_core.process.outgoing_proxies import Proxies

__all__ = ["ShardConnection"]


class ShardConnection:
    """Owns a transport, its decompression context and its outgoing queue.

    A shard has one current connection; reports from older ones are ignored.
    """

    def __init__(
        self,
        *,
        compress: str,
        connect_timeout: float,
        close_timeout: float,
        on_sent: Callable[[Command], None],
        proxies: Proxies,
    ) -> None:
        self.inflater = inflater(compress)
        self._compress = compress
        self._connect_timeout = connect_timeout
        self._close_timeout = close_timeout
        self._on_sent = on_sent
        self._proxies = proxies
        self._outgoing: deque[bytes | Command] = deque()
        self._transport: Transport | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def add_task(self, task: asyncio.Task[None]) -> None:
        """Cancel the task (the connection itself, the wait for a permit) when this connection ends."""
        self._tasks.append(task)

    async def run(
        self, url: str, on_open: Callable[[], None], on_message: OnMessage
    ) -> tuple[int | None, str]:
        """Connect, then read and write until the connection ends; return the peer's close code and reason.

        ``on_open`` is called before the first message is delivered. Raises TransportError when the connection
        cannot be opened.
        """
        transport = self._transport = Transport(on_open, on_message)
        transport.on_writable = self._flush
        try:
            await transport.open(
                url,
                compress=self._compress,
                timeout=self._connect_timeout,
                proxy=self._proxies.proxy_for(url),
            )
            return await transport.read()
        finally:
            transport.abort()

    def send(self, item: bytes | Command) -> None:
        """Send a payload, or a command that is reported to ``on_sent``, once the transport is writable."""
        self._outgoing.append(item)
        self._flush()

    def unsent(self) -> Iterator[Command]:
        """Remove and return the commands that were not written, last one first."""
        items = list(self._outgoing)
        self._outgoing.clear()
        return (item for item in reversed(items) if isinstance(item, Command))

    async def close(self, code: int) -> None:
        """Close with a handshake, then cancel this connection's tasks."""
        try:
            if self._transport is not None:
                await self._transport.close(code, self._close_timeout)
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection without a handshake and cancel its tasks."""
        if self._transport is not None:
            self._transport.abort()
        for task in self._tasks:
            task.cancel()

    def mute(self) -> None:
        """Stop delivering received messages."""
        if self._transport is not None:
            self._transport.mute()

    def _flush(self) -> None:
        outgoing, transport = self._outgoing, self._transport
        while outgoing and transport is not None and transport.writable:
            item = outgoing.popleft()
            transport.send(item.payload if isinstance(item, Command) else item)
            if isinstance(item, Command):
                self._on_sent(item)
