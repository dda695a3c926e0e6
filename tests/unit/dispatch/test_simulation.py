"""The rules of both sides together, in virtual time: replicas crash, drain and come back."""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

from nescord_core.dispatch.dedupe import Dedupe
from nescord_core.dispatch.outbox import Entry, Outbox
from nescord_core.dispatch.partition import Partition, Stream
from nescord_core.envelope import Envelope

EVENTS = 1500
GUILDS = 12
BOUND = 400


class World:
    """Two replica addresses; what they finished survives a crash, what they had begun does not."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.step = 0
        self.outbox = Outbox(max_events=BOUND, max_bytes=1 << 30)
        self.partition = Partition()
        self.flushed = Dedupe(window=10_000)
        self.streams: dict[str, Stream] = {}
        self.alive: set[Stream] = set()
        self.begun: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        self.put_count = 0
        self.watermark = -1

    def later(self, delay: float, action: Callable[[], None]) -> None:
        self.step += 1
        heapq.heappush(self.agenda, (self.now + delay, self.step, action))

    def run(self) -> None:
        while self.agenda:
            self.now, _, action = heapq.heappop(self.agenda)
            action()
            assert self.outbox.events <= BOUND
            self.pump()
            for _, _, seq in self.outbox.watermarks():
                assert seq > self.watermark
                self.watermark = seq

    def put(self) -> None:
        self.put_count += 1
        guild = self.random.randint(1, GUILDS)
        entry = self.outbox.put(Envelope(0, "s", self.put_count, "T", guild, guild, b"{}", self.now))
        assert entry is not None
        self.partition.assign(entry)
        while self.outbox.overfull and (oldest := self.partition.pop_oldest()) is not None:
            self.outbox.shed(oldest)
        if self.put_count < EVENTS:
            self.later(self.random.expovariate(1000), self.put)

    def attach(self, address: str) -> None:
        if address not in self.streams:
            stream = self.partition.attach(address, credit=16, notify=lambda: None)
            self.streams[address] = stream
            self.alive.add(stream)

    def pump(self) -> None:
        for stream in self.streams.values():
            first, batch = self.partition.take(stream, max_events=8, max_bytes=1 << 20)
            for number, entry in enumerate(batch, first):
                self.later(0.001, lambda s=stream, n=number, e=entry: self.arrive(s, n, e))  # type: ignore[misc]

    def arrive(self, stream: Stream, number: int, entry: Entry) -> None:
        if stream not in self.alive:
            return
        seq, marked = entry.envelope.seq, entry.redelivered
        if marked and self.flushed.seen(0, "s", seq):
            self.later(0.001, lambda: self.acknowledge(stream, number))
            return
        self.begun[entry.envelope.key].append((seq, marked))
        self.later(self.random.uniform(0.001, 0.01), lambda: self.finish(stream, number, seq))

    def finish(self, stream: Stream, number: int, seq: int) -> None:
        if stream in self.alive:
            self.flushed.add(0, "s", seq)
            self.later(0.001, lambda: self.acknowledge(stream, number))

    def acknowledge(self, stream: Stream, number: int) -> None:
        if stream in self.alive:
            for entry in self.partition.settle(stream, number, number):
                self.outbox.done(entry)

    def trouble(self) -> None:
        if self.streams:
            address = self.random.choice(sorted(self.streams))
            stream = self.streams.pop(address)
            if self.random.random() < 0.5:
                self.alive.discard(stream)
                self.partition.lose(stream)
            else:
                self.partition.drain(stream)
            self.later(self.random.uniform(0.0, 0.1), lambda: self.attach(address))
        if self.put_count < EVENTS:
            self.later(self.random.uniform(0.02, 0.1), self.trouble)


@pytest.mark.parametrize("seed", range(12))
def test_crashes_and_reloads_lose_nothing_and_keep_every_guild_in_order(seed: int) -> None:
    world = World(seed)
    for address in "ab":
        world.attach(address)
    world.later(0, world.put)
    world.later(0.05, world.trouble)
    world.run()
    shed = sum(world.outbox.shed_by_shard.values())
    begun = [pair for pairs in world.begun.values() for pair in pairs]
    assert world.outbox.events == 0
    assert world.watermark == EVENTS
    assert len({seq for seq, _ in begun}) == EVENTS - shed
    unmarked = Counter(seq for seq, marked in begun if not marked)
    assert max(unmarked.values()) == 1, "begun twice without a mark"
    assert any(marked for _, marked in begun)
    for pairs in world.begun.values():
        fresh = [seq for seq, marked in pairs if not marked]
        assert fresh == sorted(fresh), "a guild out of order"
