"""Sends random signals to the processes of `nescord dev`: afterwards none is left, every port is free.

Sends 20, or the number in NESCORD_TORTURE (200 is the long form). NESCORD_TORTURE_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.processes.commands import Started, until
from support.processes.phrases import READY
from support.system.system import System

KILLS = int(os.environ.get("NESCORD_TORTURE", "20"))
SEED = int(os.environ.get("NESCORD_TORTURE_SEED", "0")) or random.randrange(1, 1_000_000)
SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP)
STOPPED = 0.3


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    try:
        yield system
    finally:
        for pid in system.alive():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        system.close()


def strike(system: System, chance: random.Random) -> str:
    """Send a random signal to a random process; a stopped one continues after a moment."""
    living = system.alive()
    if not living:
        return "no process is alive"
    pid, signum = chance.choice(sorted(living)), chance.choice(SIGNALS)
    with suppress(ProcessLookupError):
        os.kill(pid, signum)
        if signum == signal.SIGSTOP:
            time.sleep(STOPPED)
            os.kill(pid, signal.SIGCONT)
    return f"{signum.name} to {living[pid]}"


@pytest.mark.timeout(120 + 4 * KILLS)
def test_nothing_is_left_whichever_process_dies(system: System) -> None:
    chance = random.Random(SEED)
    done: list[str] = [f"seed {SEED}"]
    dev: Started | None = None
    for _ in range(KILLS):
        if dev is None or dev.process.poll() is not None:
            dev = system.start("dev")
            time.sleep(chance.uniform(0.0, 3.0))
        time.sleep(chance.uniform(0.0, 0.5))
        done.append(strike(system, chance))
    assert dev is not None
    if dev.process.poll() is None:
        dev.send(chance.choice((signal.SIGTERM, signal.SIGKILL)))
    dev.wait()
    until(lambda: not system.alive(), f"the end of {system.alive()} after {done}", 40)
    # A killed process gives up its memory, which identifies it here, before its sockets.
    until(lambda: not system.taken_ports(sandbox=True), f"free ports after {done}", 10)
    again = system.start("dev")
    again.wait_for(READY)
    assert again.stop() == 0
    assert not system.alive()
