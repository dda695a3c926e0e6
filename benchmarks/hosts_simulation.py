"""The simulation of several hosts over many seeds: ``python benchmarks/hosts_simulation.py`` runs 50,000.

``--seed N`` runs one and prints what happened; ``--mutation NAME`` breaks a rule on purpose. Prints the first
problem of every failing seed; exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.coordination.mutations import MUTATIONS
from support.coordination.scenarios import run_seed
from support.coordination.simulated_hosts import Violation

BLOCK = 250


def _failing(mutation: str | None, seeds: Iterable[int], *, episodes: int = 3) -> list[str]:
    faults, kind = MUTATIONS[mutation] if mutation else (None, "")
    found: list[str] = []
    for seed in seeds:
        try:
            run_seed(seed, faults, kinds=(kind,) if kind else (), episodes=episodes)
        except Violation as violation:
            found.append(str(violation))
    return found


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="run only this seed, as the tests do")
    parser.add_argument("--mutation", choices=MUTATIONS)
    arguments = parser.parse_args()
    if arguments.seed is not None:
        found = _failing(arguments.mutation, [arguments.seed], episodes=2)
        print("\n".join(found) or f"seed {arguments.seed}: passed")
        return bool(found)
    began = time.monotonic()
    last = arguments.first + arguments.seeds
    blocks = [range(first, min(first + BLOCK, last)) for first in range(arguments.first, last, BLOCK)]
    failing: list[str] = []
    with ProcessPoolExecutor() as pool:
        for found in pool.map(partial(_failing, arguments.mutation), blocks):
            failing += found
    for violation in failing:
        print(violation.partition("\n")[0])
    print(f"{arguments.seeds} seeds in {time.monotonic() - began:.0f} s, {len(failing)} failed")
    return bool(failing)


if __name__ == "__main__":
    sys.exit(main())
