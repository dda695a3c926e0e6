"""Soak test of the gateway: 64 shards in 4 clusters, with a fault of the gateway every five seconds.

    python benchmarks/gateway_soak.py [SECONDS] [--rate R] [--every S] [--seed N]

By default ten minutes at 200 events a second. The faults, chosen by the seed, for one shard or all: TCP
resets, close codes, op 7, op 9 true, resume hosts that refuse or do not answer, slow payloads; at the end op
9 false, which forces one new session. Prints each fault with its time, and at the end the events sent, lost
and redelivered, and the number of IDENTIFYs; exits with 1 if an event was lost, a shard is not connected, or
an IDENTIFY was sent that was not forced.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.gateway.soak import SoakPlan, run


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", type=float, nargs="?", default=600.0)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--every", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    plan = SoakPlan(seconds=options.seconds, rate=options.rate, every=options.every, seed=options.seed)
    with tempfile.TemporaryDirectory() as directory:
        outcome = run(Path(directory) / "bot", plan)
    print(outcome)
    print(outcome.findings)
    return not outcome.good


if __name__ == "__main__":
    sys.exit(main())
