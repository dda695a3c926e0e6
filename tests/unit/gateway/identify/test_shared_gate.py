"""Tests the gate of one host among several; its local queue is tested with LocalIdentifyGate."""

from __future__ import annotations

import asyncio
import logging
import sys
from itertools import pairwise

import pytest

from nescord_core.errors import ConfigError, IdentifyBudgetSpent
from nescord_core.gateway.identify import gate
from nescord_core.gateway.identify.gate import SharedIdentifyGate
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.identify.shared_queue import open_shared_queue
from support.gateway.shared_queues import MemoryTurns

WINDOW = 0.05


class Hosts:
    """Several hosts, one store."""

    def __init__(self, count: int, **limit: float) -> None:
        loop = asyncio.get_running_loop()
        self.turns = MemoryTurns(loop.time, window=WINDOW)
        self.granted: list[tuple[int, float]] = []
        self.gates = [
            SharedIdentifyGate(
                SessionStartLimit(**limit),  # type: ignore[arg-type]  # integers where needed
                window=WINDOW,
                reserve=50,
                clock=loop.time,
                turns=self.turns.queue(),
            )
            for _ in range(count)
        ]

    async def identify(self, host: int, shard_id: int) -> None:
        await self.gates[host].acquire(shard_id)
        self.granted.append((shard_id, asyncio.get_running_loop().time()))


async def test_hosts_take_turns_per_key_and_each_keeps_its_own_order() -> None:
    hosts = Hosts(2, max_concurrency=2)
    async with asyncio.TaskGroup() as tasks:
        for shard_id in range(8):
            tasks.create_task(hosts.identify(shard_id // 4, shard_id))
    for key in (0, 1):
        times = [at for shard_id, at in hosts.granted if shard_id % 2 == key]
        assert len(times) == 4
        # The store's window starts when it grants a turn, slightly before the shard has it.
        assert all(later - earlier > WINDOW * 0.9 for earlier, later in pairwise(times))
    for host in (0, 1):
        own = [shard_id for shard_id, _ in hosts.granted if shard_id // 4 == host]
        assert [each for each in own if each % 2 == 0] == sorted(each for each in own if each % 2 == 0)


async def test_the_days_starts_are_counted_over_all_hosts() -> None:
    hosts = Hosts(2, remaining=53, max_concurrency=16)
    await hosts.identify(0, 0)
    await hosts.identify(0, 1)
    await hosts.identify(1, 2)
    assert hosts.gates[1].remaining == 50
    with pytest.raises(IdentifyBudgetSpent) as raised:
        await hosts.identify(1, 3)
    assert (raised.value.remaining, raised.value.reserve) == (50, 50)


async def test_while_the_store_is_away_nobody_identifies_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gate, "STORE_RETRY_DELAY", 0.01)
    hosts = Hosts(1)
    hosts.turns.away = True
    waiting = asyncio.ensure_future(hosts.identify(0, 0))
    with caplog.at_level(logging.ERROR):
        await asyncio.sleep(0.1)
    assert not waiting.done()
    hosts.turns.away = False
    await waiting
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "No shard of this host can IDENTIFY" in told[0]


async def test_one_that_goes_away_lets_the_next_in_line_ask() -> None:
    hosts = Hosts(1)
    await hosts.identify(0, 0)
    leaving = asyncio.ensure_future(hosts.identify(0, 1))
    staying = asyncio.ensure_future(hosts.identify(0, 2))
    await asyncio.sleep(WINDOW / 2)
    leaving.cancel()
    await staying
    assert [shard_id for shard_id, _ in hosts.granted] == [0, 2]


async def test_an_identify_that_goes_out_late_moves_every_hosts_window() -> None:
    hosts = Hosts(2)
    await hosts.identify(0, 0)
    await asyncio.sleep(WINDOW * 0.8)
    hosts.gates[0].used(0)
    await hosts.gates[0].tell_hosts(0)
    sent = asyncio.get_running_loop().time()
    await hosts.identify(1, 1)
    assert hosts.granted[-1][1] - sent > WINDOW * 0.9


async def test_a_store_without_its_client_library_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "nats.aio.client", None)
    monkeypatch.delitem(sys.modules, "nescord_core.coordination.nats_store", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'nescord\[cluster\]'"):
        async with open_shared_queue("nats://127.0.0.1:4222", "a token", window=5):
            pass


async def test_one_host_alone_needs_no_store() -> None:
    async with open_shared_queue(None, "a token", window=5) as turns:
        assert turns is None
