"""Who is told which guilds: replicas come and go at random, and each ends with its share as it is now."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import pytest

from nescord_core.dispatch.sender.outbox import Entry, Outbox
from nescord_core.dispatch.sender.partition import Partition
from nescord_core.dispatch.sender.reassignment import GuildAssignment, GuildMove
from nescord_core.dispatch.sender.snapshots import ReplicaSnapshots
from nescord_core.envelope import Envelope
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

SHARDS = (0, 1)
GUILDS = 12


def shard_of(guild_id: int) -> int:
    return guild_id % len(SHARDS)


@dataclass
class Shard:
    session: int = 0
    seq: int = 0
    guilds: dict[int, int] = field(default_factory=dict)
    unavailable: set[int] = field(default_factory=set)
    departed: dict[int, int] = field(default_factory=dict)


class World:
    """Guilds are numbers; every event gives its guild the event's own number."""

    def __init__(self) -> None:
        self.sessions = 0
        self.shards = {each: Shard() for each in SHARDS}
        self.is_recalled_always = False

    def shard_ids(self) -> Collection[int]:
        return self.shards

    def session(self, shard_id: int) -> str:
        session = self.shards[shard_id].session
        return f"s{session}" if session else ""

    def is_recalled(self, shard_id: int) -> bool:
        return self.is_recalled_always

    def position(self, shard_id: int) -> tuple[str, int]:
        return self.session(shard_id), self.shards[shard_id].seq

    def head(self, shard_id: int) -> pb.Snapshot:
        session, seq = self.position(shard_id)
        ready = b"{}" if session else b""
        return pb.Snapshot(shard_id=shard_id, session_id=session, seq=seq, ready=ready)

    def guild_ids(self, shard_id: int) -> list[int]:
        shard = self.shards[shard_id]
        return [*shard.guilds, *shard.unavailable, *shard.departed]

    def departed(self, shard_id: int) -> Collection[int]:
        return self.shards[shard_id].departed

    def acknowledged(self, shard_id: int, session_id: str, seq: int) -> None:
        if session_id == self.session(shard_id):
            for each in [each for each, at in self.shards[shard_id].departed.items() if at <= seq]:
                del self.shards[shard_id].departed[each]

    def unavailable(self, shard_id: int) -> Collection[int]:
        return self.shards[shard_id].unavailable

    def picture(self, shard_id: int, guild_id: int) -> pb.GuildSnapshot | None:
        version = self.shards[shard_id].guilds.get(guild_id)
        return None if version is None else pb.GuildSnapshot(guild_id=guild_id, base=str(version).encode())

    def facts(self) -> pb.ShardFacts:
        return pb.ShardFacts()


class Replica:
    """A process of main and its stream: it parses events in order, and finishes them in any."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cache: dict[int, int | None] = {}
        self.sessions: dict[int, str] = {}
        self.shared: set[int] = set()
        self.coming: set[int] = set()
        self.parsed: set[tuple[int, str, int]] = set()
        self.known: set[int] = set()
        self.told = 0

    def hear(self, message: pb.FromWs) -> None:
        if message.WhichOneof("kind") == "share":
            for guild in message.share.guilds:
                self._put(guild)
            self.cache |= dict.fromkeys(message.share.unavailable)
            for each in message.share.gone:
                self.cache.pop(each, None)
            if message.share.shared:
                told = [*message.share.unavailable, *message.share.gone]
                told += [guild.guild_id for guild in message.share.guilds]
                self.shared |= set(map(shard_of, told))
            return
        picture = message.snapshot
        shard = picture.shard_id
        if shard in self.known:
            is_news = picture.shared or shard in self.shared or shard not in self.sessions
            if not picture.ready or not is_news:
                return
        if picture.first:
            self.coming.clear()
        for guild in picture.guilds:
            self._put(guild)
            self.coming.add(guild.guild_id)
        if picture.last:
            self._complete(picture)

    def _put(self, picture: pb.GuildSnapshot) -> None:
        self.cache[picture.guild_id] = int(picture.base)
        self.told += 1

    def _complete(self, picture: pb.Snapshot) -> None:
        shard = picture.shard_id
        self.known.add(shard)
        if not picture.ready:
            return
        self.sessions[shard] = picture.session_id
        if picture.shared:
            self.shared.add(shard)
        own = self.coming | set(picture.unavailable)
        self.cache = {
            each: version for each, version in self.cache.items() if shard_of(each) != shard or each in own
        }
        self.cache |= dict.fromkeys(picture.unavailable)

    def parse(self, entry: Entry, world: World) -> None:
        envelope = entry.envelope
        identity = (envelope.shard_id, envelope.session_id, envelope.seq)
        if identity in self.parsed:
            return
        self.parsed.add(identity)
        guild = envelope.guild_id
        match envelope.type:
            case "READY" | "CREATE" | "DELETE" if self._is_over(envelope):
                pass
            case "READY":
                self._begin(envelope)
            case "CREATE":
                self.cache[guild] = int(envelope.data)
            case "DELETE":
                self.cache.pop(guild, None)
            case _ if guild in self.cache:
                self.cache[guild] = int(envelope.data)
            case _:
                is_gone = guild not in world.shards[shard_of(guild)].guilds
                assert is_gone or self._is_over(envelope), "an event of a guild that is not here"

    def _is_over(self, envelope: Envelope) -> bool:
        shard = envelope.shard_id
        return shard in self.shared and self.sessions.get(shard) != envelope.session_id

    def _begin(self, ready: Envelope) -> None:
        if self.sessions.get(ready.shard_id) == ready.session_id:
            return
        self.sessions[ready.shard_id] = ready.session_id
        for each in [each for each in self.cache if shard_of(each) == ready.shard_id]:
            del self.cache[each]
        self.cache |= dict.fromkeys(map(int, ready.data.split()))


class Wire:
    """A stream to a replica."""

    def __init__(self, system: System, replica: Replica) -> None:
        self.system = system
        self.replica = replica
        self.stream = system.partition.attach(replica.address, credit=4, notify=lambda: None)
        self.snapshots: ReplicaSnapshots | None = ReplicaSnapshots(
            system.partition, self.stream, system.world, at_a_time=2
        )
        self.words: Iterator[pb.FromWs | None] | None = None

    @property
    def is_busy(self) -> bool:
        return self.words is not None or (self.snapshots is not None and self.snapshots.behind)

    def step(self) -> None:
        """Say one thing, or take events if there is nothing to say."""
        if self.snapshots is None:
            return
        if self.words is None and self.snapshots.behind:
            self.words = self.snapshots.messages()
        if self.words is None:
            _, batch = self.system.partition.take(self.stream, max_events=2, max_bytes=1000)
            for entry in batch:
                self.replica.parse(entry, self.system.world)
            return
        try:
            message = next(self.words)
        except StopIteration:
            self.words = None
            return
        if message is not None:
            for each in message.share.gone:
                in_flight = any(entry.lane == each for entry in self.stream.in_flight.values())
                assert not in_flight, "a guild is taken away that handlers still work in"
            self.replica.hear(message)

    def settle(self, chance: random.Random) -> None:
        if self.stream.in_flight:
            number = chance.choice(list(self.stream.in_flight))
            entries = self.system.partition.settle(self.stream, number, number)
            self.system.outbox.done(*entries)
            if self.snapshots is not None:
                self.snapshots.handled(entries)
            if chance.random() < 0.3:
                for watermark in self.system.outbox.watermarks():
                    self.system.world.acknowledged(*watermark)


class System:
    """Everything, for one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.partition = Partition()
        self.outbox = Outbox(max_events=10_000, max_bytes=10_000_000)
        self.world = World()
        self.wires: dict[str, Wire] = {}
        self.leaving: list[Wire] = []
        self.addresses = "abc"[: self.chance.choice((1, 2, 3, 3))]
        for each in self.addresses if self.chance.random() < 0.5 and len(self.addresses) > 1 else "":
            self.partition.expect(each)

    # What the gateway brings

    def event(self, kind: str, shard_id: int, guild: int, data: str = "") -> None:
        shard = self.world.shards[shard_id]
        shard.seq += 1
        data = data or str(shard.session * 1000 + shard.seq)
        match kind:
            case "READY":
                self.world.sessions += 1
            case "CREATE" | "CHANGE":
                shard.guilds[guild] = int(data)
                shard.unavailable.discard(guild)
                shard.departed.pop(guild, None)
            case "DELETE":
                del shard.guilds[guild]
                shard.departed[guild] = shard.seq
        session = self.world.session(shard_id)
        envelope = Envelope(shard_id, session, shard.seq, kind, guild, guild, data.encode(), 0.0)
        entry = self.outbox.put(envelope)
        assert entry is not None
        self.partition.assign(entry)

    def begin_session(self) -> None:
        if len(self.addresses) == 1 and self.outbox.unfinished:
            return  # a single replica learns of it by READY, in its place among the events
        shard_id = self.chance.choice(SHARDS)
        shard = self.world.shards[shard_id]
        guilds = sorted(shard.guilds) or [each for each in range(1, GUILDS) if shard_of(each) == shard_id]
        if len(guilds) > 2 and self.chance.random() < 0.5:
            guilds.pop()  # the bot was thrown out while it was away
        self.world.shards[shard_id] = Shard(shard.session + 1, 0, {}, set(guilds))
        self.event("READY", shard_id, 0, " ".join(map(str, guilds)))
        for each in guilds:
            self.event("CREATE", shard_id, each)

    def change(self) -> None:
        guilds = [each for shard in self.world.shards.values() for each in shard.guilds]
        if not guilds:
            return
        guild = self.chance.choice(guilds)
        if self.chance.random() < 0.1:
            self.event("DELETE", shard_of(guild), guild)
        elif self.chance.random() < 0.1:
            new = self.chance.randint(GUILDS, 3 * GUILDS)
            if new not in guilds and self.world.session(shard_of(new)):
                self.event("CREATE", shard_of(new), new)
        else:
            self.event("CHANGE", shard_of(guild), guild)

    # What happens to replicas

    def join(self, replica: Replica | None = None) -> None:
        address = replica.address if replica else self.chance.choice(self.addresses)
        if address not in self.wires:
            self.wires[address] = Wire(self, replica or Replica(address))

    def crash(self, *, is_reset: bool = False) -> None:
        if not self.wires:
            return
        wire = self.wires.pop(self.chance.choice(sorted(self.wires)))
        self.partition.abandon(wire.stream)
        if self.chance.random() < 0.5:
            self.join()
        self.partition.lose(wire.stream)
        if is_reset and wire.replica.address not in self.wires:
            self.join(wire.replica)

    def reload(self) -> None:
        if self.wires:
            wire = self.wires.pop(self.chance.choice(sorted(self.wires)))
            self.partition.drain(wire.stream)
            wire.snapshots = None
            self.leaving.append(wire)

    def give_up(self) -> None:
        self.partition.vacate(self.chance.choice(self.addresses))

    def end(self) -> None:
        if self.leaving:
            wire = self.leaving.pop(0)
            while wire.stream.in_flight:
                wire.settle(self.chance)
            self.partition.lose(wire.stream)

    def work(self) -> None:
        for wire in [*self.wires.values(), *self.leaving]:
            if self.chance.random() < 0.7:
                wire.step()
            if self.chance.random() < 0.5:
                wire.settle(self.chance)

    # The whole

    def run(self) -> None:
        acts = [self.change] * 8 + [self.work] * 12 + [self.join] * 3 + [self.crash, self.reload, self.end]
        acts += [self.give_up, self.begin_session, lambda: self.crash(is_reset=True)]
        self.begin_session()
        for _ in range(150):
            self.chance.choice(acts)()
        self.join()
        while self.leaving:
            self.end()
        for address in self.addresses:
            self.partition.vacate(address)
        for _ in range(3000):
            self.work()
            if not self.outbox.unfinished and not any(wire.is_busy for wire in self.wires.values()):
                break

    def check(self) -> None:
        assert not self.outbox.unfinished
        whole = {
            each: version for shard in self.world.shards.values() for each, version in shard.guilds.items()
        }
        for address, wire in self.wires.items():
            own = {each: version for each, version in whole.items() if self.partition.owner(each) == address}
            assert wire.replica.cache == own, address


@pytest.mark.parametrize("first", range(0, 400, 40))
def test_every_replica_ends_with_its_guilds_as_they_are_now(first: int) -> None:
    for seed in range(first, first + 40):
        system = System(seed)
        try:
            system.run()
            system.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def quiet(system: System) -> None:
    """Say and do all that there is."""
    for _ in range(100):
        for wire in system.wires.values():
            wire.step()
            wire.settle(system.chance)


def of(*addresses: str) -> System:
    system = System(1)
    system.addresses = "abc"
    for shard_id in SHARDS:
        system.world.shards[shard_id] = Shard(
            1, 0, {each: 1 for each in range(1, 40) if shard_of(each) == shard_id}
        )
    for each in addresses:
        system.wires[each] = Wire(system, Replica(each))
    quiet(system)
    return system


def test_a_guild_that_stays_is_not_told_again() -> None:
    system = of("a", "b")
    before = {each: wire.replica.told for each, wire in system.wires.items()}
    kept = {each: len(wire.replica.cache) for each, wire in system.wires.items()}
    system.wires["c"] = Wire(system, Replica("c"))
    quiet(system)
    assert {each: system.wires[each].replica.told for each in "ab"} == before
    assert all(len(system.wires[each].replica.cache) < kept[each] for each in "ab")
    assert system.wires["c"].replica.told == len(system.wires["c"].replica.cache) > 0


def test_a_guild_in_flight_is_taken_away_when_it_is_done() -> None:
    system = of("a")
    old = system.wires["a"]
    two = seeds("ab")
    division = GuildAssignment("a", before=two, since=two, now=two)
    guild = next(each for each in range(1, 40) if not division.is_own(each))
    system.event("CHANGE", shard_of(guild), guild)
    old.step()
    assert old.stream.in_flight
    system.wires["b"] = new = Wire(system, Replica("b"))
    for _ in range(100):
        old.step()
        new.step()
    assert guild in old.replica.cache
    assert guild in new.replica.cache
    quiet(system)
    assert guild not in old.replica.cache


def test_a_session_that_began_for_a_single_replica_is_told_when_there_is_another() -> None:
    """READY waits in the queue of the first one, which holds it for old as soon as it is one of several."""
    system = of("a")
    first = system.wires["a"]
    system.begin_session()
    while first.is_busy:
        first.step()
    assert system.partition.ready(first.stream) == system.outbox.unfinished > 1
    system.wires["b"] = Wire(system, Replica("b"))
    quiet(system)
    system.check()


def test_a_single_replica_that_dials_again_keeps_what_it_has() -> None:
    system = of("a")
    replica = system.wires["a"].replica
    told = replica.told
    system.partition.lose(system.wires.pop("a").stream)
    system.join(replica)
    quiet(system)
    assert replica.told == told


def test_one_of_several_that_dials_again_is_told_its_share() -> None:
    system = of("a", "b")
    replica = system.wires["a"].replica
    replica.cache = dict.fromkeys(replica.cache, 0)
    system.partition.lose(system.wires.pop("a").stream)
    quiet(system)
    system.join(replica)
    quiet(system)
    assert replica.cache
    assert set(replica.cache.values()) == {1}


def seeds(addresses: str) -> dict[str, int]:
    partition = Partition()
    for each in addresses:
        partition.expect(each)
    return dict(partition.replicas)


def test_who_was_there_for_a_moment_may_have_had_a_guild() -> None:
    two, three = seeds("ab"), seeds("abc")
    division = GuildAssignment("a", before=two, since=three, now=two)
    fates = {division.fate(each) for each in range(1, 200)}
    assert fates == {GuildMove.KEPT, GuildMove.COMES, GuildMove.ELSEWHERE}
    for guild in range(1, 200):
        assert division.is_own(guild) == GuildAssignment("a", before=two, since=two, now=two).is_own(guild)
    assert division.is_change
    assert not GuildAssignment("a", before=two, since=two, now=two).is_change


def test_what_comes_and_what_goes_is_what_the_replicas_say() -> None:
    two, three = seeds("ab"), seeds("abc")
    for guild in range(1, 200):
        joined = GuildAssignment("a", before=two, since=three, now=three).fate(guild)
        left = GuildAssignment("a", before=three, since=three, now=two).fate(guild)
        assert (joined is GuildMove.GOES) == (left is GuildMove.COMES)
        assert (joined is GuildMove.KEPT) == (left is GuildMove.KEPT)
