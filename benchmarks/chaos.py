"""Real processes under load, with a fault every three seconds: ``python benchmarks/chaos.py [SECONDS]``.

By default ten minutes of 1,000 events a second over 200 guilds, three replicas of main, two clusters of ws.
The faults: kill -9 or SIGTERM of a process of any service or of the supervisor (which is started again),
SIGSTOP for five seconds, a dropped gateway connection, op 7, op 9 true, a reset of the streams between ws and
main, also in the middle of a batch, a reload, and one with broken code. Prints each fault with its time, and
at the end the events sent, handled, lost, reordered and doubled; exits with 1 if a promise is broken. With
--keep DIRECTORY the project and its logs are kept there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.system.chaos import Plan, run


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=600.0)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY")
    arguments = parser.parse_args()
    plan = Plan(seconds=arguments.seconds, rate=arguments.rate, seed=arguments.seed)
    with tempfile.TemporaryDirectory() as directory:
        outcome = run((arguments.keep or Path(directory)) / "bot", plan)
    print(outcome)
    print(outcome.findings)
    is_complete = outcome.handled >= outcome.sent - outcome.set_aside
    return not (outcome.findings.good and is_complete and outcome.identifies == 0)


if __name__ == "__main__":
    sys.exit(main())
