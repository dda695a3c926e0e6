"""How long 50 tests of a small bot take with the test kit, and with a bot that is started for each test.

    .venv/bin/python benchmarks/testkit.py [TESTS] [STARTS]

Both are whole runs of pytest. STARTS tests of the second kind are measured, and their time per test counts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
WITH_KIT = """
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_ping(alice, channel, number):
    alice.send(channel, "!ping")
    assert channel.next().content == "Pong!"
"""
WITH_STARTS = """
import pytest
from nescord_core.testing import running_bot

@pytest.mark.parametrize("number", range({tests}))
def test_ping(number):
    with running_bot() as bot:
        assert bot.ask("!ping") == "Pong!"
"""
TARGET = 10.0


def measure(project: Path, program: str, tests: int) -> float:
    """Run these tests alone, and return the seconds of the whole run of pytest."""
    (project / "tests" / "test_bench.py").write_text(program.format(tests=tests))
    began = time.monotonic()
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_bench.py")
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if f"{tests} passed" not in done.stdout:
        raise SystemExit(done.stdout + done.stderr)
    return time.monotonic() - began


def main() -> None:
    """Print both, and the ratio."""
    tests, starts = (int(each) for each in (*sys.argv[1:], "50", "3")[:2])
    with tempfile.TemporaryDirectory(prefix="nescord-bench-") as scratch:
        project = Path(scratch) / "bot"
        init = (sys.executable, "-m", "nescord_cli", "init", str(project), "-t", "minimal", "-y", "--no-git")
        subprocess.run(init, cwd=ROOT, check=True, capture_output=True)
        kit = measure(project, WITH_KIT, tests)
        bare = measure(project, WITH_STARTS, starts) / starts
    print(f"{tests} tests with the kit: {kit:.1f} s (target: under {TARGET:.0f} s for 50)")
    print(f"a start for each test: {bare:.2f} s a test, so {bare * tests:.0f} s for {tests}")
    print(f"ratio: {bare * tests / kit:.1f}")


if __name__ == "__main__":
    main()
