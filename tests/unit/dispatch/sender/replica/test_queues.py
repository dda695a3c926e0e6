from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nescord_core.dispatch.sender.outbox import Entry, Outbox
from nescord_core.dispatch.sender.replica.queues import Partition, Stream, rendezvous, seed_of
from nescord_core.envelope import Envelope


class Sequence:
    """Creates entries with consecutive numbers."""

    def __init__(self) -> None:
        self.outbox = Outbox(max_events=10_000, max_bytes=10_000_000)
        self.last = 0

    def entry(self, guild: int, lane: int | str | None = None) -> Entry:
        self.last += 1
        entry = self.outbox.put(Envelope(0, "s", self.last, "T", guild, guild, b"{}", 0.0), lane)
        assert entry is not None
        return entry


def nothing() -> None: ...


def attach(partition: Partition, address: str, credit: int = 1000) -> Stream:
    return partition.attach(address, credit=credit, notify=nothing)


def take(partition: Partition, stream: Stream, count: int = 1000) -> list[Entry]:
    return partition.take(stream, max_events=count, max_bytes=1_000_000)[1]


def settle_all(partition: Partition, stream: Stream) -> None:
    list(partition.acknowledge(stream, 1, stream.next_number))


GUILDS = [(81384788765712384 + (n << 22) * 977) & ((1 << 63) - 1) for n in range(4000)]


def owners(partition: Partition) -> dict[int, str | None]:
    return {guild: partition.owner(guild) for guild in GUILDS}


def test_guilds_spread_evenly_over_replicas() -> None:
    partition = Partition()
    for n in range(4):
        attach(partition, f"10.0.0.{n}:5000")
    counts = Counter(owners(partition).values())
    assert len(counts) == 4
    assert min(counts.values()) > 800
    assert max(counts.values()) < 1200


def test_a_replica_that_joins_or_leaves_moves_only_its_share() -> None:
    partition = Partition()
    attach(partition, "a")
    stream = attach(partition, "b")
    two = owners(partition)
    third = attach(partition, "c")
    three = owners(partition)
    assert {three[guild] for guild in GUILDS if two[guild] != three[guild]} == {"c"}
    partition.lose(third)
    assert owners(partition) == two
    partition.lose(stream)
    assert set(owners(partition).values()) == {"a"}


def test_the_hash_is_the_same_in_every_process() -> None:
    code = (
        "from nescord_core.dispatch.sender.replica.queues import rendezvous, seed_of;"
        "print(rendezvous(81384788765712384, seed_of('10.0.0.1:5000')))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {f"{rendezvous(81384788765712384, seed_of('10.0.0.1:5000'))}\n"}


def test_a_key_moves_only_when_nothing_of_it_is_in_flight() -> None:
    partition, events = Partition(), Sequence()
    old = attach(partition, "a")
    sent = [events.entry(7), events.entry(7)]
    for entry in sent:
        partition.assign(entry)
    assert take(partition, old) == sent
    partition.drain(old)
    new = attach(partition, "a")
    later = events.entry(7)
    other = events.entry(8)
    partition.assign(later)
    partition.assign(other)
    assert take(partition, new) == [other]
    assert list(partition.acknowledge(old, 1, 1)) == [sent[0]]
    assert take(partition, new) == []
    assert list(partition.acknowledge(old, 2, 2)) == [sent[1]]
    assert take(partition, new) == [later]
    assert partition.held() == 0


def test_what_a_dead_replica_held_goes_first_and_is_marked() -> None:
    partition, events = Partition(), Sequence()
    stream = attach(partition, "a", credit=2)
    entries = [events.entry(guild) for guild in (1, 2, 1, 3)]
    for entry in entries:
        partition.assign(entry)
    assert take(partition, stream) == entries[:2]
    assert partition.lose(stream) == 2
    again = attach(partition, "b")
    assert take(partition, again) == entries
    assert [entry.redelivered for entry in entries] == [True, True, False, False]


def test_what_a_replica_may_still_begin_stays_until_it_is_lost_and_the_rest_goes_on() -> None:
    partition, events = Partition(), Sequence()
    stream = attach(partition, "a", credit=2)
    sent = [events.entry(guild) for guild in (1, 2)]
    later, other = events.entry(1), events.entry(3)
    for entry in (*sent, later, other):
        partition.assign(entry)
    assert take(partition, stream) == sent
    partition.abandon(stream)
    assert take(partition, stream) == []
    again = attach(partition, "a")
    assert take(partition, again) == [other]
    assert partition.lose(stream) == 2
    assert take(partition, again) == [*sent, later]
    assert [entry.redelivered for entry in (*sent, later, other)] == [True, True, False, False]


def test_an_abandoned_stream_does_not_take_the_place_of_its_successor() -> None:
    partition, events = Partition(), Sequence()
    old = attach(partition, "a")
    partition.drain(old)
    new = attach(partition, "a")
    partition.abandon(old)
    entry = events.entry(1)
    partition.assign(entry)
    assert take(partition, new) == [entry]


def test_what_an_earlier_process_held_is_known_by_its_mark() -> None:
    partition, events = Partition(), Sequence()
    stream = attach(partition, "a")
    partition.assign(events.entry(1))
    assert not partition.has_restored(stream)
    restored = events.outbox.put(Envelope(0, "s", 99, "T", 2, 2, b"{}", 0.0, True))
    assert restored is not None
    partition.assign(restored)
    assert partition.has_restored(stream)
    take(partition, stream)
    assert not partition.has_restored(stream)


@pytest.mark.parametrize("started", [True, False])
def test_what_was_handed_back_goes_first_and_is_marked_only_if_it_had_begun(started: bool) -> None:
    partition, events = Partition(), Sequence()
    old = attach(partition, "a")
    entries = [events.entry(1), events.entry(1), events.entry(1)]
    for entry in entries:
        partition.assign(entry)
    take(partition, old, 2)
    partition.drain(old)
    new = attach(partition, "a")
    assert partition.hand_back(old, [(2, 2)], started=started) == 1
    assert take(partition, new) == []
    assert partition.hand_back(old, [(1, 1), (1, 1), (99, 99)], started=started) == 1
    assert take(partition, new) == entries
    assert [entry.redelivered for entry in entries] == [started, started, False]


def test_a_replica_without_credit_does_not_hold_up_the_other() -> None:
    partition, events = Partition(), Sequence()
    slow, fast = attach(partition, "a", credit=1), attach(partition, "b")
    for guild in range(1, 101):
        partition.assign(events.entry(guild))
    assert len(take(partition, slow)) == 1
    assert take(partition, slow) == []
    assert len(take(partition, fast)) > 20
    assert 0 < partition.queued() < 80


def test_an_acknowledgement_wakes_a_stream_that_had_no_credit() -> None:
    partition, events = Partition(), Sequence()
    calls: list[str] = []
    stream = partition.attach("a", credit=1, notify=lambda: calls.append("woken"))
    partition.assign(events.entry(1))
    partition.assign(events.entry(1))
    assert calls == ["woken"]
    take(partition, stream)
    settle_all(partition, stream)
    assert calls == ["woken", "woken"]
    assert len(take(partition, stream)) == 1


def test_a_large_event_goes_alone() -> None:
    partition, events = Partition(), Sequence()
    stream = attach(partition, "a")
    for _ in range(3):
        partition.assign(events.entry(1))
    sizes = []
    while batch := partition.take(stream, max_events=10, max_bytes=1)[1]:
        sizes.append(len(batch))
    assert sizes == [1, 1, 1]


def test_the_answer_to_a_command_stays_with_the_replica_that_asked() -> None:
    """Chunks belong to the replica that requested them."""
    partition, events = Partition(), Sequence()
    first, second = attach(partition, "a"), attach(partition, "b")
    for guild in range(20):
        partition.assign(events.entry(guild, "b"))
    assert take(partition, first) == []
    assert len(take(partition, second)) == 20
    partition.lose(second)
    assert len(take(partition, first)) == 20


def test_a_drained_replica_keeps_its_share_until_it_is_given_up() -> None:
    partition, events = Partition(), Sequence()
    first, second = attach(partition, "a"), attach(partition, "b")
    before = owners(partition)
    partition.drain(second)
    assert owners(partition) == before
    for guild in range(50):
        partition.assign(events.entry(guild))
    held_back = 50 - len(take(partition, first))
    assert held_back == partition.queued() > 0
    partition.vacate("b")
    assert len(take(partition, first)) == held_back
    partition.vacate("a")
    assert partition.owner(1) == "a", "a replica with a stream is not given up"


class Model(RuleBasedStateMachine):
    """Replicas join and leave in any order: nothing is lost, and guilds stay in order and in one place."""

    def __init__(self) -> None:
        super().__init__()
        self.partition = Partition()
        self.events = Sequence()
        self.live: list[Stream] = []
        self.leaving: list[Stream] = []
        self.waiting: set[int] = set()
        self.handled: dict[int, list[int]] = defaultdict(list)
        self.unmarked: Counter[int] = Counter()
        self.returned: set[int] = set()
        self.shed: set[int] = set()
        self.done: set[int] = set()

    @rule(guild=st.integers(1, 6), count=st.integers(1, 4))
    def put(self, guild: int, count: int) -> None:
        for _ in range(count):
            entry = self.events.entry(guild)
            self.waiting.add(entry.envelope.seq)
            self.partition.assign(entry)

    @rule(address=st.sampled_from("abc"), credit=st.integers(1, 5))
    def join(self, address: str, credit: int) -> None:
        if all(stream.address != address for stream in self.live):
            self.live.append(attach(self.partition, address, credit))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), count=st.integers(1, 4))
    def send(self, data: st.DataObject, count: int) -> None:
        stream = data.draw(st.sampled_from(self.live))
        for entry in take(self.partition, stream, count):
            elsewhere = [
                other
                for other in self.live + self.leaving
                if other is not stream and any(e.lane == entry.lane for e in other.in_flight.values())
            ]
            assert not elsewhere, "a guild in flight on two streams"
            seq = entry.envelope.seq
            before = self.handled[entry.envelope.key]
            if not entry.redelivered and seq not in self.returned:
                assert not before or seq > max(before), "out of order"
            before.append(seq)
            self.unmarked[seq] += not entry.redelivered and seq not in self.returned
            assert self.unmarked[seq] <= 1, "sent twice without a mark"
            self.returned.discard(seq)

    @precondition(lambda self: any(s.in_flight for s in self.live + self.leaving))
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from([s for s in self.live + self.leaving if s.in_flight]))
        first = data.draw(st.sampled_from(sorted(stream.in_flight)))
        last = data.draw(st.integers(first, first + 3))
        for entry in self.partition.acknowledge(stream, first, last):
            assert entry.envelope.seq not in self.done
            self.done.add(entry.envelope.seq)
            self.waiting.discard(entry.envelope.seq)
            self.events.outbox.done(entry)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def drain(self, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from(self.live))
        self.live.remove(stream)
        self.leaving.append(stream)
        self.partition.drain(stream)

    @precondition(lambda self: any(s.in_flight for s in self.leaving))
    @rule(data=st.data(), started=st.booleans())
    def hand_back(self, data: st.DataObject, started: bool) -> None:
        stream = data.draw(st.sampled_from([s for s in self.leaving if s.in_flight]))
        numbers = [(number, number) for number in sorted(stream.in_flight)]
        self.returned |= {entry.envelope.seq for entry in stream.in_flight.values()}
        self.partition.hand_back(stream, numbers, started=started)

    @precondition(lambda self: self.live + self.leaving)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from(self.live + self.leaving))
        (self.live if stream in self.live else self.leaving).remove(stream)
        self.partition.lose(stream)

    @rule(address=st.sampled_from("abc"))
    def give_up(self, address: str) -> None:
        self.partition.vacate(address)

    @rule()
    def drop_oldest(self) -> None:
        entry = self.partition.pop_oldest()
        if entry is not None:
            self.waiting.discard(entry.envelope.seq)
            self.events.outbox.shed(entry)

    @invariant()
    def nothing_is_lost(self) -> None:
        in_flight = sum(len(stream.in_flight) for stream in self.live + self.leaving)
        assert self.partition.queued() + in_flight == len(self.waiting) == self.events.outbox.events
        assert all(len(stream.in_flight) <= stream.credit for stream in self.live + self.leaving)

    def teardown(self) -> None:
        for stream in self.live + self.leaving:
            self.partition.lose(stream)
        for address in "abc":
            self.partition.vacate(address)
        stream = attach(self.partition, "last")
        assert sorted(entry.envelope.seq for entry in take(self.partition, stream)) == sorted(self.waiting)


Model.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestModel = Model.TestCase
