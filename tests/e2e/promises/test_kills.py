"""Kill -9 of any process under load: nothing is lost, repeats are marked, the order is kept."""

from __future__ import annotations

import os
import signal
import time

import pytest

from support.processes.commands import until
from support.system.recording_bot import STYLES
from support.system.system import Load, System

AFTERWARDS = 100
"""Events to handle after the recovery before a test checks the delivery."""


@pytest.fixture(autouse=True)
def _recording(system: System) -> None:
    system.write_app("kills", "asynchronous")
    until(lambda: system.ask("!ping") == "Pong kills", "the recording bot")


def _recover(system: System, load: Load) -> None:
    """Wait until everything has recovered, and for some more events."""
    system.until_ready()
    load.handled(more_than=load.handled() + AFTERWARDS)


@pytest.mark.parametrize("style", STYLES)
def test_kill_of_a_worker(system: System, style: str) -> None:
    before = system.gateway()
    system.write_app(f"kills-{style}", style)
    until(lambda: system.ask("!ping") == f"Pong kills-{style}", "the bot of that style")
    with system.load() as load:
        load.handled(more_than=100)
        victim = system.stats("main")["workers"][0]["pid"]
        os.kill(victim, signal.SIGKILL)
        until(lambda: load.records()[-1].pid != victim, "a new worker")
        _recover(system, load)
        findings = load.check()
    assert findings.good, findings
    assert system.gateway() == before


def test_kill_of_main(system: System) -> None:
    before = system.gateway()
    system.write_app("kills-main", "ordered")
    until(lambda: system.ask("!ping") == "Pong kills-main", "the bot whose handlers wait")
    with system.load() as load:
        load.handled(more_than=100)
        victim, worker = system.pid_of("main"), load.records()[-1].pid
        os.kill(victim, signal.SIGKILL)
        until(lambda: load.records()[-1].pid != worker, "a new worker")
        _recover(system, load)
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
        _recover(system, load)
        findings = load.check()
    assert findings.good, findings
    after = system.gateway()
    assert after["identifies"] == before["identifies"]
    assert after["resumes"] == before["resumes"] + 1


def test_kill_of_rest_while_the_bot_talks(system: System) -> None:
    """Every message that the bot sends meanwhile arrives exactly once: its nonce is enforced.

    Discord answers slowly, so that some messages are unanswered when rest dies; they are sent again.
    """
    every = 25
    slow = {"method": "POST", "route": "/channels/*/messages", "latency": 0.5, "count": 10_000}
    system.write_app("echo", "asynchronous", echo_every=every)
    until(lambda: system.ask("!ping") == "Pong echo", "the bot that echoes")
    with system.load() as load:
        load.handled(more_than=300)
        system.sandbox("POST", "/fault", {"rest": slow})
        victim = system.pid_of("rest")
        begun = len([each for each in load.records() if each.number % every == 0])
        until(
            lambda: len([each for each in load.records() if each.number % every == 0]) > begun + 2,
            "messages of the bot in flight",
        )
        time.sleep(0.1)
        os.kill(victim, signal.SIGKILL)
        system.sandbox("DELETE", "/fault")
        _recover(system, load)
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


def test_kill_of_the_supervisor_and_a_new_start_at_once(system: System) -> None:
    """The services of the first run are still stopping when the second run needs their ports."""
    before = system.gateway()
    dev = system.started[-1]
    with system.load() as load:
        load.handled(more_than=100)
        system.say("!slow 1")
        slow = Load(system, "!slow")
        until(slow.records, "a handler that takes 3 s")
        dev.kill()
        system.start_dev()
        _recover(system, load)
        findings = load.check()
    assert findings.good, findings
    assert [record.redelivered for record in slow.records()] in ([False], [False, True])
    after = system.gateway()
    assert after["identifies"] == before["identifies"]
    assert after["resumes"] == before["resumes"] + 1
