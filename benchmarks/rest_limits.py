"""How much of Discord's limits the REST proxy uses, what it costs, and what a bare client gets.

Run: python benchmarks/rest_limits.py [--seconds 3] [--only limits|speed]

Every part is a process of its own on this machine. Two loads for the limits: 200 POSTs to 10 channels that
allow 5 per 5 s each, and 200 POSTs to 100 channels under a global limit of 50 per second. The share is that
of the time which a perfect client would need; the bare client sends everything at once and waits as each 429
tells it. For the speed, 32 connections ask for a small object through a bare relay and through the proxy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import uvloop
from aiohttp import web
from aiohttp.web_request import BaseRequest

from nescord_core.services.rest import serve
from nescord_core.settings import CacheOptions, RestSettings

PERIOD = 5.0
LIMIT = 5
GLOBAL = 50
REQUESTS = 200
CONNECTIONS = 32
Answer = Callable[[BaseRequest], Awaitable[web.StreamResponse]]


# -- processes -------------------------------------------------------------------------------------------


class Discord:
    """Fixed windows of 5 per 5 s for each channel, and a strict global limit; counts its 429s."""

    def __init__(self, *, buckets: bool, global_limit: int) -> None:
        self._buckets = buckets
        self._global_limit = global_limit
        self._windows: dict[str, tuple[float, int]] = defaultdict(lambda: (-PERIOD, 0))
        self._global: deque[float] = deque()
        self.limited = 0

    async def answer(self, request: BaseRequest) -> web.StreamResponse:
        if request.path == "/limited":
            return web.json_response({"limited": self.limited})
        if request.path.endswith("/gateway/bot"):  # a client's own question, before it begins
            return web.json_response({"session_start_limit": {"max_concurrency": 1}})
        now = time.monotonic()
        if self._over(now):
            return self._refuse(0.5, {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"})
        if not self._buckets or request.method != "POST":
            return web.Response(body=b'{"id": "1", "name": "general"}', content_type="application/json")
        started, used = self._windows[request.path]
        if now >= started + PERIOD:
            started, used = now, 0
        after = started + PERIOD - now
        headers = {
            "X-RateLimit-Bucket": "messages",
            "X-RateLimit-Limit": str(LIMIT),
            "X-RateLimit-Remaining": str(max(LIMIT - used - 1, 0)),
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
        }
        if used >= LIMIT:
            self._global.pop()
            return self._refuse(after, {**headers, "X-RateLimit-Scope": "user"})
        self._windows[request.path] = (started, used + 1)
        return web.json_response({}, headers={**headers, "Via": "1.1 benchmark"})

    def _over(self, now: float) -> bool:
        while self._global and self._global[0] + 1.0 <= now:
            self._global.popleft()
        if len(self._global) >= self._global_limit:
            return True
        self._global.append(now)
        return False

    def _refuse(self, after: float, headers: dict[str, str]) -> web.Response:
        self.limited += 1
        content = {"message": "limited", "retry_after": round(after, 3), "global": "global" in str(headers)}
        return web.json_response(
            content, status=429, headers={**headers, "Via": "1.1 benchmark", "Retry-After": f"{after:.3f}"}
        )


async def relay_to(upstream: str) -> Answer:
    """Return the least that forwards a request: what aiohttp itself costs."""
    session = aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0))

    async def relay(request: BaseRequest) -> web.StreamResponse:
        body = await request.read()
        async with session.request(
            request.method, upstream + request.raw_path, headers=request.headers, data=body or None
        ) as response:
            return web.Response(status=response.status, headers=response.headers, body=await response.read())

    return relay


async def run_role(role: str, upstream: str, options: list[str]) -> None:
    if role == "proxy":
        with tempfile.TemporaryDirectory() as folder:
            settings = RestSettings(
                token="benchmark",
                api_url=f"{upstream}/api/v10",
                port=0,
                global_limit=int(options[0]),
                cache=CacheOptions(enabled=options[1] == "cache"),
                state_dir=Path(folder),
            )
            await serve(settings, stop=asyncio.Event(), on_ready=lambda address: print(address, flush=True))
        return
    if role == "discord":
        answer: Answer = Discord(buckets=options[0] == "buckets", global_limit=int(options[1])).answer
    else:
        answer = await relay_to(upstream)
    server = web.Server(answer, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, backlog=1024)
    print("{}:{}".format(*listener.sockets[0].getsockname()), flush=True)
    await asyncio.Event().wait()


class Part(NamedTuple):
    """A process of the benchmark."""

    url: str
    pid: int


@asynccontextmanager
async def part(role: str, upstream: str = "-", *options: str) -> AsyncIterator[Part]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--role", role, upstream, *options, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        address = (await process.stdout.readline()).decode().strip()
        yield Part(f"http://{address}", process.pid)
    finally:
        process.kill()
        await process.wait()


# -- limits ----------------------------------------------------------------------------------------------


async def post(session: aiohttp.ClientSession, url: str) -> None:
    while True:
        async with session.post(url, json={"content": "x"}) as response:
            content = await response.json()
            if response.status != 429:
                return
        await asyncio.sleep(content["retry_after"])


async def warm_up(session: aiohttp.ClientSession, url: str) -> None:
    """Open the connections, so that this is about limits; then let the global limit's window pass."""

    async def ask() -> None:
        async with session.get(f"{url}/api/v10/gateway") as response:
            await response.read()

    async with asyncio.TaskGroup() as group:
        for _ in range(GLOBAL):
            group.create_task(ask())
    await asyncio.sleep(1.5)


async def measure_limits(name: str, *, channels: int, buckets: bool, ideal: float) -> None:
    for client in ("bare client", "nescord"):
        async with AsyncExitStack() as stack:
            limit = GLOBAL if not buckets else 10_000
            discord = await stack.enter_async_context(
                part("discord", "-", "buckets" if buckets else "none", str(limit))
            )
            base = discord
            if client == "nescord":
                base = await stack.enter_async_context(part("proxy", discord.url, str(limit), "none"))
            session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
            )
            await warm_up(session, base.url)
            started = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for number in range(REQUESTS):
                    group.create_task(
                        post(session, f"{base.url}/api/v10/channels/{number % channels}/messages")
                    )
            took = time.monotonic() - started
            async with session.get(f"{discord.url}/limited") as response:
                limited = (await response.json())["limited"]
            print(f"{name:34} {client:12} {took:6.2f} s  {ideal / took:6.1%} of the ideal  {limited:4} x 429")


# -- speed -----------------------------------------------------------------------------------------------


async def throughput(
    url: str, seconds: float, connections: int, headers: Mapping[str, str] | None = None
) -> tuple[float, float]:
    """Return (requests per second, median milliseconds)."""
    times: list[float] = []
    until = time.monotonic() + seconds

    async def ask(session: aiohttp.ClientSession) -> None:
        while (started := time.monotonic()) < until:
            async with session.get(url) as response:
                await response.read()
                assert response.status == 200, response.status
            times.append(time.monotonic() - started)

    connector = aiohttp.TCPConnector(limit=0)
    made = aiohttp.ClientSession(connector=connector, headers=headers)
    async with made as session, asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(ask(session))
    return len(times) / seconds, sorted(times)[len(times) // 2] * 1000


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


async def measure_speed(seconds: float) -> None:
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(part("discord", "-", "none", "100000000"))
        relay = await stack.enter_async_context(part("relay", discord.url))
        plain = await stack.enter_async_context(part("proxy", discord.url, "100000000", "none"))
        cached = await stack.enter_async_context(part("proxy", discord.url, "100000000", "cache"))
        reference = 0.0
        for name, process in (("bare relay", relay), ("nescord", plain), ("nescord, cached", cached)):
            url = f"{process.url}/api/v10/channels/1"
            await throughput(url, 0.3, CONNECTIONS)
            before = cpu_seconds(process.pid)
            rate, _ = await throughput(url, seconds, CONNECTIONS)
            cost = (cpu_seconds(process.pid) - before) / (rate * seconds) * 1e6
            _, single = await throughput(url, seconds / 3, 1)
            reference = reference or cost
            print(
                f"{name:34} {rate:7.0f} requests/s  {cost:6.0f} us of CPU each"
                f" ({cost / reference:.2f} x relay)  {single:.2f} ms alone"
            )


async def main(only: str, seconds: float) -> None:
    if only != "speed":
        windows = REQUESTS // 10 // LIMIT - 1
        await measure_limits("10 channels, 5 per 5 s", channels=10, buckets=True, ideal=windows * PERIOD)
        await measure_limits(
            "100 channels, 50 per s in all", channels=100, buckets=False, ideal=REQUESTS / GLOBAL - 1
        )
    if only != "limits":
        await measure_speed(seconds)
    print(json.dumps({"peak_mb_of_this_client": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("all", "limits", "speed"), default="all")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--role", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        # uvloop, as `nescord run rest` has it; for the others as well, so that all have the same ground.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_role(arguments.role[0], arguments.role[1], arguments.role[2:]))
    else:
        asyncio.run(main(arguments.only, arguments.seconds))
