"""The rate limiter against a model of Discord: ``python benchmarks/limiter.py`` makes 10,000 runs.

Each run is a sequence of up to 50 steps that hypothesis generates, in virtual time: requests arrive, are
cancelled, fail or lose their answers. Prints the smallest failing sequence, if any, and exits with 1 then.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from support.ratelimit.limiter_machine import AgainstDiscord

BLOCK = 500


def check(runs: int) -> str:
    """Make some runs with fresh random examples; return the failure, "" if there is none."""
    profile = settings(
        max_examples=runs,
        stateful_step_count=50,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(AgainstDiscord, settings=profile)
    except Exception as error:
        return "\n".join([repr(error), *getattr(error, "__notes__", ())])
    return ""


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    runs = parser.parse_args().runs
    began = time.monotonic()
    blocks = [min(BLOCK, runs - first) for first in range(0, runs, BLOCK)]
    with ProcessPoolExecutor() as pool:
        failed = [problem for problem in pool.map(check, blocks) if problem]
    for problem in failed[:3]:
        print(problem)
    print(f"{runs} runs in {time.monotonic() - began:.0f} s, {len(failed)} of {len(blocks)} blocks failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
