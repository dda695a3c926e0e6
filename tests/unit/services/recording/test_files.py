"""Recordings: written, scrubbed, truncated, read back."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nescord_core.errors import ConfigError, NescordError
from nescord_core.services.recording.files import episodes, recent, recording, replayable
from nescord_core.tracing import records

ALL = frozenset[str]()


def seen(seq: int, type_: str = "MESSAGE_CREATE", *, again: bool = False, **data: Any) -> records.Seen:
    raw = msgspec.Raw(json.dumps({"n": seq, **data}).encode())
    return records.Seen(f"0-abc-{seq}", type_, 0, "abc", seq, 1000.0 + seq, data=raw, again=again)


def called(seq: int, content: str) -> records.Called:
    body = msgspec.Raw(json.dumps({"content": content}).encode())
    return records.Called(f"0-abc-{seq}", "POST", "/channels/1/messages", body, status=200)


def write(path: Path, scrub: frozenset[str] = ALL) -> None:
    with recording(path, scrub=scrub, force=False) as recorder:
        for record in (
            records.Hello("0", 1, 99),
            seen(1, content="hi", token="t0k3n"),
            seen(2),
            called(1, "hello"),
            records.Ended("0-abc-1", 5.0),
            records.Ended("0-abc-2", 1.0, "ValueError: no"),
        ):
            recorder.put(record)
        assert recorder.events == 2


@pytest.mark.parametrize("name", ["some.zst", "some.jsonl", "some"])
def test_a_recording_is_read_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"hello" in path.read_bytes()) is name.endswith(".jsonl")
    first, second = episodes(path)
    assert json.loads(bytes(first.event.data)) == {"n": 1, "content": "hi", "token": "(scrubbed)"}
    assert [json.loads(bytes(call.body)) for call in first.calls] == [{"content": "hello"}]
    assert (first.error, second.error) == ("", "ValueError: no")


def test_content_is_scrubbed_from_events_and_calls(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    write(path, frozenset({"content"}))
    assert b"hello" not in path.read_bytes()
    (first, _) = episodes(path)
    assert json.loads(bytes(first.calls[0].body)) == {"content": "xxxxx"}


def test_a_truncated_recording_is_read_as_far_as_possible(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    write(path)
    path.write_bytes(path.read_bytes()[:-30])
    assert [each.ended for each in episodes(path)] == [True, False]
    compressed = tmp_path / "other.zst"
    with recording(compressed, scrub=ALL, force=False) as recorder:
        recorder.put(seen(1))
        recorder.flush()
        so_far = compressed.read_bytes()
    compressed.write_bytes(so_far)
    assert len(episodes(compressed)) == 1


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "some.zst"
    write(path)
    with pytest.raises(ConfigError, match="exists"):
        write(path)
    with pytest.raises(ConfigError, match="cannot be written"):
        write(tmp_path / "nowhere" / "some.zst")
    (tmp_path / "other").write_text("{}\n")
    with pytest.raises(ConfigError, match="not a recording"):
        episodes(tmp_path / "other")
    with pytest.raises(ConfigError, match="cannot be read"):
        episodes(tmp_path / "missing")
    with pytest.raises(NescordError, match="nescord dev"):
        recent(tmp_path)


def test_session_events_and_replayed_events_are_not_replayed(tmp_path: Path) -> None:
    path = tmp_path / "some.zst"
    with recording(path, scrub=ALL, force=False) as recorder:
        for record in (seen(1, "READY"), seen(2, "RESUMED"), seen(3), seen(4, again=True)):
            recorder.put(record)
    assert [each.event.seq for each in replayable(episodes(path))] == [3]
