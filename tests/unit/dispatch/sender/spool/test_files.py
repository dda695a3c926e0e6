"""Files of the spool on a real disk: reused, damaged, taken over."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from nescord_core.dispatch.sender.outbox import Outbox
from nescord_core.dispatch.sender.replica.queues import Partition
from nescord_core.dispatch.sender.spool.files import SpoolFiles, read_file
from nescord_core.dispatch.sender.spool.leftovers import Leftovers
from nescord_core.dispatch.sender.spool.overflow import Overflow, SpillLimits
from nescord_core.dispatch.sender.spool.records import Stored
from nescord_core.envelope import Envelope

LIMITS = SpillLimits.of(max_events=10_000, max_bytes=1 << 30, disk_bytes=1 << 30)


def events(first: int, last: int, *, shard: int = 0, session: str = "s", size: int = 20) -> list[Stored]:
    return [
        Stored(order, Envelope(shard, session, order, "T", 1, 1, b"x" * size, 1.0))
        for order in range(first, last + 1)
    ]


def spool_files(folder: Path, name: str = "1") -> SpoolFiles:
    return SpoolFiles(folder, name=name, shard_ids=[0, 1], shard_count=2)


def test_a_file_that_is_no_longer_needed_is_overwritten(tmp_path: Path) -> None:
    files = spool_files(tmp_path)
    files.append(1, events(1, 100))
    inode = next(tmp_path.rglob("*.events")).stat().st_ino
    files.remove(1)
    assert not list(tmp_path.rglob("*.events"))
    files.append(2, events(101, 110))
    path = next(tmp_path.rglob("*.events"))
    assert path.stat().st_ino == inode
    assert files.read(2) == events(101, 110)
    size = path.stat().st_size
    files.append(2, events(111, 120))
    assert files.read(2) == events(101, 120)
    files.append(3, events(121, 121))
    assert path.stat().st_size < size, "nothing of its earlier use is kept"
    assert files.read(2) == events(101, 120)


def test_few_files_are_kept_for_reuse_and_none_at_the_end(tmp_path: Path) -> None:
    files = spool_files(tmp_path)
    for number in range(1, 31):
        files.append(number, events(number, number))
    for number in range(1, 31):
        files.remove(number)
    assert len(list(tmp_path.rglob("*.spare"))) == 8
    files.close()
    assert not list(tmp_path.iterdir())


def test_the_next_process_does_not_read_files_kept_for_reuse(tmp_path: Path) -> None:
    killed = spool_files(tmp_path)
    killed.append(1, events(1, 5))
    killed.append(2, events(6, 9))
    killed.remove(1)
    release(killed)
    files = spool_files(tmp_path, "2")
    assert [list(each.seqs[0, "s"]) for each in files.take_over()] == [[6, 7, 8, 9]]
    assert not list(tmp_path.rglob("*.spare"))


def test_a_write_that_fails_leaves_what_was_there_before(tmp_path: Path) -> None:
    files = spool_files(tmp_path)
    files.append(1, events(1, 10))
    limit, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limit[1]))
    try:
        with pytest.raises(OSError, match="large"):
            files.append(1, events(11, 20, size=1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert files.read(1) == events(1, 10)
    files.append(1, events(11, 12))
    assert files.read(1) == events(1, 12)


def test_a_damaged_file_is_reported_once_and_the_rest_of_it_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    killed = spool_files(tmp_path)
    killed.append(1, events(1, 5))
    killed.append(1, events(6, 9))
    release(killed)
    path = next(tmp_path.rglob("*.events"))
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.write_bytes(data)
    files = spool_files(tmp_path, "2")
    leftovers = files.take_over()
    assert [list(each.seqs[0, "s"]) for each in leftovers] == [[6, 7, 8, 9]]
    read_file(path, is_known=True)
    assert len(caplog.records) == 1
    assert "4 events in it can" in caplog.text


def test_a_file_without_an_intact_event_is_set_aside_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "00000001.events"
    path.write_bytes(bytes(500))
    assert read_file(path) == []
    assert [each.name for each in tmp_path.iterdir()] == ["00000001.events.damaged-1"]
    assert len(caplog.records) == 1
    assert read_file(path) == []
    path.touch()
    assert read_file(path) == []
    assert path.exists(), "an empty file is not damaged"


def test_the_order_of_a_shards_files_does_not_depend_on_other_shards_in_them(tmp_path: Path) -> None:
    """The second file begins with an older event, of another shard."""
    killed = spool_files(tmp_path)
    killed.append(1, events(10, 20, shard=1, session="b"))
    killed.append(2, [*events(1, 9), *events(21, 30, shard=1, session="b")])
    release(killed)
    files = spool_files(tmp_path, "2")
    outbox, partition = Outbox(max_events=10_000, max_bytes=1 << 30), Partition()
    overflow = Overflow(outbox, partition, LIMITS)
    leftovers = Leftovers(outbox, overflow, Path.unlink)
    leftovers.found(files.take_over())
    leftovers.decide(1, None)
    read: list[int] = []
    while (segment := overflow.readable()) is not None:
        path = leftovers.path_of(segment.number)
        items = read_file(path) if path is not None else []
        read += [item.order for item in items if item.envelope.shard_id == 1]
        overflow.restore(segment, items)
    assert read == list(range(10, 31))


def release(files: SpoolFiles) -> None:
    """Release the locks of a process as the system does when it is killed."""
    for lock in files._locks.values():
        os.close(lock)
