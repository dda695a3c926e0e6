"""Kill -9 of any process under load: nothing is lost, what comes again says so, the order stays."""

from __future__ import annotations

import os
import signal
import time

import pytest

from support.commands import until
from support.system import Load, System

AFTERWARDS = 100
"""Events that are handled after the recovery before a test looks back."""


@pytest.fixture(autouse=True)
def _recording(system: System) -> None:
    system.write_app("kills", "asynchronous")
    until(lambda: system.ask("!ping") == "Pong kills", "the recording bot")


def _go_on(system: System, load: Load) -> None:
    """Wait until all is well again, and for some more events."""
    system.until_ready()
    load.handled(more_than=load.handled() + AFTERWARDS)


def test_kill_of_a_worker(system: System) -> None:
    before = system.gateway()
    with system.load() as load:
        load.handled(more_than=100)
        victim = system.stats("main")["workers"][0]["pid"]
        os.kill(victim, signal.SIGKILL)
        until(lambda: load.records()[-1].pid != victim, "a new worker")
        _go_on(system, load)
        findings = load.check()
    assert findings.good, findings
    assert system.gateway() == before


def test_kill_of_main(system: System) -> None:
    before = system.gateway()
    with system.load() as load:
        load.handled(more_than=100)
        victim, worker = system.pid_of("main"), load.records()[-1].pid
        os.kill(victim, signal.SIGKILL)
        until(lambda: load.records()[-1].pid != worker, "a new worker")
        _go_on(system, load)
        findings = load.check()
    assert findings.good, findings
    assert system.pid_of("main") != victim
    assert system.gateway() == before
    assert worker not in system.alive()


def test_kill_of_ws(system: System) -> None:
    before = system.gateway()
    with system.load() as load:
        load.handled(more_than=100)
        victim = system.pid_of("ws")
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in system.alive(), "the end of ws")
        _go_on(system, load)
        findings = load.check()
    assert findings.good, findings
    after = system.gateway()
    assert after["identifies"] == before["identifies"]
    assert after["resumes"] == before["resumes"] + 1


def test_kill_of_rest_while_the_bot_talks(system: System) -> None:
    """Every message that the bot sends meanwhile arrives, and arrives once: its nonce is enforced."""
    every = 25
    system.write_app("echo", "asynchronous", echo_every=every)
    until(lambda: system.ask("!ping") == "Pong echo", "the bot that echoes")
    with system.load() as load:
        load.handled(more_than=300)
        victim = system.pid_of("rest")
        os.kill(victim, signal.SIGKILL)
        _go_on(system, load)
        assert system.pid_of("rest") != victim
        findings = load.check()
        report = load.report()
    assert findings.good, findings
    assert findings.again == 0
    for guild, sent in report["guilds"].items():
        expected = [f"echo {load.name} {n}" for n in range(1, sent["last"] + 1) if n % every == 0]
        assert len(expected) > 1
        assert sorted(_echoes(system, guild, sent["channel"], load.name)) == sorted(expected)


def _echoes(system: System, guild: str, channel: str, load: str) -> list[str]:
    found = system.sandbox("GET", f"/messages?guild={guild}&channel={channel}&limit=500")
    return [each["content"] for each in found if each["content"].startswith(f"echo {load} ")]


def test_kill_of_the_supervisor_and_a_new_start(system: System) -> None:
    before = system.gateway()
    dev = system.started[-1]
    sandbox = system.started[0].pid
    with system.load() as load:
        load.handled(more_than=100)
        dev.kill()
        until(lambda: set(system.alive()) == {sandbox}, "the end of what it had started")
        assert not system.taken_ports()
        system.start_dev()
        _go_on(system, load)
        findings = load.check()
    assert findings.good, findings
    after = system.gateway()
    assert after["identifies"] == before["identifies"]
    assert after["resumes"] == before["resumes"] + 1


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
        _go_on(system, load)
        findings = load.check()
    assert findings.good, findings
    assert findings.again == 0
    assert system.gateway()["identifies"] == before["identifies"]


def test_a_resume_url_that_accepts_and_stays_silent(system: System) -> None:
    """The URL is dropped, session and seq are kept: the main URL resumes."""
    before = system.gateway()
    with system.load() as load:
        load.handled(more_than=100)
        system.sandbox("POST", "/fault", {"gateway": {"silent": "resume"}, "connections": {"do": "reset"}})
        began = time.monotonic()
        until(lambda: system.gateway()["resumes"] > before["resumes"], "a RESUME")
        print(f"resumed after {time.monotonic() - began:.1f} s")
        system.sandbox("DELETE", "/fault")
        _go_on(system, load)
        findings = load.check()
    after = system.gateway()
    assert findings.good, findings
    assert findings.again == 0
    assert after["silent"] > before["silent"]
    assert after["identifies"] == before["identifies"]
