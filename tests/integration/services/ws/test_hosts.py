"""Two hosts hold the shards of one bot and share its IDENTIFY queue (fact 18)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.coordination.nats_server import NatsServer, nats_server
from support.processes.commands import Started
from support.system.system import System

SHARDS = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nats_server(tmp_path_factory.mktemp("nats")) as server:
        yield server.url


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    system.environ |= {"NESCORD_SANDBOX_SHARDS": str(SHARDS), "NESCORD_IDENTIFY_WINDOW": "0.4"}
    system.start_sandbox()
    system.sandbox("POST", "/settings", {"identify_window": 0.4})
    system.start("run", "main")
    yield system
    for started in system.started:
        print(started)
    system.close()


def start_host(system: System, number: int, shard_ids: str, store: str) -> Started:
    environ = {
        "NESCORD_SHARD_IDS": shard_ids,
        "NESCORD_STATE_DIR": str(system.directory / f"host{number}"),
        "NESCORD_WS_ADMIN": f"127.0.0.1:{system.ports[('ws', 'spare')[number]]}",
        "NESCORD_CLUSTER_URL": store,
    }
    return system.start("run", "ws", in_terminal=False, **environ)


def test_two_hosts_that_start_at_once_identify_one_after_the_other(system: System, store: str) -> None:
    for number, shard_ids in enumerate(("0-2", "3-5")):
        start_host(system, number, shard_ids, store)
    system.until_answers("ws", "/readyz")
    system.until_answers("spare", "/readyz")
    totals = system.gateway()
    assert totals["identifies"] == SHARDS
    assert totals["invalid_sessions"] == 0, "Discord took one for too early"
    assert "not-a-real-password" not in "".join(each.output for each in system.started)
    left = {name: system.stats(name)["identifies_left_today"] for name in ("ws", "spare")}
    assert min(left.values()) == 1000 - SHARDS, left


def test_a_store_that_is_away_is_named_and_waited_for(system: System, tmp_path: Path) -> None:
    port = system.ports["spare"]
    server = NatsServer(tmp_path, port)
    host = start_host(system, 0, "0", server.url)
    host.wait_for("cluster.url (NESCORD_CLUSTER_URL)")
    assert system.gateway()["identifies"] == 0
    with nats_server(tmp_path, port):
        system.until_answers("ws", "/readyz")
    assert system.gateway()["identifies"] == 1
    assert "not-a-real-password" not in host.output
