"""The outbox while main is away: ``python benchmarks/away.py [EVENTS] [RATE]``.

By default 300,000 events of 1.2 kB, what 500 events a second add up to in ten minutes, are put in at 5,000 a
second, with 64 MB of memory for the outbox; then main starts and receives them. Prints the peak memory of the
outbox and of the process, the size on disk, and the time to catch up. A second run has 100 MB of disk; there
the events shed and the events delivered must add up to those sent. Exits with 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from nescord_core.settings import WsSettings
from support.dispatch.bot_process import running_bots
from support.dispatch.peers import PAYLOAD, Ws, event

MEMORY_MB = 64
GUILDS = 200
SETTINGS = WsSettings(token="t", intents=0, outbox_mb=MEMORY_MB, resolve_interval=0.1)


async def away(events: int, rate: float, disk_mb: int, folder: Path) -> bool:
    """Put events in without a main, then start one; return whether every promise was kept."""
    addresses: list[str] = []

    async def lookup(name: str, port: int) -> list[str]:
        return list(addresses)

    process = psutil.Process()
    before = process.memory_info().rss
    state_dir = folder / "ws"
    state_dir.mkdir()
    settings = replace(SETTINGS, outbox_disk_mb=disk_mb, state_dir=state_dir)
    ws = Ws("dns:///main:1", settings=settings, lookup=lookup)
    sender, memory, resident, disk = ws.sender, 0, before, 0
    async with running_bots(folder) as bots, ws.running():
        began, seq = time.perf_counter(), 0
        while seq < events:
            while seq < min(events, (time.perf_counter() - began) * rate):
                seq += 1
                sender.put(event(seq, guild=seq % GUILDS + 1, data=bytes(bytearray(PAYLOAD))))
                memory = max(memory, sender.outbox.bytes)
            await asyncio.sleep(0.005)
            resident = max(resident, process.memory_info().rss)
            disk = max(disk, sender.stats().disk_bytes)
        shed = sum(sender.stats().shed.values())
        addresses.append(await bots.start("main"))
        began = time.perf_counter()
        while sender.outbox.unfinished:
            memory = max(memory, sender.outbox.bytes)
            resident = max(resident, process.memory_info().rss)
            await asyncio.sleep(0.02)
        took = time.perf_counter() - began
        shed = sum(sender.stats().shed.values())
        rows = bots.rows()
    reordered = count_reordered(rows)
    mb = 1024 * 1024
    growth = (resident - before) / mb
    print(
        f"{events:,} events sent, {len(rows):,} delivered, {shed:,} shed ({disk_mb:,} MB of disk),"
        f" {reordered} out of order\n  memory of the outbox {memory / mb:.1f} MB of {MEMORY_MB}, the process"
        f" grew by {growth:.0f} MB; {disk / mb:.0f} MB on disk; caught up in {took:.1f} s"
        f" ({len(rows) / took:,.0f} events/s)",
        flush=True,
    )
    return (
        len(rows) + shed == events
        and not reordered
        and memory <= MEMORY_MB * mb
        and disk <= (disk_mb + 8) * mb
    )


def count_reordered(rows: Iterable[Any]) -> int:
    """Return how many rows come after a later one of their guild."""
    highest: dict[int, int] = {}
    reordered = 0
    for row in rows:
        reordered += row.seq < highest.get(row.guild, 0)
        highest[row.guild] = row.seq
    return reordered


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("events", type=int, nargs="?", default=300_000)
    parser.add_argument("rate", type=float, nargs="?", default=5000.0)
    arguments = parser.parse_args()
    passed = True
    for disk_mb in (2048, 100):
        with tempfile.TemporaryDirectory() as folder:
            passed &= asyncio.run(away(arguments.events, arguments.rate, disk_mb, Path(folder)))
    return not passed


if __name__ == "__main__":
    sys.exit(main())
