"""The processes of the REST benchmarks: the fake Discord, the proxies in front of it, the client."""

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

from rest_peers import TOKEN, Peers, find  # type: ignore[import-not-found]  # it lies beside this file

HERE = Path(__file__).resolve().parent
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SIDES = {"proxy": CORES[:1], "world": CORES[1:2]} if len(CORES) > 1 else {}
"""The proxy has a core to itself; Discord and the client share another, as they cost much less."""


@dataclass
class Part:
    """A process under measurement and what was found of it."""

    name: str
    url: str
    pid: int
    rates: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: float = 0.0


def on_its_core(pid: int, side: str) -> None:
    """Keep a process to the core of its side."""
    if side in SIDES:
        os.sched_setaffinity(pid, SIDES[side])


@asynccontextmanager
async def discord(limits: str, global_limit: int) -> AsyncIterator[Part]:
    """Run the fake Discord: ``limits`` is ``open`` or ``buckets``."""
    async with printing("direct", "world", "discord", limits, str(global_limit)) as made:
        yield made


@asynccontextmanager
async def printing(name: str, side: str, role: str, *options: str) -> AsyncIterator[Part]:
    """Run a role of rest_discord.py, which prints its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "rest_discord.py"), role, *options, stdout=subprocess.PIPE
    )
    on_its_core(process.pid, side)
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
    """Run a proxy and wait until its port takes connections."""
    process = await asyncio.create_subprocess_exec(
        *line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})}
    )
    on_its_core(process.pid, "proxy")
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(name: str, upstream: str, limit: int, peers: Peers | None) -> AsyncIterator[Part | None]:
    """Run a proxy by its name; None when it is not to be had here."""
    port = free_port()
    if name.startswith("nescord"):
        line = (find("nescord"), "run", "rest", "--port", str(port), "--global-limit", str(limit))
        with tempfile.TemporaryDirectory() as folder:
            env = {
                "DISCORD_BOT_TOKEN": TOKEN,
                "DISCORD_API_URL": f"{upstream}/api/v10",
                "NESCORD_CACHE_ENABLED": str(name.endswith("cached")),
                # There is no ws here that would tell of changes; with one, answers live for a minute.
                "NESCORD_CACHE_UNLINKED_TTL": "60",
                "NESCORD_STATE_DIR": folder,
            }
            async with command(name, *line, port=port, env=env) as part:
                yield part
    elif name == "bare aiohttp relay":
        async with printing(name, "proxy", "relay", upstream) as part:
            yield part
    elif peers is not None and (peer := peers.line(name, upstream, port, limit)):
        async with command(name, *peer, port=port) as part:
            yield part
    else:
        yield None


async def client(*arguments: str) -> list[float]:
    """Run rest_load.py; return the numbers that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "rest_load.py"), *arguments, stdout=subprocess.PIPE
    )
    on_its_core(process.pid, "world")
    out, _ = await process.communicate()
    return [float(word) for word in out.split()] if not process.returncode else [0.0, 0.0]


def about(part: Part) -> dict[str, Any]:
    """Ask the fake Discord what it saw."""
    with urllib.request.urlopen(f"{part.url}/about") as response:
        content: dict[str, Any] = json.load(response)
        return content


def resident_mb(pid: int) -> float:
    """Memory of a process and of those that it started (node may be behind a launcher)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576 + sum(resident_mb(int(child)) for child in children)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0
