"""Events per CPU-second of the gateway process: discord.py's own client, the bare pipe, and nescord's ws.

    python benchmarks/events.py [--rounds N] [--only saturated|paced|memory] [--compress C]

All receive the same recorded frames from the same server (recorded_gateway.py), one after the other, round by
round, so that ratios hold on a noisy machine. nescord's main has a handler that does nothing; in the paced
runs it records the time. CPU is that of the process with the gateway connections (for ws: all its processes).
rest does not run; sending it cache invalidations would cost ws extra.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
APP = """
import os, time
from nescord_core import WsListener

listener = WsListener()
FILE = os.environ.get("BENCH_TIMES")
times = []


@listener.on("*")
def take(payload, event):
    {body}
"""
WS = """
from dataclasses import replace
from pathlib import Path
from nescord_core.config import load
from nescord_core.services.ws.parent import run

run(replace(load(Path.cwd()).ws, rest_url=""))
"""
"""`nescord run ws`, without sending cache invalidations: rest does not run here."""
QUIET = "pass"
RECORD = """times.append((event.shard_id, event.seq, time.monotonic()))
    if len(times) >= int(os.environ["BENCH_EVENTS"]):
        with open(FILE, "w") as file:
            file.writelines(f"{s} {q} {t}\\n" for s, q, t in times)
        times.clear()"""


@dataclass(frozen=True)
class Result:
    cpu_s: float
    mb: float
    median_ms: float | None = None
    p99_ms: float | None = None


@asynccontextmanager
async def source(compress: str, shards: int, events: int) -> AsyncIterator[int]:
    process = await _python(HERE / "recorded_gateway.py", compress, shards, events)
    try:
        assert process.stdout is not None
        yield int((await process.stdout.readline()).split()[0])
    finally:
        process.kill()
        await process.wait()


async def _python(*arguments: object, **options: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(each) for each in arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
        **options,
    )


def _get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)


async def client(which: str, compress: str, shards: int, events: int, rate: float) -> Result:
    """Run discord.py or the bare pipe; the latter records times if there is a rate."""
    with tempfile.TemporaryDirectory() as directory:
        async with source(compress, shards, events) as port:
            return await _client(which, Path(directory) / "times", port, compress, shards, events, rate)


async def _client(
    which: str, times: Path, port: int, compress: str, shards: int, events: int, rate: float
) -> Result:
    total = shards * (events + _first() - 1)
    environment = os.environ | ({"BENCH_TIMES": str(times), "BENCH_EVENTS": str(total)} if rate else {})
    process = await _python(
        HERE / "gateway_clients.py", which, compress, port, shards, events, env=environment
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        await asyncio.sleep(1.0)
        process.stdin.write(b"go\n")
        await process.stdin.drain()
        await asyncio.to_thread(_get, port, f"/go?rate={rate}")
        found = json.loads(await process.stdout.readline())
        if not rate or which != "bare":
            return Result(found["cpu_s"], found["mb"])
        waits = _waits(times, _get(port, "/times")["times"], shards)
        return _timed(found["cpu_s"], found["mb"], waits)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def nescord(compress: str, shards: int, events: int, rate: float) -> Result:
    """Run ws and main."""
    with tempfile.TemporaryDirectory() as directory:
        async with source(compress, shards, events) as port:
            return await _nescord(Path(directory), port, compress, shards, events, rate)


async def _nescord(
    directory: Path, port: int, compress: str, shards: int, events: int, rate: float
) -> Result:
    total = shards * (events + _first() - 1)
    (directory / "bot").mkdir()
    (directory / "bot" / "__init__.py").touch()
    (directory / "bot" / "app.py").write_text(APP.format(body=RECORD if rate else QUIET))
    (directory / "nescord.toml").write_text('[main]\nentry = "bot.app:listener"\n')
    main, main_admin, ws_admin = _free_ports(3)
    environment = os.environ | {
        "DISCORD_BOT_TOKEN": "bench",
        "DISCORD_API_URL": f"http://127.0.0.1:{port}/api/v10",
        "DISCORD_INTENTS": "53608447",
        "GRPC_HOST": f"127.0.0.1:{main}",
        "NESCORD_MAIN_LISTEN": f"127.0.0.1:{main}",
        "NESCORD_MAIN_ADMIN": f"127.0.0.1:{main_admin}",
        "NESCORD_WS_ADMIN": f"127.0.0.1:{ws_admin}",
        "NESCORD_COMPRESS": compress,
        "NESCORD_IDENTIFY_WINDOW": "0.1",
        "BENCH_TIMES": str(directory / "times"),
        "BENCH_EVENTS": str(total),
    }
    options: dict[str, Any] = {"cwd": directory, "env": environment}
    if not os.environ.get("BENCH_LOG"):
        options["stderr"] = asyncio.subprocess.DEVNULL
    bot = await _python("-m", "nescord_cli", "run", "main", **options)
    ws = await _python("-c", WS, **options)
    try:
        await _until(lambda: _handled(main_admin) >= shards * (_first() - 1))
        pids = [ws.pid, *(each["pid"] for each in _get(ws_admin, "/stats")["clusters"])]
        await asyncio.sleep(1.0)
        before = sum(map(_cpu, pids))
        await asyncio.to_thread(_get, port, f"/go?rate={rate}")
        await _until(lambda: _handled(main_admin) >= total)
        await asyncio.sleep(0.1)
        cpu, memory = sum(map(_cpu, pids)) - before, sum(map(_memory, pids[1:]))
        if not rate:
            return Result(cpu, memory)
        await _until((directory / "times").exists)
        await asyncio.sleep(0.5)
        return _timed(cpu, memory, _waits(directory / "times", _get(port, "/times")["times"], shards))
    finally:
        for process in (ws, bot):
            process.send_signal(signal.SIGTERM)
        for process in (ws, bot):
            await process.wait()


def _timed(cpu_s: float, mb: float, waits: list[float]) -> Result:
    return Result(cpu_s, mb, statistics.median(waits), sorted(waits)[len(waits) * 99 // 100])


def _waits(path: Path, sent: list[float], shards: int) -> list[float]:
    """Return the milliseconds from the write of each event to its handler; shards take turns."""
    rows = [line.split() for line in path.read_text().splitlines()]
    return [
        (float(at) - sent[(int(seq) - _first()) * shards + int(shard)]) * 1000
        for shard, seq, at in rows
        if int(seq) >= _first()
    ]


def _first() -> int:
    """Return the sequence number of the first event, which follows READY and the guilds."""
    return int(os.environ.get("BENCH_GUILDS", "40")) + 2


def _handled(port: int) -> int:
    try:
        return sum(each.get("handled", 0) for each in _get(port, "/stats")["workers"])
    except OSError:
        return 0


async def _until(condition: Any) -> None:
    async with asyncio.timeout(120):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - it depends on another process
            await asyncio.sleep(0.05)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def _free_ports(count: int) -> list[int]:
    import socket

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


async def saturated(compress: str, rounds: int, events: int) -> None:
    """Measure at full speed, on 4 connections."""
    shards = 4
    rates: dict[str, list[float]] = {"discord.py": [], "bare pipe": [], "nescord": []}
    for _ in range(rounds):
        fewer = events // 5
        rates["discord.py"].append(
            shards * fewer / (await client("discordpy", compress, shards, fewer, 0)).cpu_s
        )
        rates["bare pipe"].append(shards * events / (await client("bare", compress, shards, events, 0)).cpu_s)
        rates["nescord"].append(shards * events / (await nescord(compress, shards, events, 0)).cpu_s)
    print(f"\nsaturated, {compress}: events per CPU-second (median of {rounds})")
    for name, found in rates.items():
        print(
            f"  {name:<11}{statistics.median(found):>10,.0f}    {', '.join(f'{each:,.0f}' for each in found)}"
        )
    by_stock = statistics.median(a / b for a, b in zip(rates["nescord"], rates["discord.py"], strict=True))
    by_bare = statistics.median(a / b for a, b in zip(rates["nescord"], rates["bare pipe"], strict=True))
    print(
        f"  nescord is {by_stock:.2f} x discord.py (target 4.5), {by_bare:.2f} x the bare pipe (target 0.8)"
    )


async def paced(compress: str, rounds: int, seconds: float) -> None:
    """Measure at three rates, on 16 connections."""
    shards = 16
    print(f"\npaced, {compress}, {shards} connections: CPU us per event [median ms, socket to handler]")
    for rate, max_cpu, max_ms in ((50, None, 1.0), (1000, 1.2, 4.0), (5000, 0.6, 7.0)):
        ratios, medians, shown = [], [], []
        for _ in range(rounds):
            events = int(rate * seconds) // shards
            stock = (
                (await client("discordpy", compress, shards, events, rate)).cpu_s / (events * shards) * 1e6
            )
            floor = await client("bare", compress, shards, events, rate)
            ours = await nescord(compress, shards, events, rate)
            own, bare = (each.cpu_s / (events * shards) * 1e6 for each in (ours, floor))
            assert ours.median_ms is not None
            ratios.append(own / stock)
            medians.append(ours.median_ms)
            shown.append(
                f"discord.py {stock:.0f}, bare pipe {bare:.0f} [{floor.median_ms:.2f}],"
                f" nescord {own:.0f} [{ours.median_ms:.2f}, p99 {ours.p99_ms:.1f}]"
            )
        target = f"target {max_cpu} x, {max_ms:g} ms" if max_cpu else f"target {max_ms:g} ms"
        found = f"{statistics.median(ratios):.2f} x, {statistics.median(medians):.2f} ms"
        print(f"  {rate:>5}/s  {found} ({target})")
        for line in shown:
            print(f"           {line}")


async def memory(compress: str) -> None:
    """Measure a process with 16 idle connections, and what 1,000 more guilds on one connection add."""
    kinds: dict[str, dict[str, str]] = {
        "discord.py": {},
        "nescord": {},
        "nescord, ws.snapshot": {"NESCORD_SNAPSHOT": "on"},
    }
    print("\nmemory in MB: a process with 16 idle connections of 40 guilds; 1,000 guilds of 50 members more")
    for name, environ in kinds.items():
        few, many = (
            await _resident(name, compress, 40, environ),
            await _resident(name, compress, 1040, environ),
        )
        cluster = await _resident(name, compress, 40, environ, shards=16)
        print(f"  {name:<22}{cluster:>6.0f}{many - few:>8.1f}")


async def _resident(name: str, compress: str, guilds: int, environ: dict[str, str], shards: int = 1) -> float:
    os.environ.update(environ, BENCH_GUILDS=str(guilds))
    try:
        if name == "discord.py":
            return (await client("discordpy", compress, shards, 10, 0)).mb
        return (await nescord(compress, shards, 10, 0)).mb
    finally:
        for variable in (*environ, "BENCH_GUILDS"):
            del os.environ[variable]


async def run(options: argparse.Namespace) -> None:
    for compress in [options.compress] if options.compress else ["zlib-stream", "zstd-stream"]:
        if options.only in (None, "saturated"):
            await saturated(compress, options.rounds, options.events)
        if options.only in (None, "paced"):
            await paced(compress, options.rounds, options.seconds)
    if options.only in (None, "memory"):
        await memory(options.compress or "zstd-stream")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=30_000, help="per connection, saturated")
    parser.add_argument("--seconds", type=float, default=8.0, help="duration of a paced run")
    parser.add_argument("--only", choices=["saturated", "paced", "memory"])
    parser.add_argument("--compress", choices=["zlib-stream", "zstd-stream"])
    asyncio.run(run(parser.parse_args()))
