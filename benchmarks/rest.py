"""The REST proxy beside its peers, in one run on the same fake Discord: speed, memory, and use of the limits.

Run: python benchmarks/rest.py [--seconds 3] [--rounds 3] [--only speed|limits] [--no-peers]

Every part is a process of its own on this machine. The peers are @discordjs/proxy and @discordeno/rest, which
npm installs into the user's cache directory on the first run, and a bare relay of aiohttp's. Speed: 32
kept-alive connections ask for a small object, each part in turn, for several rounds, of which the medians
count; one connection alone shows the latency that a part adds. Limits: 200 POSTs to 10 channels that allow 5
per 5 s each, with a cold start, and 200 POSTs to 100 channels under a global limit of 50 per second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import rest_limits  # type: ignore[import-not-found]  # it lies beside this file
from rest_limits import GLOBAL, LIMIT, PERIOD, REQUESTS, cpu_seconds

CONNECTIONS = 32
TOKEN = "benchmark"
UNLIMITED = 100_000_000
HERE = Path(__file__).parent
PACKAGES = {"@discordjs/proxy": "2.1.1", "@discordjs/rest": "2.4.3", "@discordeno/rest": "21.0.0"}
PATH = "/api/v10/channels/1"

DISCORDJS = """
import { createServer } from 'node:http';
import { proxyRequests } from '@discordjs/proxy';
import { REST } from '@discordjs/rest';
const [upstream, port, limit] = process.argv.slice(2);
const rest = new REST({
  api: `${upstream}/api`, rejectOnRateLimit: null, retries: 3, globalRequestsPerSecond: Number(limit),
}).setToken('benchmark');
process.on('unhandledRejection', () => {});  // one caller that leaves early would end it
createServer(proxyRequests(rest)).listen(Number(port), '127.0.0.1');
"""
DISCORDENO = """
import { createServer } from 'node:http';
import { createRestManager } from '@discordeno/rest';
const [upstream, port] = process.argv.slice(2);
const rest = createRestManager({
  token: Buffer.from('1').toString('base64') + '.a.b', version: 10, proxy: { baseUrl: `${upstream}/api` },
});
rest.isProxied = false;  // or it leaves the limits to somebody else
createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    try {
      const body = chunks.length ? JSON.parse(Buffer.concat(chunks)) : undefined;
      const route = request.url.replace(/^\\/api\\/v\\d+/, '');
      const answer = await rest.makeRequest(request.method, route, { body });
      response.writeHead(answer === undefined ? 204 : 200, { 'content-type': 'application/json' });
      response.end(answer === undefined ? undefined : JSON.stringify(answer));
    } catch (error) {
      response.writeHead(500);
      response.end(String(error));
    }
  });
}).listen(Number(port), '127.0.0.1');
"""


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


def install_peers() -> Path | None:
    """Return a directory with the npm packages in it, None when they cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nescord-benchmarks"
    cache.mkdir(parents=True, exist_ok=True)
    manifest = json.dumps({"private": True, "type": "module", "dependencies": PACKAGES})
    path = cache / "package.json"
    if not (cache / "node_modules/@discordjs/proxy").is_dir() or path.read_text("utf-8") != manifest:
        path.write_text(manifest, "utf-8")
        npm = [find("npm"), "install", "--no-audit", "--no-fund", "--loglevel=error"]
        made = subprocess.run(npm, cwd=cache, capture_output=True, text=True, check=False)
        if made.returncode:
            print(f"peers from npm left out: {made.stderr.strip().splitlines()[-1:]}")
            path.unlink()
            return None
    (cache / "discordjs.mjs").write_text(DISCORDJS, "utf-8")
    (cache / "discordeno.mjs").write_text(DISCORDENO, "utf-8")
    return cache


def find(tool: str) -> str:
    beside = Path(sys.executable).parent / tool
    return str(beside) if beside.exists() else tool


@asynccontextmanager
async def command(name: str, *line: str, port: int) -> AsyncIterator[Part]:
    """Run a server and wait until its port takes connections."""
    process = await asyncio.create_subprocess_exec(*line, stdout=subprocess.DEVNULL)
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
async def running(name: str, upstream: str, limit: int, peers: Path | None) -> AsyncIterator[Part | None]:
    """Run a part by its name; None when it is not to be had here."""
    port = free_port()
    if name in {"nescord", "nescord, cached"}:
        mode = "cache" if name.endswith("cached") else "none"
        async with rest_limits.part("proxy", upstream, str(limit), mode) as made:
            yield Part(name, made.url, made.pid)
    elif name == "bare aiohttp relay":
        async with rest_limits.part("relay", upstream) as made:
            yield Part(name, made.url, made.pid)
    elif name in {"@discordjs/proxy", "@discordeno/rest"} and peers is not None:
        script = peers / ("discordjs.mjs" if "proxy" in name else "discordeno.mjs")
        line = (find("node"), str(script), upstream, str(port), str(limit))
        async with command(name, *line, port=port) as part:
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


async def measure_speed(seconds: float, rounds: int, peers: Path | None) -> None:
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
                part.alone.append((await rest_limits.throughput(part.url + PATH, seconds / 3, 1))[1])
        report(parts)


PEERS = ("@discordjs/proxy", "@discordeno/rest")


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
    request = f"GET {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: */*\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
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
    name: str, *, channels: int, buckets: bool, ideal: float, peers: Path | None
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
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
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
    peers = install_peers() if with_peers else None
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
