from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nescord_core.dispatch.sender.outbox import Entry, Outbox
from nescord_core.envelope import Envelope


def event(seq: int, *, session: str = "s", shard: int = 0, key: int = 1, size: int = 2) -> Envelope:
    return Envelope(shard, session, seq, "MESSAGE_CREATE", key, key, b"x" * size, 100.0 + seq)


def outbox(events: int = 1000, size: int = 1_000_000) -> Outbox:
    return Outbox(max_events=events, max_bytes=size)


def put(box: Outbox, envelope: Envelope) -> Entry:
    entry = box.put(envelope)
    assert entry is not None
    return entry


@given(st.data())
def test_the_watermark_is_the_highest_seq_below_which_all_is_done(data: st.DataObject) -> None:
    """The persisted seq advances only over events that were acknowledged; seqs are per session."""
    box = outbox()
    open_entries: list[Entry] = []
    came: dict[tuple[int, str], int] = {}
    undone: dict[tuple[int, str], set[int]] = {}
    told: dict[tuple[int, str], int] = {}
    for _ in range(data.draw(st.integers(0, 60))):
        name = (data.draw(st.integers(0, 1)), data.draw(st.sampled_from("ab")))
        match data.draw(st.sampled_from(["put", "skip", "done", "report"])):
            case "put":
                seq = came[name] = came.get(name, 0) + data.draw(st.integers(1, 3))
                open_entries.append(put(box, event(seq, shard=name[0], session=name[1])))
                undone.setdefault(name, set()).add(seq)
            case "skip":
                came[name] = came.get(name, 0) + 1
                box.skip(*name, came[name])
            case "done" if open_entries:
                entry = open_entries.pop(data.draw(st.integers(0, len(open_entries) - 1)))
                box.done(entry)
                envelope = entry.envelope
                undone[envelope.shard_id, envelope.session_id].discard(envelope.seq)
            case "report":
                told |= {(shard, session): seq for shard, session, seq in box.watermarks()}
        if box.sessions() < len(came):
            # A forgotten session cannot return with old numbers here, but with higher ones it can.
            continue
        for known, seq in told.items():
            assert all(seq < waiting for waiting in undone.get(known, ()))
            assert seq <= came[known]
    told |= {(shard, session): seq for shard, session, seq in box.watermarks()}
    assert box.events == sum(map(len, undone.values())) == len(open_entries)
    for entry in open_entries:
        box.done(entry)
    told |= {(shard, session): seq for shard, session, seq in box.watermarks()}
    assert told == came
    assert box.bytes == 0


def test_out_of_order_completion_is_reported_when_the_gap_closes() -> None:
    box = outbox()
    entries = [put(box, event(seq)) for seq in (10, 11, 12)]
    box.done(entries[2])
    box.done(entries[1])
    assert box.watermarks() == [(0, "s", 9)]
    box.done(entries[0])
    assert box.watermarks() == [(0, "s", 12)]
    assert box.watermarks() == []


def test_what_a_resume_brings_twice_is_taken_once() -> None:
    box = outbox()
    put(box, event(1))
    put(box, event(2))
    assert box.put(event(2)) is None
    assert box.put(event(1)) is None
    assert (box.events, box.duplicates) == (2, 2)
    assert put(box, event(1, session="other")).envelope.seq == 1


def test_an_old_session_is_forgotten_once_it_is_done_and_a_newer_one_exists() -> None:
    box = outbox()
    old = put(box, event(5, session="old"))
    new = put(box, event(1, session="new"))
    box.done(new)
    box.watermarks()
    assert box.sessions() == 2
    box.done(old)
    assert box.watermarks() == [(0, "old", 5)]
    assert box.sessions() == 1


def test_events_without_a_key_belong_to_their_shard_and_to_no_guild() -> None:
    box = outbox()
    lanes = {put(box, event(1, shard=shard, key=0)).lane for shard in (0, 1)}
    assert len(lanes) == 2
    assert all(isinstance(lane, int) and lane < 0 for lane in lanes)
    assert put(box, event(2, key=77)).lane == 77


def test_it_is_bounded_by_events_and_by_bytes() -> None:
    by_count = outbox(events=2)
    put(by_count, event(1))
    put(by_count, event(2))
    assert not by_count.overfull
    first = put(by_count, event(3))
    assert by_count.overfull
    by_count.shed(first)
    assert not by_count.overfull
    assert by_count.shed_by_shard == {0: 1}
    assert by_count.done_count == 0
    by_size = outbox(size=10_000)
    put(by_size, event(1, size=20_000))
    assert by_size.overfull


def test_the_oldest_age_is_known() -> None:
    box = outbox()
    assert box.oldest() is None
    first = put(box, event(1))
    put(box, event(2))
    assert box.oldest() == 101.0
    box.done(first)
    assert box.oldest() == 102.0
