"""However `nescord dev` ends, no process is left and its ports are free; an orderly stop exits with 0."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from support.processes.commands import Started, until
from support.processes.phrases import READY
from support.system.system import System

CONTROL_C = b"\x03"
ENDS = ("^C", "SIGTERM", "SIGHUP", "terminal closed", "kill -9")


@pytest.fixture(scope="module")
def running(new_system: Callable[[str], System]) -> dict[str, tuple[System, Started]]:
    """One `nescord dev` for each way to end, all started together: a start is mostly waiting."""
    started = {}
    for end in ENDS:
        system = new_system(f"leaving{ENDS.index(end)}")
        in_terminal = end in ("^C", "terminal closed")
        started[end] = (system, system.start("dev", in_terminal=in_terminal))
    for _, dev in started.values():
        dev.wait_for(READY)
    return started


@pytest.mark.parametrize("end", ENDS)
def test_an_end(running: dict[str, tuple[System, Started]], end: str) -> None:
    system, dev = running[end]
    assert system.ask("!ping") == "Pong v1"
    assert len(system.alive()) >= 6
    match end:
        case "^C":
            assert dev.terminal is not None
            dev.terminal.type(CONTROL_C)
        case "terminal closed":
            assert dev.terminal is not None
            dev.terminal.close()
        case "kill -9":
            dev.send(signal.SIGKILL)
        case _:
            dev.send(getattr(signal, end))
    code = dev.wait()
    until(lambda: not system.alive(), f"the end of {system.alive()}")
    assert not system.taken_ports(sandbox=True)
    assert code == (-signal.SIGKILL if end == "kill -9" else 0), dev
    assert "Traceback" not in dev.output
    left = sorted(each.name for each in (system.directory / ".nescord" / "run").glob("*.json"))
    assert end == "kill -9" or not left


def test_kill_9_of_everything_and_another_start_resumes_every_shard(tmp_path: Path) -> None:
    """`nescord dev`, kill -9 of the supervisor and all its processes, then `nescord dev` again."""
    system = System(tmp_path / "bot")
    system.environ |= {
        "DISCORD_SHARDS": "2",
        "SHARDS_PER_CLUSTER": "1",
        "NESCORD_IDENTIFY_WINDOW": "0.3",
        "NESCORD_SANDBOX_IDENTIFY_WINDOW": "0.1",
    }
    try:
        sandbox, first = system.start_sandbox(), system.start_dev()
        seen = system.gateway()
        for pid in system.alive().keys() - {sandbox.pid}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        first.process.wait(30)
        second = system.start_dev()
        second.wait_for("resumed 2 shards, 0 with a new session")
        now = system.gateway()
        assert (now["identifies"], now["resumes"]) == (seen["identifies"], seen["resumes"] + 2)
    finally:
        system.close()
