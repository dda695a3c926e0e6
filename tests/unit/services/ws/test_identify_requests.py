from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from nescord_core.errors import IdentifyBudgetSpent
from nescord_core.gateway.identify.gate import LocalIdentifyGate
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.services.ws.identify_requests import IdentifyRequests, RemoteIdentifyGate
from nescord_core.services.ws.messages import Granted, Refused


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Wire:
    """A cluster and its parent without a channel: a message sent by one is handled by the other at once."""

    tasks: asyncio.TaskGroup
    limit: SessionStartLimit = field(default_factory=lambda: SessionStartLimit(max_concurrency=2))
    connected: bool = False

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.local = LocalIdentifyGate(self.limit, window=5.0, reserve=10, clock=self.clock)

    def cluster(self) -> tuple[RemoteIdentifyGate, IdentifyRequests]:
        def to_cluster(message: Any) -> None:
            assert isinstance(message, Granted | Refused)
            gate.answered(message)

        requests = IdentifyRequests(self.local, to_cluster, lambda: self.connected, self.tasks)
        gate = RemoteIdentifyGate(requests.handle)
        return gate, requests


async def _turn() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_two_processes_stand_in_one_queue() -> None:
    """One IDENTIFY per window and key, in one queue for all processes."""
    async with asyncio.TaskGroup() as tasks:
        wire = Wire(tasks)
        (one, _), (other, requests) = wire.cluster(), wire.cluster()
        await one.acquire(0)
        await other.acquire(1)  # another key
        waiting = tasks.create_task(other.acquire(2))
        await _turn()
        assert not waiting.done(), "shard 2 shares its key with shard 0"
        assert wire.local.remaining == 998
        waiting.cancel()
        requests.cancel_all()


async def test_the_window_counts_from_when_the_other_process_has_sent_it() -> None:
    async with asyncio.TaskGroup() as tasks:
        wire = Wire(tasks)
        gate, requests = wire.cluster()
        acquired = tasks.create_task(gate.acquire(0))
        await asyncio.sleep(0)
        wire.clock.now += 3.0  # the grant was long under way
        await acquired
        await _turn()
        wire.clock.now += 4.0
        waiting = tasks.create_task(gate.acquire(2))
        await _turn()
        assert not waiting.done(), "7 s after the grant, but 4 s after the IDENTIFY"
        waiting.cancel()
        requests.cancel_all()


async def test_who_cancels_or_dies_gives_the_place_back() -> None:
    async with asyncio.TaskGroup() as tasks:
        wire = Wire(tasks, SessionStartLimit(remaining=12))
        (one, _), (other, requests) = wire.cluster(), wire.cluster()
        await one.acquire(0)
        waiting = tasks.create_task(one.acquire(1))
        await _turn()
        waiting.cancel()
        await _turn()
        last = tasks.create_task(other.acquire(2))
        await _turn()
        assert not last.done(), "it waits; it would be refused if the first request still counted"
        requests.cancel_all()
        last.cancel()
        await _turn()
        next_one = tasks.create_task(one.acquire(3))
        await _turn()
        assert not next_one.done()
        next_one.cancel()
        await _turn()


@pytest.mark.parametrize("connected", [False, True])
async def test_below_the_reserve_the_cluster_hears_a_refusal_with_its_facts(connected: bool) -> None:
    async with asyncio.TaskGroup() as tasks:
        wire = Wire(tasks, SessionStartLimit(remaining=10, reset_after=3600.0), connected)
        gate, _ = wire.cluster()
        with pytest.raises(IdentifyBudgetSpent) as caught:
            await gate.acquire(0)
    error = caught.value
    assert (error.remaining, error.needed, error.reserve, error.reset_after) == (10, 1, 10, 3600.0)
    assert gate.others_connected is connected


async def test_an_answer_to_nobody_is_ignored() -> None:
    async with asyncio.TaskGroup() as tasks:
        gate, _ = Wire(tasks).cluster()
        gate.answered(Granted(7))
