"""Decides what waits on disk and what in memory, without a disk."""

from __future__ import annotations

from nescord_core.dispatch.sender.outbox import Outbox
from nescord_core.dispatch.sender.replica.queues import Partition, Stream
from nescord_core.dispatch.sender.spool.overflow import Overflow, Segment, SpillLimits, Wanted
from nescord_core.dispatch.sender.spool.records import Stored
from nescord_core.envelope import Envelope

LIMITS = SpillLimits(
    spill_events=100,
    spill_bytes=1 << 30,
    refill_events=150,
    refill_bytes=1 << 30,
    segment_bytes=10 * 410,
    disk_bytes=1 << 30,
    backlog=20,
)


class Disk:
    """An outbox with a partition, and files in a dict; ``put`` does what the sender does."""

    def __init__(self, limits: SpillLimits = LIMITS) -> None:
        self.outbox = Outbox(max_events=200, max_bytes=1 << 30)
        self.partition = Partition()
        self.overflow = Overflow(self.outbox, self.partition, limits)
        self.files: dict[int, list[Stored]] = {}
        self.seq = 0

    def put(self, guild: int = 1, session: str = "s") -> None:
        self.seq += 1
        entry = self.outbox.put(Envelope(0, session, self.seq, "T", guild, guild, b"0123456789", 1.0))
        assert entry is not None
        if not self.overflow.take(entry):
            self.partition.assign(entry)

    def write(self) -> None:
        for segment in self.overflow.unwritten():
            items = list(segment.buffered)
            self.files.setdefault(segment.number, []).extend(items)
            self.overflow.written(segment, len(items), 100 * len(items))

    def read(self) -> None:
        while (segment := self.overflow.readable()) is not None:
            self.overflow.restore(segment, self.files.get(segment.number, []))

    def attach(self, address: str = "a", credit: int = 10_000) -> Stream:
        return self.partition.attach(address, credit=credit, notify=lambda: None)

    def deliver(self, stream: Stream, count: int = 10_000) -> list[int]:
        """Send and finish up to ``count`` events; return their numbers."""
        first, batch = self.partition.take(stream, max_events=count, max_bytes=1 << 30)
        for entry in self.partition.acknowledge(stream, first, first + len(batch) - 1):
            self.outbox.done(entry)
        return [entry.envelope.seq for entry in batch]

    def all_of(self, stream: Stream) -> list[int]:
        found: list[int] = []
        while self.outbox.unfinished:
            self.read()
            batch = self.deliver(stream, 7)
            assert batch, "stuck"
            found += batch
        return found


def test_main_away_fills_memory_to_the_share_and_the_rest_waits_on_disk_in_order() -> None:
    disk = Disk()
    for _ in range(1000):
        disk.put(guild=disk.seq % 5)
        disk.write()
    assert disk.outbox.events == 100
    assert disk.outbox.spilled == 900
    disk.read()
    assert disk.outbox.events == 100, "read back though main is away"
    assert disk.all_of(disk.attach()) == list(range(1, 1001))
    assert disk.overflow.expendable()
    assert disk.overflow.idle
    assert disk.overflow.disk_bytes == 0


def test_memory_stays_under_its_bound_while_main_catches_up() -> None:
    disk = Disk()
    for _ in range(600):
        disk.put()
        disk.write()
    stream = disk.attach()
    seen: list[int] = []
    while disk.outbox.unfinished:
        disk.put()
        disk.write()
        disk.read()
        assert disk.outbox.events <= 200
        seen += disk.deliver(stream, 3)
        if disk.seq >= 900:
            seen += disk.all_of(stream)
    assert seen == list(range(1, disk.seq + 1))


def test_what_is_not_written_yet_comes_back_with_its_file_and_the_way_is_direct_again() -> None:
    disk = Disk()
    for _ in range(105):
        disk.put()
    disk.write()
    disk.put()
    stream = disk.attach()
    disk.deliver(stream)
    disk.read()
    assert not disk.overflow.active
    assert disk.deliver(stream) == [101, 102, 103, 104, 105, 106]
    disk.put()
    assert disk.deliver(stream) == [107]


def test_a_replica_that_does_not_keep_up_sends_nobody_elses_events_to_disk() -> None:
    disk = Disk()
    slow, fast = disk.attach("slow", credit=5), disk.attach("fast")
    guilds = {disk.partition.owner(guild): guild for guild in range(50)}
    for _ in range(300):
        disk.put(guild=guilds["slow"])
    disk.write()
    assert disk.outbox.spilled == 200
    for _ in range(50):
        disk.put(guild=guilds["fast"])
        assert disk.deliver(fast) == [disk.seq]
    assert disk.all_of(slow) == list(range(1, 301))


def test_when_replicas_change_nothing_overtakes_what_is_on_disk() -> None:
    disk = Disk()
    one = disk.attach("one")
    for _ in range(300):
        disk.put(guild=disk.seq % 10)
    disk.write()
    two = disk.attach("two")
    for _ in range(100):
        disk.put(guild=disk.seq % 10)
    disk.write()
    seen: dict[int, list[int]] = {guild: [] for guild in range(10)}
    while disk.outbox.unfinished:
        disk.read()
        for stream in (two, one):
            for seq in disk.deliver(stream, 13):
                seen[(seq - 1) % 10].append(seq)
    assert all(seqs == sorted(seqs) for seqs in seen.values())
    assert sum(map(len, seen.values())) == 400


def test_the_watermark_never_passes_what_is_on_disk() -> None:
    disk = Disk()
    for _ in range(150):
        disk.put()
    disk.write()
    stream = disk.attach()
    for _ in range(5):
        disk.put()
    disk.deliver(stream)
    assert disk.outbox.watermarks() == [(0, "s", 100)]
    disk.read()
    assert disk.outbox.watermarks() == []
    disk.all_of(stream)
    assert disk.outbox.watermarks() == [(0, "s", 155)]


def test_a_file_is_kept_until_all_its_events_are_done_unless_the_disk_is_full() -> None:
    disk = Disk()
    for _ in range(105):
        disk.put()
    disk.write()
    stream = disk.attach()
    disk.deliver(stream)
    disk.read()
    assert disk.overflow.expendable() == []
    disk.deliver(stream, 4)
    assert disk.overflow.expendable() == []
    disk.deliver(stream)
    assert disk.overflow.expendable() == [1]


def test_events_that_the_disk_lost_are_counted_and_let_the_watermark_pass() -> None:
    disk = Disk()
    for _ in range(105):
        disk.put()
    disk.write()
    del disk.files[1][3:]
    stream = disk.attach()
    assert len(disk.all_of(stream)) == 103
    assert disk.outbox.shed_by_shard == {0: 2}
    assert disk.outbox.watermarks() == [(0, "s", 105)]


def test_past_the_bound_of_the_disk_the_oldest_go() -> None:
    disk = Disk(SpillLimits(100, 1 << 30, 150, 1 << 30, 10 * 410, disk_bytes=5000, backlog=20))
    for _ in range(400):
        disk.put()
        disk.write()
        disk.overflow.expendable()
        while (segment := disk.overflow.excess()) is not None:
            for _ in range(10):
                oldest = disk.partition.pop_oldest()
                assert oldest is not None
                disk.outbox.shed(oldest)
            disk.overflow.restore(segment, disk.files[segment.number])
            disk.overflow.expendable()
        assert disk.overflow.disk_bytes <= 5000
    shed = disk.outbox.shed_by_shard[0]
    assert 240 <= shed <= 270
    assert disk.all_of(disk.attach()) == list(range(shed + 1, 401))


def test_what_an_earlier_process_left_stays_first_when_it_is_sent_again() -> None:
    """A new event that was waiting on disk arrived before the old ones were read."""
    disk = Disk()
    old = [Stored(n, Envelope(0, "old", n, "T", 1, 1, b"", 1.0)) for n in range(1, 4)]
    segment = disk.overflow.adopt(Wanted(0, "old", -1, 1000), 3, size=10)
    disk.files[segment.number] = old
    disk.overflow.close_generation()
    disk.put(session="new")
    stream = disk.attach()
    disk.read()
    disk.partition.take(stream, max_events=100, max_bytes=1 << 30)
    disk.partition.lose(stream)
    again = disk.attach()
    _, batch = disk.partition.take(again, max_events=100, max_bytes=1 << 30)
    assert [entry.envelope.session_id for entry in batch] == ["old", "old", "old", "new"]


def test_what_an_earlier_process_left_comes_first_and_marked() -> None:
    disk = Disk()
    old = [Stored(n, Envelope(0, "old", n, "T", 1, 1, b"", 1.0)) for n in range(1, 6)]
    other = [Stored(n, Envelope(3, "x", n, "T", 1, 1, b"", 1.0)) for n in range(1, 4)]
    segment: Segment = disk.overflow.adopt(Wanted(0, "old", -1, 1000), 5, size=10)
    disk.files[segment.number] = [*old, *other]
    disk.overflow.close_generation()
    stream = disk.attach()
    disk.put(session="new")
    assert disk.deliver(stream) == []
    disk.read()
    _, batch = disk.partition.take(stream, max_events=100, max_bytes=1 << 30)
    assert [(entry.envelope.session_id, entry.envelope.redelivered) for entry in batch] == [
        *[("old", True)] * 5,
        ("new", False),
    ]
