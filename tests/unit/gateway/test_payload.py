from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.gateway.payload import (
    PayloadError,
    decode,
    encode,
    heartbeat_interval,
    ready_facts,
    route,
)


def test_op_s_t_are_read_and_d_stays_as_it_came() -> None:
    payload = decode(b'{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"id" : "1",\n"x": [1, 2.50]},"new":1}')
    assert (payload.op, payload.s, payload.t) == (0, 42, "MESSAGE_CREATE")
    assert bytes(payload.d) == b'{"id" : "1",\n"x": [1, 2.50]}'


def test_d_may_be_missing_or_null() -> None:
    assert bytes(decode(b'{"op":7}').d) == b"null"
    assert bytes(decode(b'{"op":11,"d":null,"s":null,"t":null}').d) == b"null"


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"{}", b'{"op":"x"}', b"\xff\xfe", b'{"op":0,"s":"x"}'])
def test_junk_is_one_kind_of_error(junk: bytes) -> None:
    with pytest.raises(PayloadError):
        decode(junk)


@pytest.mark.parametrize(
    ("event", "d", "expected"),
    [
        ("MESSAGE_CREATE", {"guild_id": "7", "channel_id": "8"}, (7, 7)),
        ("MESSAGE_CREATE", {"channel_id": "8", "message_reference": {"guild_id": "5"}}, (8, 0)),
        ("GUILD_CREATE", {"id": "7", "channels": [{"guild_id": "1"}]}, (7, 7)),
        ("GUILD_UPDATE", {"id": "7"}, (7, 7)),
        ("GUILD_DELETE", {"id": "7", "unavailable": True}, (7, 7)),
        ("GUILD_ROLE_CREATE", {"guild_id": "7", "role": {"id": "1"}}, (7, 7)),
        ("CHANNEL_CREATE", {"id": "8", "type": 1}, (8, 0)),
        ("CHANNEL_UPDATE", {"id": "8", "guild_id": "7"}, (7, 7)),
        ("TYPING_START", {"channel_id": "8", "guild_id": None}, (8, 0)),
        ("USER_UPDATE", {"id": "3"}, (0, 0)),
        ("PRESENCES_REPLACE", [], (0, 0)),
        ("SOMETHING_NEW", None, (0, 0)),
        ("SOMETHING_NEW", {"guild_id": {"odd": 1}}, (0, 0)),
        ("ENTITLEMENT_CREATE", {"guild_id": 1234567890123456789}, (1234567890123456789,) * 2),
    ],
)
def test_an_event_is_ordered_by_its_guild_or_else_by_its_channel(
    event: str, d: object, expected: tuple[int, int]
) -> None:
    assert route(event, json.dumps(d).encode()) == expected


@given(guild=st.integers(1, 2**63 - 1), text=st.text())
def test_ids_survive_whatever_surrounds_them(guild: int, text: str) -> None:
    raw = json.dumps({"op": 0, "s": 1, "t": "X", "d": {"content": text, "guild_id": str(guild)}}).encode()
    payload = decode(raw)
    assert route("X", payload.d) == (guild, guild)
    assert json.loads(bytes(payload.d))["content"] == text


def test_ready_names_the_session() -> None:
    facts = ready_facts(b'{"session_id":"a","resume_gateway_url":"wss://x","application":{"id":"1"},"v":10}')
    assert (facts.session_id, facts.resume_gateway_url, facts.application.id) == ("a", "wss://x", "1")
    assert ready_facts(b'{"session_id":"a"}').resume_gateway_url is None
    with pytest.raises(PayloadError):
        ready_facts(b"{}")


def test_hello_names_its_interval_in_milliseconds() -> None:
    assert heartbeat_interval(b'{"heartbeat_interval":41250,"_trace":[]}') == 41.25
    assert heartbeat_interval(b'{"heartbeat_interval":-1}') is None


def test_payloads_to_send_hold_op_and_d() -> None:
    assert json.loads(encode(1, None)) == {"op": 1, "d": None}
