"""Gateway faults under load: nothing is lost, doubled or reordered, and no IDENTIFY is spent."""

from __future__ import annotations

import time

import pytest

from support.processes.commands import until
from support.system.system import System

AFTERWARDS = 100
"""Events to handle after the recovery before a test checks the delivery."""


FAULTS = {
    "the connection is dropped": {"do": "reset"},
    "closed without a code of its own": {"do": "close", "code": 1001},
    "op 7": {"do": "reconnect"},
    "op 9, resumable": {"do": "invalid_session", "resumable": True},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_gateway(system: System, fault: str) -> None:
    before = system.gateway()
    with system.load() as load:
        load.handled(more_than=100)
        assert system.sandbox("POST", "/fault", {"connections": FAULTS[fault]})["connections"] == 1
        until(lambda: system.gateway()["resumes"] > before["resumes"], "a RESUME")
        system.until_ready()
        load.handled(more_than=load.handled() + AFTERWARDS)
        findings = load.check()
    assert findings.good, findings
    assert findings.again == 0
    assert system.gateway()["identifies"] == before["identifies"]


@pytest.mark.bound("What Discord's gateway sends to ws: a connection that breaks soon after RESUMED")
def test_a_zombie_after_five_good_resumes(system: System) -> None:
    """ws sends RESUME within two seconds of dropping a zombie, however often it has just resumed."""
    before = system.gateway()
    system.sandbox("POST", "/settings", {"heartbeat_interval": 3.0})
    with system.load(rate=50) as load:
        load.handled(more_than=50)
        for number in range(1, 6):
            assert system.sandbox("POST", "/fault", {"connections": {"do": "reset"}})["connections"] == 1
            until_resumes(system, before["resumes"] + number)
            load.handled(more_than=load.handled() + 20)
        (zombie,) = connections(system)
        system.sandbox("POST", "/fault", {"connections": {"do": "silence"}})
        until(lambda: zombie not in connections(system), "ws drops the zombie")
        dropped = time.monotonic()
        until_resumes(system, before["resumes"] + 6)
        waited = time.monotonic() - dropped
        system.sandbox("POST", "/settings", {"heartbeat_interval": 41.25})
        load.handled(more_than=load.handled() + AFTERWARDS)
        findings = load.check()
    assert waited <= 2.0
    assert findings.good, findings
    assert findings.again == 0
    assert system.gateway()["identifies"] == before["identifies"]


def until_resumes(system: System, number: int) -> None:
    until(lambda: system.gateway()["resumes"] == number, f"RESUME number {number}")


def connections(system: System) -> set[int]:
    return {each["id"] for each in system.sandbox("GET", "/gateway")["connections"]}


def test_a_resume_url_that_accepts_and_stays_silent(system: System) -> None:
    """ws drops the resume URL, keeps session and seq, and resumes on the main URL."""
    before = system.gateway()
    with system.load() as load:
        load.handled(more_than=100)
        system.sandbox("POST", "/fault", {"gateway": {"silent": "resume"}, "connections": {"do": "reset"}})
        until(lambda: system.gateway()["resumes"] > before["resumes"], "a RESUME")
        system.sandbox("DELETE", "/fault")
        system.until_ready()
        load.handled(more_than=load.handled() + AFTERWARDS)
        findings = load.check()
    after = system.gateway()
    assert findings.good, findings
    assert findings.again == 0
    assert after["silent"] > before["silent"]
    assert after["identifies"] == before["identifies"]
