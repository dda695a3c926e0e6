"""64 shards start in virtual time against a slow Discord that checks every pacing rule (protocol.md, 18)."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

from nescord_core.gateway.identify.gate import LocalIdentifyGate
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.machine import Session
from nescord_core.gateway.session.opcodes import Op
from nescord_core.gateway.session.states import SessionRules, State
from support.gateway import virtual_time

SHARDS = 64
WINDOW = 5.0


class Discord:
    """Records when IDENTIFYs arrive. ``fickle`` shards lose their first session right after READY."""

    def __init__(self, max_concurrency: int, fickle: set[int]) -> None:
        self.max_concurrency = max_concurrency
        self.fickle = set(fickle)
        self.arrivals: dict[int, list[float]] = defaultdict(list)
        self.order: dict[int, list[int]] = defaultdict(list)
        self.sessions = 0

    def identified(self, identify: dict[str, Any], now: float) -> list[s.Frame]:
        shard, count = identify["shard"]
        assert count == SHARDS
        key = shard % self.max_concurrency
        self.arrivals[key].append(now)
        self.order[key].append(shard)
        self.sessions += 1
        ready = json.dumps({"session_id": f"s{self.sessions}", "resume_gateway_url": "wss://r"}).encode()
        frames = [s.Frame(Op.DISPATCH, 1, "READY", ready)]
        if shard in self.fickle:
            self.fickle.remove(shard)
            frames.append(s.Frame(Op.INVALID_SESSION, d=b"false"))
        return frames


class Shard:
    """A session whose connection is simulated by sleeps."""

    def __init__(
        self, shard_id: int, discord: Discord, gate: LocalIdentifyGate, chance: random.Random
    ) -> None:
        self.session = Session(
            (shard_id, SHARDS), token="t", intents=1, gateway_url="wss://m", rules=SessionRules()
        )
        self.discord, self.gate, self.chance = discord, gate, chance
        self.ready_at = 0.0

    async def run(self) -> None:
        """Run until the shard is connected for good."""
        facts: list[s.Fact] = [s.Start()]
        while facts:
            fact = facts.pop(0)
            now = asyncio.get_running_loop().time()
            for effect in self.session.handle(fact, now, self.chance.random()):
                facts += await self.answer(effect)
            if not facts and self.session.state is State.WAITING:
                await asyncio.sleep(max(0.0, (self.session.deadline or now) - now))
                facts.append(s.Tick())
        assert self.session.state is State.CONNECTED
        self.ready_at = asyncio.get_running_loop().time()

    async def answer(self, effect: s.Effect) -> list[s.Fact]:
        match effect:
            case s.Connect():
                await self.network_delay(0.05)
                return [s.Connected(), s.Frame(Op.HELLO, d=b'{"heartbeat_interval":41250}')]
            case s.RequestIdentify():
                await self.gate.acquire(self.session.shard[0])
                return [s.IdentifyGranted()]
            case s.Send(Op.IDENTIFY, data):
                await self.network_delay(0.01)
                frames = self.discord.identified(json.loads(data)["d"], asyncio.get_running_loop().time())
                await self.network_delay(0.01)
                return list(frames)
        return []

    async def network_delay(self, least: float) -> None:
        """Simulate network latency with up to 50 ms of jitter."""
        await asyncio.sleep(least + 0.05 * self.chance.random())


@pytest.mark.parametrize("max_concurrency", [1, 16])
@pytest.mark.parametrize("fickle", [set(), {0, 5, 17, 33, 48, 63}], ids=["first", "again"])
def test_64_shards_keep_every_pacing_rule_and_take_no_longer_than_it_asks(
    max_concurrency: int, fickle: set[int]
) -> None:
    discord = Discord(max_concurrency, fickle)
    shards: list[Shard] = []

    async def start() -> None:
        loop = asyncio.get_running_loop()
        limit = SessionStartLimit(total=1000, remaining=1000, max_concurrency=max_concurrency)
        gate = LocalIdentifyGate(limit, window=WINDOW, reserve=50, clock=loop.time)
        shards.extend(Shard(number, discord, gate, random.Random(number)) for number in range(SHARDS))
        async with asyncio.TaskGroup() as tasks:
            for shard in shards:
                tasks.create_task(shard.run())
        assert gate.remaining == 1000 - SHARDS - len(fickle)

    virtual_time.run(start())
    assert set(discord.arrivals) == set(range(max_concurrency))
    for key, times in discord.arrivals.items():
        assert all(later - earlier >= WINDOW for earlier, later in pairwise(times)), f"key {key}: {times}"
        first_tries = list(dict.fromkeys(discord.order[key]))
        assert len(first_tries) == SHARDS // max_concurrency
    # The lower bound: the key with the most IDENTIFYs needs a window between any two of them.
    limit = WINDOW * (max(map(len, discord.arrivals.values())) - 1)
    assert limit <= max(shard.ready_at for shard in shards) <= 1.05 * limit
