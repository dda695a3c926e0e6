"""Crowds in front of real services that may open few files, as under `ulimit -n`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from support.network.strangers import closes, connect, is_open, many, statuses
from support.processes.commands import fetch, until
from support.system.system import System
from support.system.under_attack import watched

FEW = 200
CALLERS = FEW * 2 // 5
REQUEST = b"GET /channels/%d HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("few") / "bot")
    system.environ |= {"NESCORD_IDENTIFY_WINDOW": "0.1", "NESCORD_GLOBAL_LIMIT": "1000"}
    system.start_sandbox()
    system.descriptors = FEW
    for service in ("rest", "main", "ws"):
        system.start("run", service)
    system.until_ready()
    yield system
    for started in system.started:
        print(started)
    system.close()
    for started in system.started:
        assert "Traceback" not in started.output, started


@pytest.mark.bound("Callers of rest: connected callers")
def test_callers_who_only_connect(system: System) -> None:
    port = system.ports["rest"]
    with watched(system, "rest", most_mb=20), many(port, 3 * FEW) as silent:
        until(lambda: sum(map(is_open, silent)) <= CALLERS, "the longest idle are closed")
        assert is_open(silent[-1])
        assert fetch("GET", f"http://127.0.0.1:{port}/users/@me")[0] == 200


@pytest.mark.bound("Callers of rest: connected callers")
def test_callers_who_all_wait(system: System) -> None:
    """Discord is slow, so that each has a request under way; /healthz comes after them."""
    port = system.ports["rest"]
    system.sandbox("POST", "/fault", {"rest": {"route": "/channels/*", "latency": 4.0, "count": 1000}})
    with watched(system, "rest", most_mb=40, health=False):
        waiting = []
        for number in range(CALLERS + 20):
            waiting.append(connect(port, REQUEST % number))
            time.sleep(0.002)
        answers = [statuses(closes(each)) for each in waiting]
    system.sandbox("DELETE", "/fault")
    assert {tuple(each) for each in answers} == {(404,), (503,)}
    assert 20 <= answers.count([503]) <= 40
    assert fetch("GET", f"http://127.0.0.1:{port}/users/@me")[0] == 200


def test_a_crowd_on_every_port_of_ws_and_main_while_a_worker_dies(system: System) -> None:
    """What main opens for a new worker is not among what strangers take."""
    with system.load(rate=50) as load:
        load.handled(more_than=20)
        ports = [system.ports[name] for name in ("main", "main_admin", "ws")]
        with (
            many(ports[0], FEW),
            many(ports[1], FEW),
            many(ports[2], FEW),
            watched(system, "ws", most_mb=30),
            watched(system, "main", most_mb=150),
        ):
            (worker,) = system.stats("main")["workers"]
            os.kill(worker["pid"], signal.SIGKILL)
            load.handled(more_than=load.handled() + 50)
        findings = load.check()
    assert findings.good, findings


def test_a_service_that_has_no_descriptor_left_accepts_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The sandbox, for developers only, does not count its connections."""
    system = System(tmp_path_factory.mktemp("none-left") / "bot")
    try:
        system.descriptors = 100
        sandbox = system.start_sandbox()
        with many(system.ports["sandbox"], 150):
            time.sleep(2)
            assert len(sandbox.output) < 10_000
        system.until_answers("sandbox", "/healthz")
    finally:
        system.close()
    assert "Traceback" not in sandbox.output, sandbox
