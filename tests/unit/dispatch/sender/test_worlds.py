from __future__ import annotations

import pytest

from nescord_core.dispatch.sender.outbox import Outbox
from nescord_core.dispatch.sender.replica.queues import Partition
from nescord_core.dispatch.sender.worlds import is_of_former_world, world_of
from nescord_core.envelope import Envelope

OLD, NEW, DISCORD = "sandbox-aa-01", "sandbox-bb-02", "0ba1b86618f4f60a27f0144c0043c6a0"


@pytest.mark.parametrize(("session", "world"), [(OLD, "aa"), (DISCORD, ""), ("", "")])
def test_a_session_of_the_sandbox_names_its_world(session: str, world: str) -> None:
    assert world_of(session) == world


@pytest.mark.parametrize(
    ("session", "world", "is_former"),
    [(OLD, "bb", True), (OLD, "aa", False), (OLD, "", False), (DISCORD, "bb", False)],
)
def test_only_another_world_of_the_sandbox_is_a_former_one(session: str, world: str, is_former: bool) -> None:
    assert is_of_former_world(session, world) is is_former


def envelope(session: str, seq: int) -> Envelope:
    return Envelope(0, session, seq, "MESSAGE_CREATE", 7, 7, b"{}", 0.0)


def test_queued_events_of_a_former_world_are_found_once_a_session_of_a_new_one_begins() -> None:
    outbox, partition = Outbox(max_events=100, max_bytes=100_000), Partition()
    stream = partition.attach("a", credit=10, notify=lambda: None)

    def put(session: str, seq: int) -> None:
        entry = outbox.put(envelope(session, seq))
        assert entry is not None
        partition.assign(entry)

    for seq in (1, 2, 3):
        put(OLD, seq)
    assert not outbox.has_former_worlds
    put(NEW, 1)
    assert outbox.has_former_worlds
    dropped = partition.discard(stream, lambda entry: entry.track.is_over)
    assert [(each.envelope.session_id, each.envelope.seq) for each in dropped] == [
        (OLD, seq) for seq in (1, 2, 3)
    ]
    outbox.done(*dropped)
    outbox.check_former_worlds()
    assert not outbox.has_former_worlds
    assert [each.envelope.session_id for each in partition.take(stream, max_events=9, max_bytes=999)[1]] == [
        NEW
    ]


def test_what_comes_back_from_disk_of_a_former_world_is_found_as_well() -> None:
    outbox = Outbox(max_events=100, max_bytes=100_000)
    outbox.put(envelope(NEW, 1))
    outbox.spilled = 1
    entry = outbox.restore(envelope(OLD, 5), segment=1)
    assert entry is not None
    assert (entry.track.is_over, outbox.has_former_worlds) == (True, True)
