"""The REST proxy compared with others, on the same fake Discord: speed, memory, and use of the limits.

Run: python benchmarks/rest.py [--seconds 3] [--rounds 3] [--only speed|limits] [--no-peers]

Every part runs in its own process on this machine, nescord as `nescord run rest`. The proxy under measurement
has one core; Discord and the client share another. The peers are @discordjs/proxy, @discordeno/rest and
nirn-py (see rest_processes/peers.py), and bare relays on httptools and on aiohttp. The relay on httptools is
what asyncio and HTTP cost a proxy that decides nothing.

Speed: 32 kept-alive connections, each requesting its own channel, whose rate limit never fills; the parts
take turns for several rounds, of which the medians count, and the largest resident memory. A single
connection shows the latency that a part adds.

Limits: 200 POSTs to 10 channels that allow 5 per 5 s each, and 200 POSTs to 100 channels under a global limit
of 50 per second, both with a cold start. The bare limit is what the same 200 POSTs take, cold, without
limits; no proxy can be faster.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import platform
import statistics
import sys
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.rest_processes.peers import PEERS, Peers, install
from benchmarks.rest_processes.processes import (
    Part,
    about,
    client,
    cpu_seconds,
    discord,
    resident_mb,
    running,
)

CONNECTIONS = 32
WARM_UP = 10.0
"""Seconds: Node.js compiles hot code only after some thousand requests."""
UNLIMITED = 100_000_000
REQUESTS = 200


async def measure_speed(seconds: float, rounds: int, peers: Peers | None) -> None:
    async with AsyncExitStack() as stack:
        direct = await stack.enter_async_context(discord("open", UNLIMITED))
        parts = [direct]
        for name in ("bare httptools relay", "bare aiohttp relay", "nescord", "nescord, cached", *PEERS):
            part = await stack.enter_async_context(running(name, direct.url, UNLIMITED, peers))
            if part is None:
                print(f"{name}: not installed, skipped")
            else:
                parts.append(part)
        for part in [*parts]:
            if not await drive(part, WARM_UP):
                print(f"{part.name}: does not answer, skipped")
                parts.remove(part)
        for _ in range(rounds):
            for part in parts:
                before = cpu_seconds(part.pid)
                rate = await drive(part, seconds)
                part.rates.append(rate)
                part.cpu.append((cpu_seconds(part.pid) - before) / max(rate * seconds, 1) * 1e6)
                _, latency = await client("speed", part.url, "1", str(seconds / 3))
                part.latencies.append(latency)
        report(parts)


async def drive(part: Part, seconds: float) -> float:
    """Load a part; return its requests per second."""
    rate: float = (await client("speed", part.url, str(CONNECTIONS), str(seconds)))[0]
    part.memory = max(part.memory, resident_mb(part.pid))
    return rate


def report(parts: list[Part]) -> None:
    direct = statistics.median(parts[0].latencies)
    print(f"{'':22}{'requests/s':>12}{'us of CPU':>11}{'added latency ms':>18}{'MB':>7}")
    for part in parts:
        rate, cpu = statistics.median(part.rates), statistics.median(part.cpu)
        added = statistics.median(part.latencies) - direct
        print(f"{part.name:22}{rate:12.0f}{cpu:11.0f}{added:18.2f}{part.memory:7.0f}")
    by_name = {part.name: part for part in parts}
    ours, cached, bare, peer = (
        by_name.get(n) for n in ("nescord", "nescord, cached", "bare httptools relay", "@discordjs/proxy")
    )
    if ours and bare:
        ratio = statistics.median(ours.rates) / statistics.median(bare.rates)
        of_cpu = statistics.median(bare.cpu) / statistics.median(ours.cpu)
        print(f"requests/s of the bare httptools relay: {ratio:.2f} x (target 0.5), by CPU {of_cpu:.2f} x")
        added = statistics.median(ours.latencies) - direct
        print(f"added latency: {added:.2f} ms (target 0.3)")
    if ours and cached:
        ratio = statistics.median(cached.rates) / statistics.median(ours.rates)
        print(f"cached / uncached: {ratio:.2f}")
    if ours and peer:
        ratio = statistics.median(ours.rates) / statistics.median(peer.rates)
        print(f"requests/s of @discordjs/proxy: {ratio:.2f} x (target 1.2)")
        print(f"memory of @discordjs/proxy: {ours.memory / peer.memory:.2f} x (target 0.4)")


@dataclass(frozen=True)
class Load:
    """A flood of POSTs under a limit: ``limit`` per ``period`` (seconds), in all or per channel."""

    name: str
    channels: int
    limit: int
    period: float
    in_all: bool
    target: float

    @property
    def ideal(self) -> float:
        """Seconds from the first request to the last of a perfect client."""
        each = REQUESTS if self.in_all else REQUESTS // self.channels
        return (each // self.limit - 1) * self.period


LOADS = (
    Load("10 channels, 5 per 5 s", 10, 5, 5.0, in_all=False, target=0.99),
    Load("100 channels, 50 per s", 100, 50, 1.0, in_all=True, target=0.95),
)


async def measure_limits(load: Load, peers: Peers | None) -> None:
    for proxy in ("nescord", *(PEERS if peers else ())):
        bare, _ = await flood(proxy, "open", load, UNLIMITED, peers)
        took, seen = await flood(proxy, "buckets", load, load.limit if load.in_all else UNLIMITED, peers)
        if not took:
            print(f"{load.name:24} {proxy:18} not available, or did not finish in 60 s")
            continue
        goal = f" (target {load.target:.0%})" if proxy == "nescord" else ""
        print(
            f"{load.name:24} {proxy:18} {took:6.2f} s, bare limit {bare:.2f} s"
            f"  {load.ideal / took:6.1%} of the ideal, {seen['limited']} x 429{goal},"
            f" windows started {lateness(load, seen['arrivals']):.1f} ms late"
        )


def lateness(load: Load, arrivals: list[tuple[str, float]]) -> float:
    """Return the median delay, in ms, of requests after their limit allowed them again."""
    rows: dict[str, list[float]] = defaultdict(list)
    for path, at in arrivals:
        rows["" if load.in_all else path].append(at)
    late = [
        later - before - load.period
        for row in rows.values()
        for before, later in itertools.pairwise(row[:: load.limit])
    ]
    return statistics.median(late) * 1000 if late else 0.0


async def flood(
    proxy: str, limits: str, load: Load, global_limit: int, peers: Peers | None
) -> tuple[float, dict[str, Any]]:
    """Return the seconds that all POSTs took through a proxy just started, and what Discord received."""
    async with (
        discord(limits, global_limit) as upstream,
        running(proxy, upstream.url, global_limit, peers) as part,
    ):
        if part is None:
            return 0.0, {}
        took = (await client("flood", part.url, str(REQUESTS), str(load.channels)))[0]
        return took, about(upstream)


async def main(only: str, seconds: float, rounds: int, with_peers: bool) -> None:
    peers = install() if with_peers else None
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    if only != "limits":
        await measure_speed(seconds, rounds, peers)
    if only != "speed":
        for load in LOADS:
            await measure_limits(load, peers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=("all", "speed", "limits"), default="all")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.only, arguments.seconds, arguments.rounds, not arguments.no_peers))
