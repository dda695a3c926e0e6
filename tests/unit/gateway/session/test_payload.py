from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.gateway.session.opcodes import SESSION_EVENTS
from nescord_core.gateway.session.payload import (
    PayloadError,
    decode,
    encode,
    heartbeat_interval,
    read_event,
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


def test_an_event_as_discord_writes_it_is_read_in_one_go() -> None:
    text = b'{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"id":"1","guild_id":"7","x":[1,{"d":{}}]}}'
    assert read_event(text) == ("MESSAGE_CREATE", 42, b'{"id":"1","guild_id":"7","x":[1,{"d":{}}]}', 7, 7)
    direct = text.replace(b"guild_id", b"channel_id")
    assert read_event(direct) == ("MESSAGE_CREATE", 42, b'{"id":"1","channel_id":"7","x":[1,{"d":{}}]}', 7, 0)


MEMBERS = st.permutations(["t", "s", "op", "d"])
VALUES = {
    "t": st.sampled_from(
        ["MESSAGE_CREATE", "GUILD_CREATE", "CHANNEL_UPDATE", "READY", "RESUMED", "", 'A","d":{', None]
    ),
    "s": st.one_of(st.none(), st.integers(0, 2**40)),
    "op": st.sampled_from([0, 0, 0, 1, 11]),
    "d": st.one_of(
        st.none(),
        st.lists(st.integers()),
        st.dictionaries(
            st.sampled_from(["id", "guild_id", "channel_id", "d", "x"]),
            st.one_of(st.none(), st.sampled_from(["1", "22", "no", "}}", '"d":{']), st.integers(0, 9)),
        ),
    ),
}


@given(members=MEMBERS, more=st.sampled_from([[], [], ["new"], ["d2"]]), spaced=st.booleans(), data=st.data())
def test_what_is_read_in_one_go_is_what_is_read_in_full(
    members: list[str], more: list[str], spaced: bool, data: st.DataObject
) -> None:
    payload = {name: data.draw(VALUES[name]) for name in members} | dict.fromkeys(more, 5)
    separators = (", ", ": ") if spaced else (",", ":")
    text = json.dumps(payload, separators=separators).encode()
    found = read_event(text)
    plain = not spaced and members[2:] == ["op", "d"] and not more and payload["op"] == 0
    if found is None:
        ids = payload["d"].values() if isinstance(payload["d"], dict) else [None]
        usual = (
            payload["t"] == "MESSAGE_CREATE"
            and payload["s"] is not None
            and all(isinstance(each, int) for each in ids)
        )
        assert not (plain and usual), "that is how Discord writes it"
        return
    full = decode(text)
    assert full.op == 0
    assert full.t is not None
    assert full.t not in SESSION_EVENTS
    assert found == (full.t, full.s, bytes(full.d), *route(full.t, full.d))


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
    assert (facts.session_id, facts.resume_gateway_url, facts.application_id) == ("a", "wss://x", "1")
    assert ready_facts(b'{"session_id":"a"}').resume_gateway_url is None
    assert ready_facts(b'{"session_id":"a","guilds":{}}').guilds is None
    assert ready_facts(b'{"session_id":"a","guilds":[{"id":"7"},{"id":8},null]}').guilds == (7, -2, -3)
    with pytest.raises(PayloadError):
        ready_facts(b"{}")


def test_hello_names_its_interval_in_milliseconds() -> None:
    assert heartbeat_interval(b'{"heartbeat_interval":41250,"_trace":[]}') == 41.25
    assert heartbeat_interval(b'{"heartbeat_interval":-1}') is None


def test_payloads_to_send_hold_op_and_d() -> None:
    assert json.loads(encode(1, None)) == {"op": 1, "d": None}
