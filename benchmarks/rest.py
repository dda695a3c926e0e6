"""The REST proxy beside its peers, in one run on the same fake Discord: speed, memory, and use of the limits.

Run: python benchmarks/rest.py [--seconds 3] [--rounds 3] [--only speed|limits] [--no-peers]

Every part is a process of its own on this machine, nescord as `nescord run rest` starts it. The peers are
@discordjs/proxy, @discordeno/rest and nirn-py (see rest_peers.py), and a bare relay of aiohttp's. Speed: 32
kept-alive connections ask for a small object, each part in turn, for several rounds, of which the medians
count, and the largest resident memory; one connection alone shows the latency that a part adds. Limits: 200
POSTs to 10 channels that allow 5 per 5 s each, with a cold start, and 200 POSTs to 100 channels under a
global limit of 50 per second.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import rest_limits  # type: ignore[import-not-found]  # it lies beside this file
from rest_limits import GLOBAL, LIMIT, PERIOD, REQUESTS, cpu_seconds
from rest_peers import PEERS, TOKEN, Peers, find, install  # type: ignore[import-not-found]

CONNECTIONS = 32
UNLIMITED = 100_000_000
PATH = "/api/v10/channels/1"
AUTHORIZED = {"Authorization": f"Bot {TOKEN}"}


@dataclass
class Part:
    """A proxy under measurement and what was found of it."""

    name: str
    url: str
    pid: int
    rates: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: float = 0.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def command(
    name: str, *line: str, port: int, env: Mapping[str, str] | None = None
) -> AsyncIterator[Part]:
    """Run a server and wait until its port takes connections."""
    process = await asyncio.create_subprocess_exec(
        *line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})}
    )
    try:
        async with asyncio.timeout(20):
            while not await takes(port):
                if process.returncode is not None:
                    raise RuntimeError(f"{name} ended with {process.returncode}")
                await asyncio.sleep(0.05)
        yield Part(name, f"http://127.0.0.1:{port}", process.pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def takes(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def running(name: str, upstream: str, limit: int, peers: Peers | None) -> AsyncIterator[Part | None]:
    """Run a part by its name; None when it is not to be had here."""
    port = free_port()
    if name.startswith("nescord"):
        line = (find("nescord"), "run", "rest", "--port", str(port), "--global-limit", str(limit))
        with tempfile.TemporaryDirectory() as folder:
            env = {
                "DISCORD_BOT_TOKEN": TOKEN,
                "DISCORD_API_URL": f"{upstream}/api/v10",
                "NESCORD_CACHE_ENABLED": str(name.endswith("cached")),
                "NESCORD_STATE_DIR": folder,
            }
            async with command(name, *line, port=port, env=env) as part:
                yield part
    elif name == "bare aiohttp relay":
        async with rest_limits.part("relay", upstream) as made:
            yield Part(name, made.url, made.pid)
    elif peers is not None and (peer := peers.line(name, upstream, port, limit)):
        async with command(name, *peer, port=port) as part:
            yield part
    else:
        yield None


def resident_mb(pid: int) -> float:
    """Memory of a process and of those that it started (node may be behind a launcher)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576 + sum(resident_mb(int(child)) for child in children)


async def measure_speed(seconds: float, rounds: int, peers: Peers | None) -> None:
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(rest_limits.part("discord", "-", "none", str(UNLIMITED)))
        parts = [Part("direct", discord.url, discord.pid)]
        for name in ("bare aiohttp relay", "nescord", "nescord, cached", *PEERS):
            part = await stack.enter_async_context(running(name, discord.url, UNLIMITED, peers))
            if part is None:
                print(f"{name}: not installed, left out")
            else:
                parts.append(part)
        for part in [*parts]:
            if not await drive(part, 0.5):
                print(f"{part.name}: answers nothing, left out")
                parts.remove(part)
        for _ in range(rounds):
            for part in [*parts]:
                before = cpu_seconds(part.pid)
                rate = await drive(part, seconds)
                part.rates.append(rate)
                if not rate:
                    print(f"{part.name} answered nothing for {seconds:g} s, then left out")
                    parts.remove(part)
                    continue
                part.cpu.append((cpu_seconds(part.pid) - before) / (rate * seconds) * 1e6)
                alone = await rest_limits.throughput(part.url + PATH, seconds / 3, 1, headers=AUTHORIZED)
                part.alone.append(alone[1])
        report(parts)


async def drive(part: Part, seconds: float) -> float:
    """Load a part with a client that costs little; returns requests per second."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--load", part.url, str(seconds), stdout=subprocess.PIPE
    )
    out, _ = await client.communicate()
    if client.returncode:
        raise RuntimeError(f"{part.name} could not be measured")
    part.memory = max(part.memory, resident_mb(part.pid))
    return float(out)


def report(parts: list[Part]) -> None:
    direct = statistics.median(parts[0].alone)
    print(f"{'':22}{'requests/s':>12}{'us of CPU':>11}{'added ms alone':>16}{'MB':>7}")
    for part in parts:
        rate, cpu = statistics.median(part.rates), statistics.median(part.cpu)
        added = statistics.median(part.alone) - direct
        print(f"{part.name:22}{rate:12.0f}{cpu:11.0f}{added:16.2f}{part.memory:7.0f}")
    found = {part.name: part for part in parts}
    ours, cached, peer = (found.get(n) for n in ("nescord", "nescord, cached", "@discordjs/proxy"))
    if ours and cached:
        ratio = statistics.median(cached.rates) / statistics.median(ours.rates)
        print(f"cached / uncached: {ratio:.2f} (target 2)")
    if ours and peer:
        ratio = statistics.median(ours.rates) / statistics.median(peer.rates)
        print(f"requests/s of @discordjs/proxy: {ratio:.2f} x (target 1.2)")
        print(f"memory of @discordjs/proxy: {ours.memory / peer.memory:.2f} x (target 0.4)")


class Client(asyncio.Protocol):
    """Sends the same request over and over and counts the answers by their end."""

    def __init__(self, request: bytes) -> None:
        self.count = 0
        self.is_done = False
        self._request = request
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_whole():
            return
        assert self._buffer.startswith(b"HTTP/1.1 200"), self._buffer
        self._buffer = b""
        self.count += 1
        if not self.is_done:
            self._transport.write(self._request)

    def _is_whole(self) -> bool:
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        low = head.lower()
        at = low.find(b"content-length:")
        if at >= 0:
            return bool(end) and len(body) >= int(low[at + 15 :].split(b"\r", 1)[0])
        return body.endswith(b"0\r\n\r\n")


async def load(url: str, seconds: float) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    text = f"GET {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: */*\r\n"
    text += f"Authorization: Bot {TOKEN}\r\n\r\n"
    request, loop = text.encode(), asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Client(request), host, int(port)) for _ in range(CONNECTIONS)
    ]
    started = time.monotonic()
    await asyncio.sleep(seconds)
    print(sum(client.count for _, client in made) / (time.monotonic() - started))
    for _, client in made:
        client.is_done = True
    await asyncio.sleep(0.2)  # @discordjs/proxy ends when a caller leaves before its answer
    for transport, _ in made:
        transport.close()


async def measure_limits(
    name: str, *, channels: int, buckets: bool, ideal: float, peers: Peers | None
) -> None:
    for client in ("nescord", *PEERS):
        async with AsyncExitStack() as stack:
            limit = GLOBAL if not buckets else 10_000
            kind = "buckets" if buckets else "none"
            discord = await stack.enter_async_context(rest_limits.part("discord", "-", kind, str(limit)))
            base = await stack.enter_async_context(running(client, discord.url, limit, peers))
            if base is None:
                continue
            connector = aiohttp.TCPConnector(limit=0)
            session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=connector, headers=AUTHORIZED)
            )
            if not buckets:
                await rest_limits.warm_up(session, base.url)  # connections; the limit itself starts fresh
            took = await flood(session, base.url, channels)
            async with session.get(f"{discord.url}/limited") as response:
                limited = (await response.json())["limited"]
            share = (
                f"{ideal / took:6.1%} of the ideal  {limited:4} x 429" if took else "did not finish in 60 s"
            )
            print(f"{name:34} {client:18} {took:6.2f} s  {share}")


async def flood(session: aiohttp.ClientSession, url: str, channels: int) -> float:
    started = time.monotonic()
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for number in range(REQUESTS):
                target = f"{url}/api/v10/channels/{number % channels}/messages"
                group.create_task(rest_limits.post(session, target))
    except (TimeoutError, ExceptionGroup):
        return 0.0
    return time.monotonic() - started


async def main(only: str, seconds: float, rounds: int, with_peers: bool) -> None:
    peers = install() if with_peers else None
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    if only != "limits":
        await measure_speed(seconds, rounds, peers)
    if only != "speed":
        windows = REQUESTS // 10 // LIMIT - 1
        buckets, whole = windows * PERIOD, REQUESTS / GLOBAL - 1
        await measure_limits("10 channels, 5 per 5 s", channels=10, buckets=True, ideal=buckets, peers=peers)
        await measure_limits("100 channels, 50/s", channels=100, buckets=False, ideal=whole, peers=peers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=("all", "speed", "limits"), default="all")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--load", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        asyncio.run(load(arguments.load[0], float(arguments.load[1])))
    else:
        asyncio.run(main(arguments.only, arguments.seconds, arguments.rounds, not arguments.no_peers))
