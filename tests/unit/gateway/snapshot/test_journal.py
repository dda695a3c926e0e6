"""A journal restores a shard's snapshot in the next process."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nescord_core.gateway.snapshot.journal import SnapshotJournal
from nescord_core.gateway.snapshot.shard_snapshot import Record, ShardSnapshot, restore
from nescord_core.settings import SnapshotSettings


class Writer:
    """A shard whose events are journaled."""

    def __init__(self, path: Path, **options: int) -> None:
        self.snapshot = ShardSnapshot(SnapshotSettings(enabled=True))
        self.journal = SnapshotJournal(path, **options)
        self.seq = 0

    def feed(self, kind: str, data: Any, guild_id: int = 7) -> None:
        self.seq += 1
        record = Record(kind, "session", self.seq, guild_id, json.dumps(data).encode())
        if self.snapshot.apply("session", self.seq, kind, guild_id, record.data):
            self.journal.append(record, self.snapshot)

    def begin(self) -> None:
        self.feed("READY", {"user": {"id": "1"}, "guilds": [{"id": "7"}, {"id": "8"}]}, 0)
        self.feed(
            "GUILD_CREATE", {"id": "7", "name": "one", "member_count": 1, "members": [], "channels": []}
        )


Start = Callable[..., Writer]


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes writers and closes them after the test's assertions, as a killed process closes nothing."""
    made: list[Writer] = []

    def start(path: Path, **options: int) -> Writer:
        made.append(Writer(path, **options))
        return made[-1]

    yield start
    for each in made:
        each.journal.close()


def recalled(path: Path) -> ShardSnapshot:
    found = ShardSnapshot(SnapshotSettings(enabled=True))
    SnapshotJournal(path).restore(found)
    return found


def same(one: ShardSnapshot, other: ShardSnapshot) -> bool:
    shape = [
        (each.session_id, each.ready, each.unavailable, [*map(restore, each.guilds())])
        for each in (one, other)
    ]
    return shape[0] == shape[1]


def test_a_killed_process_leaves_all_that_it_has_passed_on(start: Start, tmp_path: Path) -> None:
    writer = start(tmp_path / "j")
    writer.begin()
    writer.feed("CHANNEL_CREATE", {"id": "10", "name": "new"})
    writer.feed("GUILD_MEMBER_ADD", {"user": {"id": "5"}})
    assert same(recalled(tmp_path / "j"), writer.snapshot), "without a close"


def test_nothing_written_is_nothing_known(tmp_path: Path) -> None:
    assert recalled(tmp_path / "j").ready is None


def test_a_torn_last_record_is_left_out(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "j"
    writer = start(path)
    writer.begin()
    whole = path.stat().st_size
    writer.feed("CHANNEL_CREATE", {"id": "10", "name": "new"})
    path.write_bytes(path.read_bytes()[:-3])
    assert path.stat().st_size > whole
    (guild,) = recalled(path).guilds()
    assert restore(guild)["channels"] == []


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_journal_is_set_aside_in_one_line(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    chance, path = random.Random(seed), tmp_path / "j"
    writer = start(path)
    writer.begin()
    for number in range(20):
        writer.feed("CHANNEL_CREATE", {"id": str(number), "name": "new"})
    data = bytearray(path.read_bytes())
    if seed % 3:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    else:
        at = chance.randrange(len(data) - 100)
        data[at : at + 100] = chance.choice((bytes(100), chance.randbytes(100)))
    path.write_bytes(data)
    assert recalled(path).ready is None
    assert [each.name for each in tmp_path.iterdir()] == ["j.damaged-1"]
    assert len(caplog.records) == 1
    again = start(path)
    again.begin()
    assert same(recalled(path), again.snapshot), "a new one is written"


def test_events_that_come_again_after_a_resume_change_nothing(start: Start, tmp_path: Path) -> None:
    """Replaying from the last acknowledged event does not count a new member twice."""
    path = tmp_path / "j"
    writer = start(path)
    writer.begin()
    writer.feed("GUILD_MEMBER_ADD", {"user": {"id": "5"}})
    found = recalled(path)
    found.apply("session", writer.seq, "GUILD_MEMBER_ADD", 7, b'{"user":{"id":"5"}}')
    (guild,) = found.guilds()
    assert restore(guild)["member_count"] == 2


def test_a_file_that_has_grown_is_written_anew(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "j"
    writer = start(path, small=100_000)
    writer.begin()
    for number in range(2000):
        writer.feed("CHANNEL_UPDATE", {"id": "10", "name": f"n{number}", "topic": "t" * 100})
    assert path.stat().st_size < 250_000
    assert same(recalled(path), writer.snapshot)
    writer.feed("CHANNEL_DELETE", {"id": "10"})
    assert same(recalled(path), writer.snapshot)


def test_a_disk_that_cannot_be_written_is_said_once(start: Start, tmp_path: Path, caplog: Any) -> None:
    writer = start(tmp_path / "lost" / "state_dir" / "j")
    writer.begin()
    writer.feed("CHANNEL_CREATE", {"id": "10"})
    assert len(caplog.records) == 1
    assert "new session" in caplog.text


def test_a_file_of_another_version_is_not_used(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    writer = start(path)
    writer.begin()
    writer.journal.append(
        Record("PICTURE", "session", 9, 7, msgspec.msgpack.encode(("of", "old"))), writer.snapshot
    )
    again = start(path)
    again.journal.restore(again.snapshot)
    assert again.snapshot.ready is None
