"""A reload loses, doubles and reorders nothing, and spends no IDENTIFY."""

from __future__ import annotations

import pytest

from support.processes.commands import until
from support.system.recording_bot import STYLES
from support.system.system import Load, System

RELOADS = 20
BROKEN_EVERY = 10


@pytest.mark.parametrize("style", STYLES)
def test_20_reloads_at_200_events_a_second(system: System, style: str) -> None:
    before = system.gateway()
    with system.load(rate=200) as load:
        load.handled(more_than=20)
        for number in range(1, RELOADS + 1):
            if number % BROKEN_EVERY == 0:
                _bring_broken_code(system, load)
            else:
                _bring(system, load, f"{style}{number}", style)
        findings = load.check()
    assert findings.good, findings
    # No process died, so nothing may be redelivered, not even with a mark.
    assert findings.again == 0
    versions = {record.version for record in load.records()}
    assert len([each for each in versions if each.startswith(style)]) == RELOADS - RELOADS // BROKEN_EVERY
    assert len({record.pid for record in load.records()}) == len(versions)
    assert system.gateway() == before


def _bring(system: System, load: Load, version: str, style: str) -> None:
    system.write_app(version, style)
    until(lambda: load.records()[-1].version == version, f"{version} at work")


def _bring_broken_code(system: System, load: Load) -> None:
    refused = system.stats("main")["reloads"]["refused"]
    serving = load.records()[-1].version
    system.break_app()
    until(lambda: system.stats("main")["reloads"]["refused"] > refused, "the broken code refused")
    handled = load.handled()
    load.handled(more_than=handled)
    assert load.records()[-1].version == serving
