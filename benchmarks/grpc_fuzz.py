"""Fuzzes main's port for events: ``python benchmarks/grpc_fuzz.py [MINUTES] [--seed N]``.

Starts a sandbox, rest, main and ws. While ws delivers a load, strangers send mutated messages of ws, mutated
and odd HTTP/2 frames and floods to main (`support.dispatch.grpc_fuzz`). Ends with 1, and names the last
seeds, when main or a worker ends, an event of the load is lost or out of order, main's memory grows past a
bound, or its log has a traceback. `--seed N` makes one attack, once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.network import loopback
from support.system.fuzzed_main import fuzz
from support.system.system import System


def seeds(minutes: float) -> Iterator[int]:
    until = time.monotonic() + minutes * 60
    for seed in count():
        if time.monotonic() >= until:
            return
        yield seed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("minutes", nargs="?", type=float, default=10.0)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    loopback.install()
    os.environ.update(loopback.environment())
    with tempfile.TemporaryDirectory() as folder:
        system = System(Path(folder) / "bot")
        try:
            system.start_sandbox()
            system.start("run", "rest")
            service = system.start("run", "main")
            system.start("run", "ws")
            system.until_ready()
            chosen = seeds(options.minutes) if options.seed is None else iter([options.seed])
            found = asyncio.run(fuzz(system, service, chosen))
        finally:
            system.close()
    print(found)
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
