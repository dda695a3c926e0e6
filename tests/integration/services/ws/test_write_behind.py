"""ws is killed while main is away: more events wait than Discord replays."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.processes.commands import until
from support.system import delivery_report
from support.system.system import System

EVENTS = 20_000


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    system.environ |= {"NESCORD_IDENTIFY_WINDOW": "0.2", "NESCORD_SANDBOX_IDENTIFY_WINDOW": "0.1"}
    try:
        system.start_sandbox(replay_events=None)
        yield system
    finally:
        system.close()


def outbox(system: System) -> dict[str, Any]:
    stats = system.stats("ws")
    return stats["outbox"] if stats else {}


def kill_ws(system: System) -> None:
    """Kill ws and its cluster at once."""
    pids = [system.pid_of("ws"), *(each["pid"] for each in system.stats("ws")["clusters"])]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.bound("Events in ws: events of a session that are neither acknowledged nor on disk")
def test_20000_events_wait_for_main_and_ws_is_killed(system: System) -> None:
    system.start("run", "ws")
    until(lambda: outbox(system).get("received", 0) > 0, "events in ws")
    before = system.gateway()
    with system.load(rate=4000, seconds=600) as many:
        until(lambda: outbox(system).get("depth", 0) > EVENTS, "events that wait")
    with system.load(rate=30, seconds=600) as few:
        time.sleep(1.0)
        kill_ws(system)
        system.start("run", "ws")
        until(lambda: outbox(system).get("recovered", 0) > EVENTS // 2, "what was on disk")
        system.start("run", "main")
        system.until_answers("ws", "/readyz")
        findings = few.check()
    assert findings.good, findings
    findings = delivery_report.examine(many.records(), many.sent)
    assert findings.good, findings
    now = system.gateway()
    assert now["identifies"] == before["identifies"]
    assert now["invalid_sessions"] == before["invalid_sessions"]
    assert outbox(system)["shed"] == {}
    until(lambda: not list((system.directory / ".nescord" / "spool").rglob("*.events")), "an empty spool")
