"""A very large bot on many hosts, in virtual time: 10,000 shards in 625 blocks on 40 hosts.

Prints the messages per second to and from the store, and the times to start, to take over a dead host and to
hand a host's blocks over. Times are virtual: what the rules and a network of up to 20 ms take, not what
connecting shards takes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.coordination.simulation import Simulation

STEP = 0.25


def _until_held(simulation: Simulation, limit: float = 120.0) -> float:
    began = simulation.time
    while simulation.unheld() and simulation.time - began < limit:
        simulation.run(STEP)
    return simulation.time - began


def _rate(simulation: Simulation, seconds: float = 10.0) -> float:
    before = simulation.messages
    simulation.run(seconds)
    return (simulation.messages - before) / seconds


def main() -> None:
    """Run the measurement and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--shards", type=int, default=10_000)
    parser.add_argument("--shards-per-cluster", type=int, default=16)
    arguments = parser.parse_args()
    began = time.process_time()
    blocks = -(-arguments.shards // arguments.shards_per_cluster)
    simulation = Simulation(1, hosts=arguments.hosts, blocks=blocks)
    simulation.begin()
    print(f"{arguments.shards} shards in {blocks} blocks on {arguments.hosts} hosts")
    print(f"start: every block is held after {_until_held(simulation):.1f} s")
    load = Counter(len(host.running) for host in simulation.hosts.values())
    print(f"blocks a host: {dict(sorted(load.items()))}")
    print(f"in calm: {_rate(simulation):.0f} messages/s to and from the store, sessions included")
    first, second = list(simulation.hosts.values())[:2]
    simulation.kill(first)
    print(f"a host dies: its blocks are held again after {_until_held(simulation):.1f} s")
    simulation.leave(second)
    simulation.run(STEP)
    print(f"a host leaves: its blocks are held again after {STEP + _until_held(simulation):.2f} s")
    print(f"({time.process_time() - began:.0f} s of CPU time)")


if __name__ == "__main__":
    main()
