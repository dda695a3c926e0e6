"""A bare relay for the REST benchmark: what HTTP through asyncio costs without anything that a proxy decides.

Run as `python httptools_relay.py UPSTREAM`; it prints its address. httptools parses both sides, to know where
messages end; the bytes themselves are passed on. Connections to the upstream are kept alive.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop


class Upstream(asyncio.Protocol):
    """A connection to the upstream, for one request at a time."""

    def __init__(self, idle: list[Upstream]) -> None:
        self._idle = idle
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._caller: Caller | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes, caller: Caller) -> None:
        self._caller = caller
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        response = b"".join(self._parts)
        self._parts.clear()
        caller, self._caller = self._caller, None
        self._idle.append(self)
        if caller is not None:
            caller.answer(response)


class Caller(asyncio.Protocol):
    """A caller's connection: one request at a time."""

    def __init__(self, host: str, port: int, idle: list[Upstream]) -> None:
        self._address = host, port
        self._idle = idle
        self._parser = httptools.HttpRequestParser(self)
        self._parts: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        request = b"".join(self._parts)
        self._parts.clear()
        if self._idle:
            self._idle.pop().send(request, self)
        else:
            self._task = asyncio.get_running_loop().create_task(self._connect(request))

    async def _connect(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        _, upstream = await loop.create_connection(lambda: Upstream(self._idle), *self._address)
        upstream.send(request, self)

    def answer(self, response: bytes) -> None:
        self._transport.write(response)


async def main(upstream: str) -> None:
    parts = urlsplit(upstream)
    assert parts.hostname
    assert parts.port
    host, port, idle = parts.hostname, parts.port, list[Upstream]()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Caller(host, port, idle), "127.0.0.1", 0, backlog=1024)
    print("{}:{}".format(*listener.sockets[0].getsockname()), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
