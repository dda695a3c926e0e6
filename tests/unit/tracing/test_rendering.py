"""Events and calls as lines of text, with names where they are known."""

from __future__ import annotations

import json

import msgspec

from nescord_core.terminal.look import Look
from nescord_core.tracing.names import Names
from nescord_core.tracing.records import Called, Ended, Missed, Seen
from nescord_core.tracing.rendering import Rendering

GENERAL = 123456789012345678


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def message(**fields: object) -> Seen:
    data = {"channel_id": str(GENERAL), "author": {"username": "alice"}, "content": "!ping"} | fields
    return Seen("0-a-1", "MESSAGE_CREATE", 0, "s", 1, 0.0, guild_id=5, data=raw(data))


def named() -> Names:
    names = Names()
    names.learn(
        "GUILD_CREATE", {"id": "5", "name": "Home", "channels": [{"id": str(GENERAL), "name": "general"}]}
    )
    return names


def test_names_stand_for_ids_where_they_are_known() -> None:
    shown = Rendering(names=named())
    assert shown.record(message()).endswith("  MESSAGE_CREATE  #general  alice: !ping")
    call = Called(
        "0-a-1", "POST", f"/channels/{GENERAL}/messages", raw({"content": "Pong!"}), status=200, ms=33
    )
    assert shown.record(call).strip() == 'POST /channels/#general/messages {"content":"Pong!"}  200  33 ms'
    assert Rendering().record(message()).endswith("  MESSAGE_CREATE  guild 5  alice: !ping")


def test_a_guild_is_named_where_there_are_several() -> None:
    names = named()
    names.learn_guild({"id": "6", "name": "Work"})
    assert names.place(5, GENERAL) == "Home #general"
    assert names.place(6, 1) == "Work"
    assert names.place(7, 1) == "guild 7"
    assert (names.place(None, 1), names.place(None, None)) == ("DM", "no guild")


def test_channels_are_learned_from_events() -> None:
    names = Names()
    names.learn("CHANNEL_CREATE", {"id": "9", "name": "new", "type": 0})
    names.learn("CHANNEL_CREATE", {"id": "10", "type": 1, "recipients": []})
    assert (names.channel(9), names.channel(10), names.channel(11)) == ("#new", "DM", "")


def test_a_call_is_one_line_in_a_terminal() -> None:
    call = Called("x", "POST", "/x", raw({"content": "y" * 500}), status=400, ms=1)
    line = Rendering(Look(width=80)).record(call)
    assert len(line) == 80
    assert line.endswith("...  400  1 ms")


def test_errors_and_lost_lines_are_shown() -> None:
    shown = Rendering(Look(colour=True))
    assert "\x1b[31mfailed (x): no\x1b[0m" in shown.record(Ended("x", error="no"))
    assert shown.record(Ended("x")) == ""
    assert "1 line dropped" in shown.record(Missed(1))


def test_events_of_another_day_have_their_date() -> None:
    assert Rendering(today="2100-01-01").record(message()).startswith(("1970-01-01", "1969-12-31"))
