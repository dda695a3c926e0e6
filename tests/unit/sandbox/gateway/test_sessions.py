"""The sessions of the gateway: resuming, expiry, routing and sequence numbers, with time moved by hand."""

from __future__ import annotations

import json

import pytest

from nescord_core.sandbox.gateway.connection_rules import SessionResumed
from nescord_core.sandbox.gateway.protocol import Frame, Op
from nescord_core.sandbox.gateway.sessions import SessionTable
from support.sandbox.gateway_rules import begun, close_code, connection, resume, table


def resumable(of: SessionTable, events: int = 5) -> str:
    conn = connection(of, 1)
    session = begun(conn).session
    for number in range(events):
        session.append("MESSAGE_CREATE", b"%d" % number)
    conn.on_disconnect(None, 100.0)
    return session.id


def test_resume_continues_after_the_given_sequence_number() -> None:
    of = table()
    session_id = resumable(of)
    conn = connection(of, 2)
    session = of.sessions[session_id]
    assert conn.on_payload(resume(session_id, 2), 101.0) == (SessionResumed(session, 2),)
    assert [each.seq for each in session.after(2, 100)] == [3, 4, 5]
    assert session.connection == 2


def test_resume_spends_no_identify() -> None:
    of = table()
    connection(of, 2).on_payload(resume(resumable(of), 2), 0.1)
    assert of.session_starts_left(0.1)[0] == 999


@pytest.mark.parametrize("seq", [6, -1])
def test_resume_with_a_sequence_number_that_never_was_is_closed_with_4007(seq: int) -> None:
    of = table()
    session_id = resumable(of)
    assert close_code(connection(of, 2).on_payload(resume(session_id, seq), 101.0)) == 4007
    assert session_id not in of.sessions


def test_resume_of_an_unknown_session_is_invalid_and_the_client_may_identify() -> None:
    of = table()
    conn = connection(of)
    assert conn.on_payload(resume("gone", 2), 0.0) == (Frame(Op.INVALID_SESSION, False),)
    begun(conn)


def test_a_session_expires_after_the_resume_window() -> None:
    of = table(resume_window=300.0)
    session_id = resumable(of)
    of.expire(400.0)
    assert session_id in of.sessions
    of.expire(400.1)
    assert connection(of, 2).on_payload(resume(session_id, 2), 400.1) == (Frame(Op.INVALID_SESSION, False),)


def test_an_attached_session_does_not_expire() -> None:
    of = table(resume_window=300.0)
    session = begun(connection(of)).session
    of.expire(10_000.0)
    assert session.id in of.sessions


def test_events_past_the_bound_are_forgotten_and_a_resume_that_needs_them_is_invalid() -> None:
    of = table(replay_events=3)
    session_id = resumable(of, events=5)
    session = of.sessions[session_id]
    assert [each.seq for each in session.after(2, 100)] == [3, 4, 5]
    assert session.can_replay(2)
    assert connection(of, 2).on_payload(resume(session_id, 1), 101.0) == (Frame(Op.INVALID_SESSION, False),)


@pytest.mark.parametrize(
    ("guilds", "replayed"), [(0, 100), (1, 100), (4, 300), (46, 3450), (47, 3500), (100, 3500)]
)
def test_a_resume_brings_as_many_events_as_on_discord(guilds: int, replayed: int) -> None:
    of = table()
    session_id = resumable(of, events=5000)
    seq = of.sessions[session_id].seq - replayed
    first, second = (connection(of, number, guilds=tuple(range(guilds))) for number in (2, 3))
    assert isinstance(first.on_payload(resume(session_id, seq), 101.0)[0], SessionResumed)
    assert second.on_payload(resume(session_id, seq - 1), 102.0) == (Frame(Op.INVALID_SESSION, False),)


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_client_that_closes_with_1000_or_1001_has_ended_its_session(code: int) -> None:
    of = table()
    conn = connection(of)
    session = begun(conn).session
    conn.on_disconnect(code, 1.0)
    assert session.id not in of.sessions


@pytest.mark.parametrize("code", [None, 4000, 4900, 1006, 1012])
def test_a_session_outlives_any_other_end_of_its_connection(code: int | None) -> None:
    of = table()
    conn = connection(of)
    session = begun(conn).session
    conn.on_disconnect(code, 1.0)
    assert of.sessions[session.id].connection is None


def test_a_stale_connection_that_closes_with_1000_does_not_end_a_session_resumed_elsewhere() -> None:
    of = table()
    old = connection(of, 1)
    session = begun(old).session
    connection(of, 2).on_payload(resume(session.id, 0), 1.0)
    old.on_disconnect(1000, 2.0)
    assert of.sessions[session.id].connection == 2


def test_a_second_identify_of_the_same_shard_leaves_the_older_session_alone() -> None:
    of = table()
    first = begun(connection(of, 1), 0.0).session
    second = begun(connection(of, 2), 10.0).session
    assert set(of.for_guild(0)) == {first, second}


def test_events_are_routed_by_guild_and_direct_messages_go_to_shard_0_only() -> None:
    of = table(max_concurrency=2)
    zero = begun(connection(of, 1), shard=[0, 2]).session
    one = begun(connection(of, 2), shard=[1, 2]).session
    assert list(of.for_guild(3 << 22)) == [one]
    assert list(of.for_guild(2 << 22)) == [zero]
    assert list(of.for_guild(0)) == [zero]


def test_sequence_numbers_are_per_session_and_begin_at_1() -> None:
    of = table()
    first = begun(connection(of, 1), 0.0).session
    first.append("A", b"{}")
    second = begun(connection(of, 2), 10.0).session
    second.append("B", b"{}")
    assert [each.seq for each in first.after(0, 9)] == [each.seq for each in second.after(0, 9)] == [1]


def test_an_event_becomes_discords_payload() -> None:
    session = begun(connection(table())).session
    session.append("READY", b'{"v":10}')
    assert json.loads(session.after(0, 1)[0].frame()) == {"t": "READY", "s": 1, "op": 0, "d": {"v": 10}}


def test_reading_goes_on_where_it_was_left_off() -> None:
    session = begun(connection(table(replay_events=50))).session
    for number in range(80):
        session.append("E", b"%d" % number)
    seen, cursor = [], 30
    while batch := session.after(cursor, 7):
        seen += [each.seq for each in batch]
        cursor = batch[-1].seq
    assert seen == list(range(31, 81))
