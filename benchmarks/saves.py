"""Saves a bot's module at random moments, and expects what is on disk to be what runs in the end.

    python benchmarks/saves.py [SAVES] [--seed N] [--per-start N]

By default 200 saves, 20 of them per start of main. They come during its start, during swaps and while the
warm parent imports. The new code hangs, is killed, finds no server or is slow when it is first loaded, or is
broken; warm parents are killed. Exits with 1 if a save was lost: main has a minute to get there once the last
one is saved.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.processes.saves import save_at_random


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("saves", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-start", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        report = asyncio.run(
            save_at_random(
                Path(directory), seed=options.seed, saves=options.saves, per_start=options.per_start
            )
        )
    print(report)
    return bool(report.lost)


if __name__ == "__main__":
    sys.exit(main())
