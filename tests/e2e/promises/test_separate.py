"""ws, rest and main as separate commands, as on a server: each started, stopped and moved on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from support.processes.commands import Started, until
from support.system.system import System


@dataclass
class Services:
    """The system and the three commands that run in it."""

    system: System
    rest: Started
    main: Started
    ws: Started


@pytest.fixture(scope="module")
def services(new_system: Callable[[str], System]) -> Iterator[Services]:
    system = new_system("separate")
    system.start_sandbox()
    # All at once, ws first: none may depend on the order.
    ws, rest, main = (system.start("run", name) for name in ("ws", "rest", "main"))
    system.until_ready()
    yield Services(system, rest, main, ws)
    for each in (ws, main, rest):
        if each.process.poll() is None:
            assert each.stop() == 0, each


def test_three_commands_and_a_token_answer_ping(services: Services) -> None:
    assert services.system.ask("!ping") == "Pong v1"
    assert services.system.gateway()["identifies"] == 1


def test_sigterm_of_ws_under_load_and_a_new_start_resume(services: Services) -> None:
    system = services.system
    before = system.gateway()
    with system.load() as load:
        load.handled(more_than=100)
        assert services.ws.stop() == 0, services.ws
        stopped = load.handled()
        services.ws = system.start("run", "ws")
        load.handled(more_than=stopped + 200)
        findings = load.check()
    assert findings.good, findings
    after = system.gateway()
    assert after["identifies"] == before["identifies"]
    assert after["resumes"] == before["resumes"] + 1
    assert "Traceback" not in services.ws.output


def test_sigterm_of_main_under_load_and_a_new_start_lose_nothing(services: Services) -> None:
    system = services.system
    before = system.gateway()
    system.write_app("late", "ordered")
    with system.load() as load:
        load.handled(more_than=100)
        assert services.main.stop() == 0, services.main
        stopped = load.handled()
        services.main = system.start("run", "main")
        load.handled(more_than=stopped + 200)
        findings = load.check()
    assert findings.good, findings
    assert findings.again == 0
    assert {record.version for record in load.records()} == {"v1", "late"}
    assert system.gateway() == before


def test_a_call_of_the_bot_waits_for_rest_to_start(services: Services) -> None:
    system = services.system
    assert services.rest.stop() == 0, services.rest
    services.rest = system.start("run", "rest")
    # Asked while rest is still starting.
    assert system.ask("!ping").startswith("Pong ")


def test_main_on_another_port(services: Services) -> None:
    """NESCORD_MAIN_LISTEN sets main's address, GRPC_HOST tells ws about it."""
    system = services.system
    before = system.gateway()
    for each in (services.main, services.ws):
        assert each.stop() == 0, each
    system.ports["main"] = system.ports["spare"]
    address = f"127.0.0.1:{system.ports['main']}"
    services.main = system.start("run", "main", NESCORD_MAIN_LISTEN=address)
    services.ws = system.start("run", "ws", GRPC_HOST=address)
    system.until_ready()
    assert system.ask("!ping").startswith("Pong ")
    assert f"attached to main at {address}" in services.ws.output
    until(lambda: system.gateway()["resumes"] == before["resumes"] + 1, "a RESUME")
    assert system.gateway()["identifies"] == before["identifies"]
