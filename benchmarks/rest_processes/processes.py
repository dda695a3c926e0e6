"""Starts and measures the processes of the REST benchmark: the fake Discord, the proxies and the client."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.rest_processes.peers import TOKEN, Peers, find

HERE = Path(__file__).resolve().parent
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
CORES_OF = {"proxy": CORES[:1], "rest": CORES[1:2]} if len(CORES) > 1 else {}
"""The proxy has a core to itself; Discord and the client share another, as they use much less CPU."""


@dataclass
class Part:
    """A process under measurement, with its measurements."""

    name: str
    url: str
    pid: int
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: float = 0.0


def pin(pid: int, core: str) -> None:
    """Pin a process to the core of its kind."""
    if core in CORES_OF:
        os.sched_setaffinity(pid, CORES_OF[core])


@asynccontextmanager
async def discord(limits: str, global_limit: int) -> AsyncIterator[Part]:
    """Run the fake Discord: ``limits`` is ``open`` or ``buckets``."""
    async with fake("direct", "rest", "discord", limits, str(global_limit)) as part:
        yield part


@asynccontextmanager
async def fake(name: str, core: str, role: str, *options: str) -> AsyncIterator[Part]:
    """Run a role of fake_discord.py, which prints its address."""
    async with script(name, core, "fake_discord.py", role, *options) as part:
        yield part


@asynccontextmanager
async def relay(name: str, upstream: str) -> AsyncIterator[Part]:
    """Run the relay on httptools."""
    async with script(name, "proxy", "httptools_relay.py", upstream) as part:
        yield part


@asynccontextmanager
async def script(name: str, core: str, file: str, *options: str) -> AsyncIterator[Part]:
    """Run a script of this folder, which prints its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / file), *options, stdout=subprocess.PIPE
    )
    pin(process.pid, core)
    assert process.stdout is not None
    try:
        address = (await process.stdout.readline()).decode().strip()
        yield Part(name, f"http://{address}", process.pid)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def command(
    name: str, *line: str, port: int, env: Mapping[str, str] | None = None
) -> AsyncIterator[Part]:
    """Run a proxy and wait until its port accepts connections."""
    process = await asyncio.create_subprocess_exec(
        *line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})}
    )
    pin(process.pid, "proxy")
    try:
        async with asyncio.timeout(20):
            while not await accepts(port):
                if process.returncode is not None:
                    raise RuntimeError(f"{name} exited with code {process.returncode}")
                await asyncio.sleep(0.05)
        yield Part(name, f"http://127.0.0.1:{port}", process.pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(name: str, upstream: str, limit: int, peers: Peers | None) -> AsyncIterator[Part | None]:
    """Run a proxy by its name; None if it is not available here."""
    port = free_port()
    if name.startswith("nescord"):
        line = (find("nescord"), "run", "rest", "--port", str(port), "--global-limit", str(limit))
        with tempfile.TemporaryDirectory() as folder:
            env = {
                "DISCORD_BOT_TOKEN": TOKEN,
                "DISCORD_API_URL": f"{upstream}/api/v10",
                "NESCORD_CACHE_ENABLED": str(name.endswith("cached")),
                # No ws sends invalidations here; with one, answers live for a minute.
                "NESCORD_CACHE_UNLINKED_TTL": "60",
                "NESCORD_STATE_DIR": folder,
            }
            async with command(name, *line, port=port, env=env) as part:
                yield part
    elif name == "bare httptools relay":
        async with relay(name, upstream) as part:
            yield part
    elif name == "bare aiohttp relay":
        async with fake(name, "proxy", "relay", upstream) as part:
            yield part
    elif peers is not None and (peer := peers.line(name, upstream, port, limit)):
        async with command(name, *peer, port=port) as part:
            yield part
    else:
        yield None


async def client(*arguments: str) -> list[float]:
    """Run client.py; return the numbers that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "client.py"), *arguments, stdout=subprocess.PIPE
    )
    pin(process.pid, "rest")
    out, _ = await process.communicate()
    return [float(word) for word in out.split()] if not process.returncode else [0.0, 0.0]


def about(part: Part) -> dict[str, Any]:
    """Return what the fake Discord received."""
    with urllib.request.urlopen(f"{part.url}/about") as response:
        content: dict[str, Any] = json.load(response)
        return content


def resident_mb(pid: int) -> float:
    """Return the memory of a process and its descendants (Node.js may run behind a launcher)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576 + sum(resident_mb(int(child)) for child in children)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0
