"""The rules of a gateway connection, with time moved by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nescord_core.events import Intents
from nescord_core.sandbox.gateway.connection_rules import SessionResumed, SessionStarted
from nescord_core.sandbox.gateway.protocol import ALLOWED_OPS, CLIENT_OPS, Close, Command, Frame, Op, Phase
from support.sandbox.gateway_rules import TOKEN, begun, close_code, connection, frame, identify, resume, table


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
        pytest.param(identify(token="Bot another"), 4004, id="wrong token with its prefix"),
        pytest.param(identify(token=f"Bearer {TOKEN}"), 4004, id="the prefix of another kind of token"),
        pytest.param(identify(token=[TOKEN]), 4004, id="token in a list"),
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


@pytest.mark.parametrize("token", [TOKEN, f"Bot {TOKEN}"])
def test_the_token_is_taken_with_and_without_its_prefix(token: str) -> None:
    of = table()
    session = begun(connection(of), token=token).session
    effects = connection(of, 2).on_payload(resume(session.id, 0, token=token), 1.0)
    assert effects == (SessionResumed(session, 0),)


@pytest.mark.parametrize("bit", [17, 18, 19, 22, 23])
def test_intents_that_discord_takes_without_documenting_them_are_taken(bit: int) -> None:
    assert begun(connection(table()), intents=1 << bit | 1).session.intents == 1 << bit | 1


@pytest.mark.parametrize("name", ["shard", "presence", "large_threshold"])
def test_an_optional_field_of_identify_may_be_null(name: str) -> None:
    (effect,) = connection(table()).on_payload(identify(**{name: None}), 0.0)
    assert isinstance(effect, SessionStarted)
    session = effect.session
    assert (session.shard_id, session.shard_count, session.large_threshold) == (0, 1, 50)


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
