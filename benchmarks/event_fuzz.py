"""Fuzzes ws's path of an event: ``python benchmarks/event_fuzz.py [MINUTES] [--seed N]``.

Runs `support.gateway.event_fuzz` with one seed after the other. Mutations of events of every type
come among good ones, through decompression, session, routing, invalidations, snapshot, outbox,
spool and wire. Ends with 1, and names the seed, when a good event does not arrive in order or
anything raises; `--seed N` repeats one.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
import traceback
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.gateway.event_fuzz import Report, run

EVENTS = 3000


def one(seed: int) -> Report:
    with tempfile.TemporaryDirectory() as state_dir:
        return run(seed, EVENTS, Path(state_dir))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("minutes", nargs="?", type=float, default=60.0)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    logging.disable()
    until, good, odd, aside = time.monotonic() + options.minutes * 60, 0, 0, 0
    for seed in [options.seed] if options.seed is not None else count():
        try:
            report = one(seed)
        except Exception:
            print(f"seed {seed} raised:\n{traceback.format_exc()}")
            return 1
        if report.problems:
            print(f"seed {seed}: {'; '.join(report.problems[:5])}")
            return 1
        good, odd, aside = good + report.good, odd + report.odd, aside + report.aside
        if time.monotonic() >= until:
            break
    print(f"{seed + 1} runs, {good} good events, all in order; {odd} odd ones, {aside} of them set aside")
    return 0


if __name__ == "__main__":
    sys.exit(main())
