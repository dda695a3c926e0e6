"""Scaling with the number of workers: ``python benchmarks/scaleout.py [SECONDS]``.

First 1, 2 and 4 workers, each with a handler that computes for 0.2 ms and awaits for 5 ms, receive events as
fast as they accept them: prints events per second in total, per worker and per CPU-second of the workers,
which shows what a machine with a core for each of them would reach. Then a worker joins two others under
1,000 events a second: prints the share of the guilds that moved and the events lost, doubled or reordered.
Exits with 1 if there were any, or if many more guilds moved than the third that belongs to the new worker.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from nescord_core.settings import WsSettings
from support.dispatch.bot_process import Bots, check_rows, running_bots
from support.dispatch.peers import PAYLOAD, Ws, event

GUILDS = 1000
WAITING = 4096
"""Maximum number of events waiting in ws, per worker."""

SETTINGS = WsSettings(token="t", intents=0, outbox_disk_mb=0)


def cpu_of(bots: Bots) -> float:
    """Return the CPU seconds used by the workers."""
    times = [psutil.Process(process.pid).cpu_times() for process in bots.processes.values()]
    return sum(each.user + each.system for each in times)


async def started(bots: Bots, count: int) -> list[str]:
    return [await bots.start(f"w{number}", wait=0.005, busy=0.0002) for number in range(count)]


async def attached(ws: Ws, count: int) -> None:
    while sum(each.state == "attached" for each in ws.sender.stats().replicas) < count:  # noqa: ASYNC110 - polls
        await asyncio.sleep(0.02)


async def saturate(count: int, seconds: float, folder: Path) -> None:
    """Send ``count`` workers as many events as they accept for some seconds; print the rates."""
    async with running_bots(folder) as bots:
        addresses = await started(bots, count)
        async with Ws(*addresses, settings=SETTINGS).running() as ws:
            await attached(ws, count)
            began, cpu, seq = time.perf_counter(), cpu_of(bots), 0
            while time.perf_counter() - began < seconds:
                while ws.sender.outbox.events < WAITING * count:
                    seq += 1
                    ws.put([event(seq, guild=seq % GUILDS + 1, data=PAYLOAD)])
                await asyncio.sleep(0.005)
            await ws.sender.drain(60)
            took, spent = time.perf_counter() - began, cpu_of(bots) - cpu
        check_rows(bots.rows(), seq)
    rate = seq / took
    print(
        f"{count} worker{'s' if count > 1 else ' '}: {rate:7,.0f} events/s, {rate / count:7,.0f} per worker,"
        f" {seq / spent:7,.0f} per CPU-second of the workers ({spent / took:.2f} cores)",
        flush=True,
    )


async def join(seconds: float, folder: Path) -> bool:
    """Add a third worker half-way; print the share of guilds moved, return whether it is as expected."""
    async with running_bots(folder) as bots:
        addresses = await started(bots, 3)
        resolved = addresses[:2]

        async def lookup(name: str, port: int) -> list[str]:
            return list(resolved)

        settings = replace(SETTINGS, resolve_interval=0.1)
        async with Ws("dns:///workers:1", settings=settings, lookup=lookup).running() as ws:
            await attached(ws, 2)
            began, seq = time.perf_counter(), 0
            while (elapsed := time.perf_counter() - began) < seconds:
                if elapsed > seconds / 2 and len(resolved) == 2:
                    resolved.append(addresses[2])
                while seq < elapsed * 1000:
                    seq += 1
                    ws.put([event(seq, guild=seq % GUILDS + 1, data=PAYLOAD)])
                await asyncio.sleep(0.002)
            await ws.sender.drain(60)
        rows = bots.rows()
    repeated = check_rows(rows, seq)
    workers_of: dict[int, set[str]] = {}
    for row in rows:
        workers_of.setdefault(row.guild, set()).add(row.bot)
    share = sum(len(each) > 1 for each in workers_of.values()) / len(workers_of)
    print(
        f"a third worker joins under load: {share:.1%} of {len(workers_of)} guilds moved (its share is 1/3),"
        f" {seq:,} events: 0 lost, 0 out of order, {repeated} handled again"
    )
    return not repeated and share < 0.4


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", type=float, nargs="?", default=8.0)
    seconds = parser.parse_args().seconds
    print(f"{os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as directory:
        for at, count in enumerate((1, 2, 4)):
            folder = Path(directory) / str(at)
            folder.mkdir()
            asyncio.run(saturate(count, seconds, folder))
        folder = Path(directory) / "join"
        folder.mkdir()
        return not asyncio.run(join(seconds, folder))


if __name__ == "__main__":
    sys.exit(main())
