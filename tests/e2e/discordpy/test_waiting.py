"""A start or stop that takes longer than a moment says what it waits for; a second ^C ends at once."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes.commands import fetch, until
from support.processes.phrases import READY
from support.system.system import System

PROGRAM = Path(__file__).parent / "programs" / "hosted" / "patient.py"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    found = System(tmp_path / "bot")
    found.environ |= {"DISCORD_INTENTS": "all", "NESCORD_IDENTIFY_WINDOW": "0.05", "NESCORD_ENTRY": "bot.py"}
    found.environ |= {"NESCORD_SANDBOX_GUILDS": "1", "NESCORD_DRAIN_TIMEOUT": "3"}
    shutil.copy(PROGRAM, found.directory / "bot.py")
    found.start_sandbox()
    try:
        yield found
    finally:
        for started in found.started:
            print(started.output)
        found.close()


def test_main_says_what_it_waits_for_and_ends_at_once_when_told_twice(system: System) -> None:
    system.start("run", "rest")
    system.start("run", "ws")
    main = system.start("run", "main", "bot.py")
    main.wait_for("waiting for the bot to start, for another 29 s at most: it is in Patient.warm_up (bot.py:")
    system.until_ready()
    assert system.ask("!play") == "playing"
    assert system.ask("!play") == "playing"
    assert system.ask("!chess") == "checking"
    assert fetch("POST", f"http://127.0.0.1:{system.ports['main_admin']}/reload")[0] == 200
    main.wait_for("waiting for 3 handlers to finish, for another 2 s at most: play (2), chess")
    main.wait_for("cut short after 3 s: play (2), chess")
    assert "PyNaCl" not in main.output
    assert "of-a-library" not in main.output, "nobody can do anything about it"

    assert system.ask("!chess") == "checking"
    main.send(signal.SIGINT)
    # The reload has handed the other three over to this process.
    main.wait_for("waiting for 4 handlers to finish, for another 2 s at most: ")
    main.send(signal.SIGINT)
    assert main.wait() == 1
    until(lambda: not any("worker" in each for each in system.alive().values()), "no worker to be left")


def test_dev_says_what_a_stop_waits_for(system: System) -> None:
    dev = system.start("dev", "--no-sandbox", in_terminal=True)
    dev.wait_for(READY)
    assert system.ask("!play") == "playing"
    dev.send(signal.SIGINT)
    # ws stops first, and main knows that it waits.
    dev.wait_for("waiting for 1 handler to finish, for another 9 s at most: play")
    dev.send(signal.SIGINT)
    dev.wait_for("killing all services")
    dev.wait()
    assert dev.output.count("waiting for 1 handler") == 1
