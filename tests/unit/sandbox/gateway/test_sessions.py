"""The server's rules of a gateway connection, with time moved by hand."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nescord_core.events import Intents
from nescord_core.sandbox.gateway.protocol import ALLOWED_OPS, CLIENT_OPS, Close, Command, Frame, Op, Phase
from nescord_core.sandbox.gateway.sessions import (
    ConnectionRules,
    Effect,
    GatewayLimits,
    SessionResumed,
    SessionStarted,
    SessionTable,
)

TOKEN = "a-token"
PROPERTIES = {"os": "linux", "browser": "x", "device": "x"}


def table(**limits: Any) -> SessionTable:
    numbers = itertools.count(1)
    return SessionTable(GatewayLimits(TOKEN, **limits), new_id=lambda: f"session-{next(numbers)}")


def connection(
    of: SessionTable, number: int = 1, *, now: float = 0.0, guilds: tuple[int, ...] = ()
) -> ConnectionRules:
    return ConnectionRules(of, connection_id=number, now=now, guild_ids=lambda: guilds)


def frame(op: int, d: Any = None) -> bytes:
    return json.dumps({"op": op, "d": d}).encode()


def identify(**changes: Any) -> bytes:
    d = {"token": TOKEN, "properties": PROPERTIES, "intents": 513, **changes}
    return frame(2, {key: value for key, value in d.items() if value is not ...})


def resume(session_id: str, seq: int, token: str = TOKEN) -> bytes:
    return frame(6, {"token": token, "session_id": session_id, "seq": seq})


def close_code(effects: tuple[Effect, ...]) -> int:
    (only,) = effects
    assert isinstance(only, Close)
    return only.code


def begun(conn: ConnectionRules, now: float = 0.0, **changes: Any) -> SessionStarted:
    (only,) = conn.on_payload(identify(**changes), now)
    assert isinstance(only, SessionStarted)
    return only


def test_the_table_of_legal_opcodes_names_every_phase_and_only_client_opcodes() -> None:
    assert set(ALLOWED_OPS) == set(Phase)
    assert frozenset().union(*ALLOWED_OPS.values()) == CLIENT_OPS


def test_hello_tells_the_interval_in_milliseconds() -> None:
    assert connection(table()).on_open("10") == (Frame(Op.HELLO, {"heartbeat_interval": 41250}),)


@pytest.mark.parametrize("version", ["", "6", "11", "ten"])
def test_a_wrong_version_is_closed_with_4012(version: str) -> None:
    assert close_code(connection(table()).on_open(version)) == 4012


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"{", 4002, id="no JSON"),
        pytest.param(b"[]", 4002, id="no object"),
        pytest.param(b"\xff", 4002, id="no UTF-8"),
        pytest.param(b'{"d": 1}', 4002, id="no opcode"),
        pytest.param(frame(1, "text"), 4002, id="heartbeat with text"),
        pytest.param(frame(99), 4001, id="unknown opcode"),
        pytest.param(frame(0, {}), 4001, id="an opcode that only servers send"),
        pytest.param(frame(3, {}), 4003, id="a command before identify"),
        pytest.param(frame(8, {}), 4003, id="members before identify"),
        pytest.param(identify(token="another"), 4004, id="wrong token"),
        pytest.param(identify(token=...), 4004, id="no token"),
        pytest.param(identify(properties=...), 4002, id="no properties"),
        pytest.param(identify(intents=...), 4002, id="no intents"),
        pytest.param(identify(intents="513"), 4002, id="intents as text"),
        pytest.param(identify(intents=1 << 30), 4013, id="unknown intent"),
        pytest.param(identify(intents=1 << 17), 4013, id="a gap between intents"),
        pytest.param(identify(intents=-1), 4013, id="negative intents"),
        pytest.param(identify(shard=[1, 1]), 4010, id="shard beyond the count"),
        pytest.param(identify(shard=[-1, 1]), 4010, id="negative shard"),
        pytest.param(identify(shard=[0]), 4002, id="shard without a count"),
        pytest.param(identify(large_threshold=10), 4002, id="threshold too small"),
        pytest.param(frame(2, None), 4002, id="identify without a body"),
        pytest.param(identify(presence={"x": "y" * 4096}), 4002, id="more than 4096 bytes"),
        pytest.param(resume("s", 0, token="another"), 4004, id="resume with a wrong token"),
        pytest.param(frame(6, {"token": TOKEN}), 4002, id="resume without a session"),
    ],
)
def test_what_is_wrong_before_a_session_is_closed_with_discords_code(raw: bytes, code: int) -> None:
    conn = connection(table())
    assert close_code(conn.on_payload(raw, 0.0)) == code
    assert conn.phase is Phase.CLOSED
    assert conn.on_payload(frame(1), 0.0) == ()


def test_a_payload_of_exactly_4096_bytes_is_read() -> None:
    conn = connection(table())
    begun(conn)
    filled = frame(3, {"fill": ""})
    raw = frame(3, {"fill": "x" * (4096 - len(filled))})
    assert len(raw) == 4096
    assert isinstance(conn.on_payload(raw, 0.0)[0], Command)


def test_a_disallowed_privileged_intent_is_closed_with_4014() -> None:
    of = table(disallowed_intents=Intents.MESSAGE_CONTENT.value)
    assert close_code(connection(of).on_payload(identify(intents=Intents.MESSAGE_CONTENT.value), 0.0)) == 4014
    begun(connection(of, 2), intents=Intents.GUILD_MEMBERS.value)


def test_an_intent_that_is_not_privileged_cannot_be_disallowed() -> None:
    begun(connection(table(disallowed_intents=Intents.all().value)), intents=Intents.default().value)


def test_more_than_2500_guilds_on_one_shard_need_sharding() -> None:
    guilds = tuple(number << 22 for number in range(2501))
    assert close_code(connection(table(), guilds=guilds).on_payload(identify(), 0.0)) == 4011
    begun(connection(table(), guilds=guilds[:2500]))
    begun(connection(table(), guilds=guilds), shard=[0, 2])


def test_a_second_identify_is_closed_with_4005() -> None:
    conn = connection(table())
    begun(conn)
    assert close_code(conn.on_payload(identify(), 60.0)) == 4005


def test_a_resume_in_a_session_is_closed_with_4005() -> None:
    conn = connection(table())
    session = begun(conn).session
    assert close_code(conn.on_payload(resume(session.id, 0), 1.0)) == 4005


def test_identify_is_paced_to_one_per_window_and_key_of_max_concurrency() -> None:
    of = table(max_concurrency=2)
    begun(connection(of, 1), shard=[0, 4])
    begun(connection(of, 2), shard=[1, 4])
    third = connection(of, 3)
    assert third.on_payload(identify(shard=[2, 4]), 4.9) == (Frame(Op.INVALID_SESSION, False),)
    assert third.phase is Phase.AWAITING
    begun(third, 5.0, shard=[2, 4])


def test_an_identify_that_came_too_early_spends_nothing_of_the_day() -> None:
    of = table()
    begun(connection(of, 1))
    connection(of, 2).on_payload(identify(), 1.0)
    left, reset_after = of.session_starts_left(1.0)
    assert left == 999
    assert reset_after == pytest.approx(86_399.0)


def test_the_days_identifies_run_out_and_come_back_after_24_hours() -> None:
    of = table(session_starts=2)
    begun(connection(of, 1), 0.0)
    begun(connection(of, 2), 10.0)
    assert of.session_starts_left(10.0)[0] == 0
    assert close_code(connection(of, 3).on_payload(identify(), 20.0)) == 4004
    begun(connection(of, 4), 86_400.0)
    assert of.session_starts_left(86_400.0) == (1, 86_400.0)


def test_a_heartbeat_is_answered_before_and_in_a_session() -> None:
    conn = connection(table())
    assert conn.on_payload(frame(1), 0.0) == (Frame(Op.HEARTBEAT_ACK),)
    begun(conn)
    assert conn.on_payload(frame(1, 7), 1.0) == (Frame(Op.HEARTBEAT_ACK),)


def test_a_client_without_heartbeats_is_closed_between_one_and_a_half_and_two_intervals() -> None:
    conn = connection(table(heartbeat_interval=10.0))
    begun(conn)
    conn.on_payload(frame(1), 10.0)
    assert conn.tick(25.0) == ()
    assert close_code(conn.tick(30.0)) == 4009


def test_more_than_120_payloads_in_60_seconds_are_closed_with_4008() -> None:
    conn = connection(table())
    for _ in range(120):
        assert conn.on_payload(frame(1), 0.0) == (Frame(Op.HEARTBEAT_ACK),)
    assert close_code(conn.on_payload(frame(1), 59.9)) == 4008


def test_the_window_of_120_payloads_slides() -> None:
    conn = connection(table())
    for second in range(240):
        assert conn.on_payload(frame(1), second / 2) == (Frame(Op.HEARTBEAT_ACK),)


def test_commands_go_to_the_world() -> None:
    conn = connection(table())
    begun(conn)
    assert conn.on_payload(frame(31, {"guild_ids": ["1"]}), 0.0) == (
        Command(Op.REQUEST_SOUNDBOARD_SOUNDS, {"guild_ids": ["1"]}),
    )


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


def test_an_invalidated_session_is_forgotten_and_the_client_may_identify_again() -> None:
    of = table()
    conn = connection(of)
    session = begun(conn).session
    assert conn.invalidate(False) == (Frame(Op.INVALID_SESSION, False),)
    assert session.id not in of.sessions
    begun(conn, 10.0)


def test_a_resumable_invalidation_keeps_the_session() -> None:
    of = table()
    conn = connection(of)
    session = begun(conn).session
    assert conn.invalidate(True) == (Frame(Op.INVALID_SESSION, True),)
    assert session.id in of.sessions


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
BODIES = JSON | st.fixed_dictionaries(
    {},
    optional={
        "token": st.just(TOKEN) | JSON,
        "properties": st.just({}) | JSON,
        "intents": st.integers(0, 1 << 27) | JSON,
        "shard": st.lists(st.integers(-1, 4), max_size=3) | JSON,
        "large_threshold": st.integers(0, 300) | JSON,
        "session_id": st.just("session-1") | JSON,
        "seq": st.integers(-1, 5) | JSON,
    },
)
FRAMES = st.builds(frame, st.sampled_from(sorted({*CLIENT_OPS, 0, 7, 99})), BODIES) | st.binary(max_size=40)


@settings(max_examples=120, deadline=None)
@given(st.lists(FRAMES, max_size=12))
def test_whatever_a_client_sends_the_rules_answer_and_nothing_follows_a_close(frames: list[bytes]) -> None:
    of = table(max_concurrency=4)
    conn = connection(of)
    closed = False
    for number, raw in enumerate(frames):
        effects = conn.on_payload(raw, number * 10.0)
        assert not (closed and effects)
        closed = closed or any(isinstance(each, Close) for each in effects)
        assert (conn.phase is Phase.CLOSED) is closed
    conn.on_disconnect(None, 1_000.0)
    of.expire(1_400.0)
    assert of.sessions == {}
    assert list(of.for_guild(0)) == []
