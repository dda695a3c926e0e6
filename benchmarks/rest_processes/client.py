"""The client of the REST benchmark: requests written as bytes, answers delimited by their length.

`python client.py speed URL CONNECTIONS SECONDS`: each connection requests its own channel repeatedly; prints
requests per second and the median milliseconds of one. `python client.py flood URL REQUESTS CHANNELS`: sends
all POSTs at once, each on its own connection, and waits out each 429; prints the seconds until the last is
answered, or 0 after a minute.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import uvloop

TIMEOUT = 60.0
TOKEN = "MTIz.benchmark.token"
"""Not a real token; its first part is an id in base64, as some proxies require."""


class Client(asyncio.Protocol, ABC):
    """A connection that calls `answered` for each complete answer."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if end and _is_whole(head, body):
            self._buffer = b""
            self.answered(int(head[9:12]), body)

    def ask(self, request: bytes) -> None:
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    @abstractmethod
    def answered(self, status: int, body: bytes) -> None:
        """Handle an answer."""


def _is_whole(head: bytes, body: bytes) -> bool:
    low = head.lower()
    at = low.find(b"content-length:")
    if at >= 0:
        return len(body) >= int(low[at + 15 :].split(b"\r", 1)[0])
    return body.endswith(b"0\r\n\r\n") or b"\n204" in low


class Runner(Client):
    """Repeats its request as soon as it is answered."""

    def __init__(self, request: bytes) -> None:
        super().__init__()
        self._request = request
        self._since = 0.0
        self.is_done = False
        self.times: list[float] = []

    def start(self) -> None:
        self._since = time.monotonic()
        self.ask(self._request)

    def answered(self, status: int, body: bytes) -> None:
        assert status == 200, (status, body)
        now = time.monotonic()
        self.times.append(now - self._since)
        if not self.is_done:
            self._since = now
            self.ask(self._request)


class Poster(Client):
    """Repeats its request until the answer is not a 429."""

    def __init__(self, request: bytes) -> None:
        super().__init__()
        self._request = request
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        self.ask(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("closed before its answer"))

    def answered(self, status: int, body: bytes) -> None:
        if status == 429:
            asyncio.get_running_loop().call_later(json.loads(body)["retry_after"], self.start)
        elif not self.done.done():
            self.done.set_result(None)


def request_of(method: str, host: str, path: str, body: bytes = b"") -> bytes:
    text = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nAuthorization: Bot {TOKEN}\r\n"
    if body:
        text += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return text.encode() + b"\r\n" + body


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


async def speed(url: str, connections: int, seconds: float) -> None:
    host, port = address_of(url)
    loop = asyncio.get_running_loop()
    runners = []
    for number in range(connections):
        request = request_of("GET", f"{host}:{port}", f"/api/v10/channels/{1000 + number}")
        _, runner = await loop.create_connection(partial(Runner, request), host, port)
        runners.append(runner)
    started = time.monotonic()
    for runner in runners:
        runner.start()
    await asyncio.sleep(seconds)
    took = time.monotonic() - started
    times = sorted(time for runner in runners for time in runner.times)
    print(len(times) / took, times[len(times) // 2] * 1000 if times else 0.0)
    for runner in runners:
        runner.is_done = True
    await asyncio.sleep(0.2)  # @discordjs/proxy crashes if a caller disconnects before its answer
    for runner in runners:
        runner.close()


async def flood(url: str, requests: int, channels: int) -> None:
    host, port = address_of(url)
    loop = asyncio.get_running_loop()

    async def one(number: int) -> None:
        path = f"/api/v10/channels/{1000 + number % channels}/messages"
        request = request_of("POST", f"{host}:{port}", path, b'{"content": "x"}')
        _, poster = await loop.create_connection(lambda: Poster(request), host, port)
        poster.start()
        await poster.done
        poster.close()

    started = time.monotonic()
    try:
        async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
            for number in range(requests):
                group.create_task(one(number))
        print(time.monotonic() - started)
    except (TimeoutError, ExceptionGroup):
        print(0.0)


if __name__ == "__main__":
    role, url, *numbers = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop_runner:
        if role == "speed":
            loop_runner.run(speed(url, int(numbers[0]), float(numbers[1])))
        else:
            loop_runner.run(flood(url, int(numbers[0]), int(numbers[1])))
