"""A signal at any moment of the start leads to an orderly exit: no traceback, no process left."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.processes.commands import until
from support.system.system import System

MOMENTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
"""Seconds after the process has installed its signal handlers; before that, Python itself is starting."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("early") / "bot")
    system.start_sandbox()
    yield system
    for started in system.started:
        print(started)
    system.close()


def catches_signals(pid: int) -> bool:
    """Return whether the process catches SIGTERM: bit 14 of SigCgt (proc_pid_status(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(
    "command", [("run", "ws"), ("run", "rest"), ("run", "main"), ("dev", "--no-sandbox")]
)
def test_a_signal_while_it_starts(system: System, command: tuple[str, ...]) -> None:
    signals = SIGNALS[:2] if "ws" in command else SIGNALS  # on SIGHUP ws replaces its processes
    for at, moment in enumerate(MOMENTS):
        number = signals[at % len(signals)]
        started = system.start(*command)
        until(partial(catches_signals, started.pid), "the first line of ours")
        time.sleep(moment)
        code = started.stop(number)
        assert "Traceback" not in started.output, f"{number.name} after {moment} s: {started}"
        assert code == 0, f"{number.name} after {moment} s: {started}"
    sandbox = system.started[0].pid
    until(lambda: set(system.alive()) == {sandbox}, "the end of everything that was started", 15)
    assert not [path for path in (system.directory / ".nescord/run").glob("*.json") if path.stem != "sandbox"]
