"""A model of replicas that come and go, to check which guilds each of them is sent."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from nescord_core.dispatch.sender.outbox import Entry, Outbox
from nescord_core.dispatch.sender.replica.queues import Partition
from nescord_core.dispatch.sender.replica.snapshots import ReplicaSnapshots
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
    """A shard's guilds as numbers; every event sets its guild to the event's own number."""

    def __init__(self) -> None:
        self.sessions = 0
        self.shards = {each: Shard() for each in SHARDS}
        self.is_recalled_always = False

    def request(self) -> None:
        """Do nothing: the guilds are always kept."""

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
    """A main process and its stream: it parses events in order and finishes them in any order."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cache: dict[int, int | None] = {}
        self.sessions: dict[int, str] = {}
        self.shared: set[int] = set()
        self.coming: set[int] = set()
        self.parsed: set[tuple[int, str, int]] = set()
        self.known: set[int] = set()
        self.sent = 0

    def receive(self, message: pb.FromWs) -> None:
        if message.WhichOneof("kind") == "share":
            for guild in message.share.guilds:
                self._put(guild)
            self.cache |= dict.fromkeys(message.share.unavailable)
            for each in message.share.gone:
                self.cache.pop(each, None)
            if message.share.shared:
                sent = [*message.share.unavailable, *message.share.gone]
                sent += [guild.guild_id for guild in message.share.guilds]
                self.shared |= set(map(shard_of, sent))
            return
        snapshot = message.snapshot
        shard = snapshot.shard_id
        if shard in self.known:
            is_news = snapshot.shared or shard in self.shared or shard not in self.sessions
            if not snapshot.ready or not is_news:
                return
        if snapshot.first:
            self.coming.clear()
        for guild in snapshot.guilds:
            self._put(guild)
            self.coming.add(guild.guild_id)
        if snapshot.last:
            self._complete(snapshot)

    def _put(self, snapshot: pb.GuildSnapshot) -> None:
        self.cache[snapshot.guild_id] = int(snapshot.base)
        self.sent += 1

    def _complete(self, snapshot: pb.Snapshot) -> None:
        shard = snapshot.shard_id
        self.known.add(shard)
        if not snapshot.ready:
            return
        self.sessions[shard] = snapshot.session_id
        if snapshot.shared:
            self.shared.add(shard)
        own = self.coming | set(snapshot.unavailable)
        self.cache = {
            each: version for each, version in self.cache.items() if shard_of(each) != shard or each in own
        }
        self.cache |= dict.fromkeys(snapshot.unavailable)

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
                assert is_gone or self._is_over(envelope), "an event of a guild that is not cached"

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
        self.pending: Iterator[pb.FromWs | None] | None = None

    @property
    def is_busy(self) -> bool:
        return self.pending is not None or (self.snapshots is not None and self.snapshots.behind)

    def step(self) -> None:
        """Send one message, or take events if there is none."""
        if self.snapshots is None:
            return
        if self.pending is None and self.snapshots.behind:
            self.pending = self.snapshots.messages()
        if self.pending is None:
            _, batch = self.system.partition.take(self.stream, max_events=2, max_bytes=1000)
            for entry in batch:
                self.replica.parse(entry, self.system.world)
            return
        try:
            message = next(self.pending)
        except StopIteration:
            self.pending = None
            return
        if message is not None and not message.HasField("shards"):
            for each in message.share.gone:
                in_flight = any(entry.lane == each for entry in self.stream.in_flight.values())
                assert not in_flight, "a guild is removed while handlers still use it"
            self.replica.receive(message)

    def acknowledge(self, chance: random.Random) -> None:
        if self.stream.in_flight:
            number = chance.choice(list(self.stream.in_flight))
            entries = self.system.partition.acknowledge(self.stream, number, number)
            self.system.outbox.done(*entries)
            if self.snapshots is not None:
                self.snapshots.handled(entries)
            if chance.random() < 0.3:
                for watermark in self.system.outbox.watermarks():
                    self.system.world.acknowledged(*watermark)


class System:
    """The whole system, for one seed."""

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

    # Gateway events

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
            return  # a sole replica learns of it by READY, in order among the events
        shard_id = self.chance.choice(SHARDS)
        shard = self.world.shards[shard_id]
        guilds = sorted(shard.guilds) or [each for each in range(1, GUILDS) if shard_of(each) == shard_id]
        if len(guilds) > 2 and self.chance.random() < 0.5:
            guilds.pop()  # the bot was kicked while it was away
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

    # Replicas

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
                wire.acknowledge(self.chance)
            self.partition.lose(wire.stream)

    def work(self) -> None:
        for wire in [*self.wires.values(), *self.leaving]:
            if self.chance.random() < 0.7:
                wire.step()
            if self.chance.random() < 0.5:
                wire.acknowledge(self.chance)

    # The run

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


def settle(system: System) -> None:
    """Send and finish everything."""
    for _ in range(100):
        for wire in system.wires.values():
            wire.step()
            wire.acknowledge(system.chance)


def of(*addresses: str) -> System:
    system = System(1)
    system.addresses = "abc"
    for shard_id in SHARDS:
        system.world.shards[shard_id] = Shard(
            1, 0, {each: 1 for each in range(1, 40) if shard_of(each) == shard_id}
        )
    for each in addresses:
        system.wires[each] = Wire(system, Replica(each))
    settle(system)
    return system


def seeds(addresses: str) -> dict[str, int]:
    partition = Partition()
    for each in addresses:
        partition.expect(each)
    return dict(partition.replicas)
