"""The rules of voice connections: every phase, every close code, resumes, limits."""

from __future__ import annotations

from typing import Any

import pytest

from nescord_core.sandbox.voice.calls import MAX_BUFFERED, Call, Calls
from nescord_core.sandbox.voice.connection_rules import (
    LEGAL,
    Phase,
    RepeatDiscovery,
    Send,
    Server,
    VoiceRules,
)
from nescord_core.sandbox.voice.protocol import MODES, Command, Op, VoiceClose, decode

BOT = 7
STATE = {"guild_id": "1", "channel_id": "2", "session_id": "s", "self_mute": False}
SELECT = {"protocol": "udp", "data": {"address": "127.0.0.1", "port": 5, "mode": MODES[1]}}


class Calling:
    """The bot in a call, and connections to it."""

    def __init__(self) -> None:
        self.tokens = iter(f"token-{each}" for each in range(99))
        self.calls = Calls(lambda: next(self.tokens))
        self.calls.on_voice_state(STATE)
        self.ids = iter(range(1, 99))

    @property
    def call(self) -> Call:
        return self.calls.by_guild[1]

    def connect(self, version: int = 8) -> VoiceRules:
        server = Server("127.0.0.1", 9, lambda: [1] * 32)
        return VoiceRules(
            self.calls, server, connection_id=next(self.ids), user_id=BOT, version=version, now=0.0
        )

    def identity(self, **changes: Any) -> dict[str, Any]:
        known = {"server_id": "1", "user_id": str(BOT), "session_id": "s", "token": self.call.token}
        return {**known, **changes}

    def identified(self, version: int = 8) -> VoiceRules:
        rules = self.connect(version)
        rules.receive(Command(Op.IDENTIFY, self.identity()), 0.0)
        return rules


def code_of(effects: list[Any]) -> int:
    [effect] = effects
    assert isinstance(effect, VoiceClose), effects
    return int(effect.code)


def payload_of(effects: list[Any]) -> dict[str, Any]:
    [effect] = [each for each in effects if not isinstance(each, RepeatDiscovery)]
    assert isinstance(effect, Send), effects
    return effect.payload


def test_the_table_names_every_phase() -> None:
    assert LEGAL.keys() == set(Phase)


def test_the_handshake_of_a_client() -> None:
    calling = Calling()
    rules = calling.connect()
    assert payload_of(rules.opened()) == {"op": 8, "d": {"v": 8, "heartbeat_interval": 13_750}}
    ready = payload_of(
        rules.receive(Command(Op.IDENTIFY, calling.identity(max_dave_protocol_version=1)), 0.0)
    )
    assert (ready["op"], ready["d"]["ssrc"], ready["d"]["ip"], ready["d"]["port"]) == (2, 1, "127.0.0.1", 9)
    assert ready["d"]["modes"] == list(MODES)
    described = payload_of(rules.receive(Command(Op.SELECT_PROTOCOL, SELECT), 0.0))
    assert (described["op"], described["seq"], described["d"]["mode"]) == (4, 0, MODES[1])
    assert len(described["d"]["secret_key"]) == 32
    assert described["d"]["dave_protocol_version"] == 0
    beat = payload_of(rules.receive(Command(Op.HEARTBEAT, {"t": 5, "seq_ack": 0}), 10.0))
    assert beat == {"op": 6, "d": {"t": 5}}
    assert rules.receive(Command(Op.SPEAKING, {"speaking": 1, "delay": 0, "ssrc": 1}), 10.0) == []
    assert calling.calls.speaking() == [calling.call]
    rules.receive(Command(Op.SPEAKING, {"speaking": 0}), 10.0)
    assert calling.calls.speaking() == []
    assert payload_of(rules.receive(Command(Op.BACKEND_VERSION, {}), 10.0))["op"] == 16
    for ignored in (12, 18, 23, 31):
        assert rules.receive(Command(ignored, {}), 10.0) == []


def test_older_versions_have_plain_heartbeats_and_no_numbers() -> None:
    calling = Calling()
    rules = calling.identified(version=4)
    assert payload_of(rules.receive(Command(Op.HEARTBEAT, 77), 1.0)) == {"op": 6, "d": 77}
    assert "seq" not in payload_of(rules.receive(Command(Op.SELECT_PROTOCOL, SELECT), 1.0))
    assert code_of(calling.connect(version=3).opened()) == 4006


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"user_id": "8"}, 4004),
        ({"session_id": "wrong"}, 4006),
        ({"server_id": "3"}, 4011),
        ({"server_id": None}, 4011),
        ({"server_id": "9" * 400}, 4011),
    ],
)
def test_an_identity_that_is_not_the_calls(changes: dict[str, Any], code: int) -> None:
    calling = Calling()
    assert code_of(calling.connect().receive(Command(Op.IDENTIFY, calling.identity(**changes)), 0.0)) == code


@pytest.mark.parametrize(
    ("op", "d", "code"),
    [
        (Op.IDENTIFY, {}, 4005),
        (Op.SELECT_PROTOCOL, {"protocol": "tcp"}, 4012),
        (Op.SELECT_PROTOCOL, {"protocol": "udp"}, 4016),
        (Op.SELECT_PROTOCOL, {"protocol": "udp", "data": {"mode": "xsalsa20_poly1305"}}, 4016),
        (99, {}, 4001),
    ],
)
def test_what_an_identified_client_must_not_send(op: int, d: dict[str, Any], code: int) -> None:
    assert code_of(Calling().identified().receive(Command(op, d), 0.0)) == code


@pytest.mark.bound(
    "The sandbox: a voice connection without Identify", "The sandbox: a voice connection without heartbeats"
)
def test_a_client_must_identify_and_beat_in_time() -> None:
    calling = Calling()
    fresh = calling.connect()
    assert code_of(fresh.receive(Command(Op.SPEAKING, {}), 0.0)) == 4003
    assert calling.connect().timed_out().code == 4003
    rules = calling.identified()
    assert rules.deadline == pytest.approx(24.06, abs=0.01)
    rules.receive(Command(Op.HEARTBEAT, {"t": 1}), 20.0)
    assert rules.deadline == pytest.approx(44.06, abs=0.01)
    assert rules.timed_out().code == 4009


@pytest.mark.bound("The sandbox: voice payloads")
def test_120_payloads_a_minute_and_no_more() -> None:
    rules = Calling().identified()
    for _ in range(119):
        assert len(rules.receive(Command(Op.HEARTBEAT, 1), 30.0)) == 1
    assert code_of(rules.receive(Command(Op.HEARTBEAT, 1), 59.0)) == 4021


@pytest.mark.bound("The sandbox: voice payloads that a resume brings")
def test_a_resume_brings_what_was_missed() -> None:
    calling = Calling()
    rules = calling.identified()
    identity = calling.identity(seq_ack=-1)
    rules.closed()
    assert code_of(calling.connect().receive(Command(Op.RESUME, identity), 1.0)) == 4006, (
        "nothing was described"
    )
    rules = calling.identified()
    rules.receive(Command(Op.SELECT_PROTOCOL, SELECT), 0.0)
    rules.closed()
    assert calling.call.connection is None
    again = calling.connect()
    missed, resumed = again.receive(Command(Op.RESUME, identity), 1.0)
    assert isinstance(missed, Send)
    assert isinstance(resumed, Send)
    assert (missed.payload["op"], missed.payload["seq"], resumed.payload["op"]) == (4, 0, 9)
    assert calling.call.connection == again.id
    acknowledged = calling.connect().receive(Command(Op.RESUME, {**identity, "seq_ack": 0}), 1.0)
    assert payload_of(acknowledged)["op"] == 9
    rules.closed()
    assert calling.call.connection is not None, "an earlier connection does not end the later one"
    for _ in range(200):
        calling.call.numbered({})
    assert len(calling.call.buffered) == MAX_BUFFERED


def test_calls_follow_the_voice_state() -> None:
    calling = Calling()
    first = calling.call
    assert calling.calls.on_voice_state({**STATE, "self_mute": True}) == (None, None), (
        "muting changes nothing"
    )
    ended, moved = calling.calls.on_voice_state({**STATE, "self_mute": True, "channel_id": "3"})
    assert ended is first
    assert moved is not None
    assert (moved.channel_id, moved.token, moved.ssrc) == (3, "token-1", 2)
    ended, repeated = calling.calls.on_voice_state({**STATE, "self_mute": True, "channel_id": "3"})
    assert ended is moved, "the same state again asks for a new server"
    assert repeated is not None
    assert calling.calls.on_voice_state({**STATE, "channel_id": None}) == (repeated, None)
    assert calling.calls.on_voice_state({**STATE, "channel_id": None}) == (None, None)
    _, begun = calling.calls.on_voice_state(STATE)
    assert calling.calls.leave(1) is begun
    assert (calling.calls.by_guild, calling.calls.by_ssrc) == ({}, {})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"d": 1}', '{"op": "1"}', '{"op": true}', b"\xff"])
def test_what_is_no_payload(text: str | bytes) -> None:
    found = decode(text)
    assert isinstance(found, VoiceClose)
    assert found.code == 4002
