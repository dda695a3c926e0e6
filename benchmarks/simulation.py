"""The delivery simulation over many seeds: ``python benchmarks/simulation.py`` runs 50,000, ``--seed N`` one.

Prints every failing seed with its first problem; exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.dispatch.simulation import check

BLOCK = 500


def _failing(seeds: Iterable[int]) -> dict[int, list[str]]:
    return {seed: problems for seed in seeds if (problems := check(seed))}


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="run only this seed")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        problems = check(arguments.seed)
        print("\n".join(problems) or f"seed {arguments.seed}: passed")
        return bool(problems)
    began = time.monotonic()
    last = arguments.first + arguments.seeds
    blocks = [range(first, min(first + BLOCK, last)) for first in range(arguments.first, last, BLOCK)]
    failing: dict[int, list[str]] = {}
    with ProcessPoolExecutor() as pool:
        for found in pool.map(_failing, blocks):
            failing |= found
    for seed, problems in failing.items():
        print(f"seed {seed}: {problems[0]}")
    print(f"{arguments.seeds} seeds in {time.monotonic() - began:.0f} s, {len(failing)} failed")
    return bool(failing)


if __name__ == "__main__":
    sys.exit(main())
