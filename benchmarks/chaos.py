"""Real processes under load, every three seconds something breaks: ``python benchmarks/chaos.py [SECONDS]``.

By default ten minutes of 1,000 events a second over 200 guilds, three replicas of main, two clusters of ws.
Prints what was broken when, and at the end what was lost, reordered or doubled; exits with 1 if anything was.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.chaos import Plan, run


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=600.0)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        plan = Plan(seconds=arguments.seconds, rate=arguments.rate, seed=arguments.seed)
        outcome = run(Path(directory) / "bot", plan)
    print(outcome)
    print(outcome.findings)
    return not outcome.findings.good or outcome.identifies > 0


if __name__ == "__main__":
    sys.exit(main())
