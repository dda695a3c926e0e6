"""Replicas that come and go at random each end with the current state of their share of the guilds."""

from __future__ import annotations

import pytest

from nescord_core.dispatch.sender.reassignment import GuildAssignment
from nescord_core.dispatch.sender.replica.snapshots import ReplicaSnapshots
from support.dispatch.snapshot_model import Replica, Shard, System, Wire, of, seeds, settle, shard_of


@pytest.mark.parametrize("first", range(0, 400, 40))
def test_every_replica_ends_with_its_guilds_as_they_are_now(first: int) -> None:
    for seed in range(first, first + 40):
        system = System(seed)
        try:
            system.run()
            system.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_a_guild_that_stays_is_not_told_again() -> None:
    system = of("a", "b")
    before = {each: wire.replica.sent for each, wire in system.wires.items()}
    kept = {each: len(wire.replica.cache) for each, wire in system.wires.items()}
    system.wires["c"] = Wire(system, Replica("c"))
    settle(system)
    assert {each: system.wires[each].replica.sent for each in "ab"} == before
    assert all(len(system.wires[each].replica.cache) < kept[each] for each in "ab")
    assert system.wires["c"].replica.sent == len(system.wires["c"].replica.cache) > 0


def test_a_guild_in_flight_is_taken_away_when_it_is_done() -> None:
    system = of("a")
    old = system.wires["a"]
    two = seeds("ab")
    assignment = GuildAssignment("a", before=two, since=two, now=two)
    guild = next(each for each in range(1, 40) if not assignment.is_own(each))
    system.event("CHANGE", shard_of(guild), guild)
    old.step()
    assert old.stream.in_flight
    system.wires["b"] = new = Wire(system, Replica("b"))
    for _ in range(100):
        old.step()
        new.step()
    assert guild in old.replica.cache
    assert guild in new.replica.cache
    settle(system)
    assert guild not in old.replica.cache


def test_a_session_that_began_for_a_single_replica_is_told_when_there_is_another() -> None:
    """READY is still queued for the first replica, which ignores it as stale once it is one of several."""
    system = of("a")
    first = system.wires["a"]
    system.begin_session()
    while first.is_busy:
        first.step()
    assert system.partition.ready(first.stream) == system.outbox.unfinished > 1
    system.wires["b"] = Wire(system, Replica("b"))
    settle(system)
    system.check()


def test_a_single_replica_that_dials_again_keeps_what_it_has() -> None:
    system = of("a")
    replica = system.wires["a"].replica
    sent = replica.sent
    system.partition.lose(system.wires.pop("a").stream)
    system.join(replica)
    settle(system)
    assert replica.sent == sent


def test_one_of_several_that_dials_again_is_told_its_share() -> None:
    system = of("a", "b")
    replica = system.wires["a"].replica
    replica.cache = dict.fromkeys(replica.cache, 0)
    system.partition.lose(system.wires.pop("a").stream)
    settle(system)
    system.join(replica)
    settle(system)
    assert replica.cache
    assert set(replica.cache.values()) == {1}


def test_a_session_that_begins_within_a_snapshot_is_not_sent_as_its_end() -> None:
    """The client would connect without guilds, and once more with READY."""
    system = of("a")
    system.world.shards[0] = Shard()
    wire = system.wires["a"]
    messages = ReplicaSnapshots(system.partition, wire.stream, system.world).messages()
    sent = [next(messages), next(messages)]
    assert [message is not None and message.WhichOneof("kind") for message in sent] == ["shards", "snapshot"]
    system.world.shards[0] = Shard(session=1, seq=1, unavailable={2, 4})
    heads = [each.snapshot for each in messages if each is not None and each.HasField("snapshot")]
    assert [each.last for each in heads if each.shard_id == 0] == []


def test_the_latency_of_a_session_is_sent_ahead_of_the_session() -> None:
    system = of("a")
    snapshots = ReplicaSnapshots(system.partition, system.wires["a"].stream, system.world)
    messages = snapshots.messages()
    first = next(messages)
    system.world.sessions += 1
    assert list(messages) == [], "what is sent now would have a latency from before"
    assert snapshots.behind
    second = next(snapshots.messages())
    assert [each is not None and each.HasField("shards") for each in (first, second)] == [True, True]


def test_the_first_message_of_a_shard_lists_its_guilds() -> None:
    system = of("a", "b")
    wire = system.wires["a"]
    shard = system.world.shards[0]
    shard.unavailable.add(gone := shard.guilds.popitem()[0])
    shard.departed[left := shard.guilds.popitem()[0]] = shard.seq
    snapshots = ReplicaSnapshots(system.partition, wire.stream, system.world)
    heads = [each.snapshot for each in snapshots.messages() if each and each.HasField("snapshot")]
    own = {each for each in (*shard.guilds, gone) if system.partition.owner(each) == "a"}
    assert [set(each.guild_ids) for each in heads if each.shard_id == 0 and each.first] == [own]
    assert left not in own
