"""Decides which events in memory are on disk as well, without a disk."""

from __future__ import annotations

from dataclasses import replace

from nescord_core.dispatch.sender.outbox import Outbox
from nescord_core.dispatch.sender.replica.queues import Partition, Stream
from nescord_core.dispatch.sender.spool.overflow import Overflow, SpillLimits
from nescord_core.dispatch.sender.spool.records import Stored
from nescord_core.dispatch.sender.spool.write_behind import WriteBehind
from nescord_core.envelope import Envelope

LIMITS = SpillLimits(
    spill_events=1000,
    spill_bytes=1 << 30,
    refill_events=1500,
    refill_bytes=1 << 30,
    segment_bytes=20 * 410,
    disk_bytes=1 << 30,
    backlog=20,
)
REPLAYED = 100


class Disk:
    """An outbox with a partition, and files in a dict. A RESUME brings the last ``replayed`` events."""

    def __init__(self, limits: SpillLimits = LIMITS, *, replayed: int = REPLAYED) -> None:
        self.outbox = Outbox(max_events=2000, max_bytes=1 << 30)
        self.partition = Partition()
        self.overflow = Overflow(self.outbox, self.partition, limits)
        self.behind = WriteBehind(self.outbox, self.overflow, lambda _shard, _session: replayed)
        self.files: dict[int, list[Stored]] = {}
        self.spilled: dict[int, list[Stored]] = {}
        self.secured = -1
        self.seq = 0

    def put(self, count: int = 1, guild: int = 1) -> None:
        for _ in range(count):
            self.seq += 1
            entry = self.outbox.put(Envelope(0, "s", self.seq, "T", guild, guild, b"0123456789", 1.0))
            assert entry is not None
            if not self.overflow.take(entry):
                self.partition.assign(entry)

    def write(self) -> int:
        """Write what is due; return how many events that was."""
        count = 0
        for write in self.behind.due():
            items = [Stored(entry.order, entry.envelope) for entry in write.entries]
            self.files.setdefault(write.backup.number, []).extend(items)
            self.behind.written(write, 100 * len(write.entries))
            count += len(write.entries)
        return count

    def spill(self) -> None:
        for segment in self.overflow.unwritten():
            items = list(segment.buffered)
            self.spilled.setdefault(segment.number, []).extend(items)
            self.overflow.written(segment, len(items), 100 * len(items))

    def remove(self) -> None:
        for number in self.behind.expendable():
            del self.files[number]

    def position(self) -> int:
        """Return the seq from which a RESUME may start."""
        for _, _, seq in self.behind.risen():
            self.secured = seq
        return self.secured

    def attach(self, credit: int = 10_000) -> Stream:
        return self.partition.attach("a", credit=credit, notify=lambda: None)

    def take(self, stream: Stream, count: int) -> int:
        return self.partition.take(stream, max_events=count, max_bytes=1 << 30)[0]

    def finish(self, stream: Stream, number: int) -> None:
        self.outbox.done(*self.partition.acknowledge(stream, number, number))

    def on_disk(self) -> list[int]:
        return sorted(item.envelope.seq for items in self.files.values() for item in items)


def test_events_are_written_once_half_of_what_discord_replays_is_unfinished() -> None:
    disk = Disk()
    disk.put(50)
    assert disk.write() == 0
    assert disk.position() == 0
    disk.put()
    assert disk.write() == 51
    assert disk.on_disk() == list(range(1, 52))
    assert disk.position() == 51


def test_they_stay_in_memory_and_in_delivery() -> None:
    disk = Disk()
    disk.put(60)
    disk.write()
    assert (disk.outbox.events, disk.outbox.spilled) == (60, 0)
    stream = disk.attach()
    _, batch = disk.partition.take(stream, max_events=100, max_bytes=1 << 30)
    assert [entry.envelope.seq for entry in batch] == list(range(1, 61))
    assert not any(entry.redelivered for entry in batch)


def test_the_resume_point_never_falls_behind_what_discord_replays_however_long_main_is_away() -> None:
    disk = Disk()
    for _ in range(5000):
        disk.put()
        disk.write()
        disk.spill()
        assert disk.seq - disk.position() <= REPLAYED // 2
    assert disk.outbox.spilled


def test_with_a_main_that_keeps_up_nothing_is_written() -> None:
    disk = Disk()
    stream = disk.attach()
    for _ in range(500):
        disk.put(10)
        number = disk.take(stream, 10)
        assert disk.write() == 0
        for each in range(number, number + 10):
            disk.finish(stream, each)
        assert disk.position() == disk.seq


def test_one_event_that_never_ends_does_not_hold_the_resume_point_back_for_ever() -> None:
    disk = Disk()
    stream = disk.attach()
    disk.put()
    disk.take(stream, 1)
    for _ in range(1000):
        disk.put()
        number = disk.take(stream, 1)
        disk.write()
        disk.finish(stream, number)
        disk.remove()
        assert disk.seq - disk.position() <= REPLAYED // 2
    assert len(disk.on_disk()) < 30
    assert 1 in disk.on_disk()


def test_a_file_is_removed_when_all_its_events_are_done() -> None:
    disk = Disk()
    disk.put(60)
    disk.write()
    assert len(disk.files) == 3
    stream = disk.attach()
    disk.take(stream, 60)
    for number in range(2, 61):
        disk.finish(stream, number)
    disk.remove()
    assert 1 in disk.on_disk()
    assert len(disk.files) == 1
    disk.finish(stream, 1)
    disk.remove()
    assert not disk.files
    assert disk.overflow.disk_bytes == 0
    assert disk.behind.is_idle


def test_an_ended_session_is_written_at_once_as_nothing_of_it_is_replayed() -> None:
    disk = Disk(replayed=0)
    disk.put()
    assert disk.write() == 1


def test_a_spilled_event_is_secured_when_it_is_written_and_not_before() -> None:
    disk = Disk(replace(LIMITS, spill_events=10), replayed=20)
    disk.put(30)
    disk.write()
    assert disk.position() == 10
    disk.spill()
    assert disk.position() == 30


def test_what_comes_back_without_ever_having_been_on_disk_is_not_secured() -> None:
    disk = Disk(replace(LIMITS, spill_events=10), replayed=20)
    disk.put(15)
    disk.write()
    stream = disk.attach()
    disk.take(stream, 10)
    for number in range(1, 11):
        disk.finish(stream, number)
    segment = disk.overflow.readable()
    assert segment is not None
    disk.overflow.restore(segment, [])
    assert disk.position() == 10
    disk.put(10)
    disk.write()
    assert disk.position() == 25
    assert disk.on_disk()[-15:] == list(range(11, 26))


def test_without_room_the_oldest_backups_go_first_and_are_not_written_over_and_over() -> None:
    disk = Disk(replace(LIMITS, disk_bytes=10_000))
    disk.put(90)
    disk.write()
    assert disk.position() == 90
    disk.put(60)
    disk.write()
    disk.remove()
    assert disk.overflow.disk_bytes <= 10_000
    assert disk.position() < 90, "what is no longer on disk must be replayed"
    assert disk.on_disk()[-1] == 150
    assert disk.write() == 0
    assert disk.behind.dropped
    assert disk.outbox.shed_by_shard == {}


def test_backups_are_written_again_when_there_is_room() -> None:
    disk = Disk(replace(LIMITS, disk_bytes=10_000))
    disk.put(150)
    disk.write()
    disk.remove()
    stream = disk.attach()
    disk.take(stream, 150)
    for number in range(1, 81):
        disk.finish(stream, number)
    disk.remove()
    disk.write()
    assert disk.position() == 150


def test_events_written_again_do_not_share_a_file_with_later_ones() -> None:
    """A file is read where its first event belongs: older events must not take later ones along."""
    disk = Disk(replace(LIMITS, disk_bytes=10_000))
    disk.put(150)
    disk.write()
    disk.remove()
    stream = disk.attach()
    disk.take(stream, 150)
    for number in range(61, 121):
        disk.finish(stream, number)
    disk.remove()
    disk.put(60)
    disk.write()
    files = sorted(disk.files.values(), key=lambda items: items[0].order)
    read = [item.envelope.seq for items in files for item in items]
    assert read == sorted(read)
    assert {*range(1, 61), *range(121, 211)} <= {*read}


def test_files_read_in_the_order_of_their_first_events_have_every_lane_in_order() -> None:
    """Events wait in memory, on disk, and in memory again; the middle ones must not come last."""
    disk = Disk(replace(LIMITS, spill_events=20, backlog=5), replayed=0)
    disk.put(20)
    disk.write()
    disk.put(20)
    disk.spill()
    stream = disk.attach()
    disk.take(stream, 20)
    for number in range(1, 20):  # all but one: the first file stays
        disk.finish(stream, number)
    segment = disk.overflow.readable()
    assert segment is not None
    disk.overflow.restore(segment, disk.spilled[segment.number])
    disk.take(stream, 100)
    for number in range(21, 41):
        disk.finish(stream, number) if number % 2 else None
    disk.put(5)
    assert not disk.overflow.active
    disk.write()
    files = [*disk.files.values(), *disk.spilled.values()]
    read = [item.envelope.seq for items in sorted(files, key=lambda items: items[0].order) for item in items]
    assert read == sorted(read)
    assert read[-1] == 45
