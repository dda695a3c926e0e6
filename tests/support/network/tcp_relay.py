"""A TCP relay in front of one address that breaks its connections on request."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

__all__ = ["RelayThread", "TcpRelay", "running_relays", "tcp_relay"]

_CHUNK = 65536
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of 0: closing resets the connection and may discard data the other side has not read."""


class TcpRelay:
    """Listens on ``port`` and forwards to ``upstream``; use `tcp_relay` or `running_relays`."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self.port = 0
        self.resets = 0
        self.refuses = False
        self._cut_next = False
        self._silent: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def reset(self) -> None:
        """Reset every connection in both directions now."""
        for writer in list(self._open):
            self._abort(writer)

    def reset_in_the_middle(self) -> None:
        """Reset the next connection with data for upstream, once half of that has been forwarded."""
        self._cut_next = True

    def fall_silent(self) -> None:
        """Stop forwarding on the current connections, which stay open; new ones work."""
        self._silent |= self._open

    def _abort(self, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()
        self.resets += 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        if self.refuses:
            writer.close()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            writer.close()
            return
        pair = {writer, far_writer}
        self._open |= pair
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass_on(reader, far_writer, pair, can_cut=True))
                tasks.create_task(self._pass_on(far_reader, writer, pair, can_cut=False))
        except* OSError:
            pass
        finally:
            self._open -= pair
            self._silent -= pair
            for each in pair:
                each.close()

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: set[asyncio.StreamWriter],
        *,
        can_cut: bool,
    ) -> None:
        while data := await reader.read(_CHUNK):
            if can_cut and self._cut_next and len(data) > 64:
                self._cut_next = False
                writer.write(data[: len(data) // 2])
                await writer.drain()
                for each in pair:
                    self._abort(each)
                return
            if writer in self._silent:
                continue
            writer.write(data)
            await writer.drain()
        # One side has ended: end the other, since nobody would get what it sends.
        for each in pair:
            each.close()


@asynccontextmanager
async def tcp_relay(port: int) -> AsyncIterator[TcpRelay]:
    """Relay to a port of this machine while the block runs."""
    relay = TcpRelay(("127.0.0.1", port))
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.reset()


class RelayThread:
    """Relays in a thread of their own, for synchronous tests."""

    def __init__(self, ports: list[int]) -> None:
        self.relays: list[TcpRelay] = []
        self._ports = ports
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relays", daemon=True)

    def reset(self, number: int, *, in_the_middle: bool) -> None:
        """Break the connections through one of the relays."""
        relay = self.relays[number]
        self._loop.call_soon_threadsafe(relay.reset_in_the_middle if in_the_middle else relay.reset)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for port in self._ports:
                self.relays.append(await stack.enter_async_context(tcp_relay(port)))
            self._ready.set()
            await self._stop.wait()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


@contextmanager
def running_relays(ports: list[int]) -> Iterator[RelayThread]:
    """Relay to each of the ports while the block runs."""
    thread = RelayThread(ports)
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()
