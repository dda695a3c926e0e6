"""Calls of the test kit as data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nescord_core.errors import NescordError
from nescord_core.testing.calls import Call, NoMessage, Response, encoded
from nescord_core.testing.line import Line
from nescord_core.testing.people_calls import Person
from nescord_core.testing.place_calls import Place

LINE = Line("http://127.0.0.1:1", 5.0)
HOME = Place(LINE, "10", "general", "1")
ALICE = Person(LINE, "20", "alice", HOME)
NOTHING = {
    "responded": True,
    "deferred": False,
    "ephemeral": False,
    "kind": "5",
    "message": None,
    "modal": None,
}


def call() -> Call[Any]:
    return Call("POST", "/wait", {}, lambda answer: answer)


def test_a_refusal_is_an_error_with_the_sandboxs_sentence() -> None:
    with pytest.raises(NescordError, match="alice cannot"):
        call().result(403, {"error": "alice cannot do that."})


def test_a_wait_in_vain_names_what_came_instead() -> None:
    seen = [{"id": "1", "author": "bob", "content": "hello"}]
    with pytest.raises(NoMessage, match="bob: hello"):
        call().result(408, {"error": "No message came.", "seen": seen})


def test_options_are_ids_values_or_files() -> None:
    made = ALICE.slash_call("/give role", who=ALICE, where=HOME, count=2, file=("a.txt", b"hi"))
    assert json.loads(encoded(made.body) or b"")["options"] == {
        "who": "20",
        "where": "10",
        "count": 2,
        "file": ["a.txt", "aGk="],
    }
    assert (made.may_be_new, made.guild_id, made.patience) == ("give", "1", 5.0)


def test_a_form_takes_any_custom_id_and_files() -> None:
    opened = Response({"id": "7"})
    body = ALICE.submit_call(opened, {"form:name": "Ada"}, shots=[("a.png", b"1")]).body
    assert body is not None
    assert body["values"] == {"form:name": "Ada", "shots": [("a.png", b"1")]}


def test_a_response_without_a_message_or_a_form_says_so() -> None:
    with pytest.raises(AssertionError, match="has no message: responded True, deferred False"):
        _ = Response(NOTHING).content
    with pytest.raises(AssertionError, match="opens no form"):
        _ = Response(NOTHING).modal


def test_somebody_without_a_channel_needs_one_for_commands() -> None:
    with pytest.raises(ValueError, match="carol is in no channel"):
        Person(LINE, "21", "carol").slash_call("roll")


def test_the_next_message_follows_what_was_read() -> None:
    line = Line("http://127.0.0.1:1", 5.0)
    place = Place(line, "10", "general", "1")
    answer = {"id": "30", "content": "Pong!"}
    assert place.next_call().body == {"channel": "10", "after": "0", "timeout": 5.0}
    assert place.next_call().parse(answer).content == "Pong!"
    assert line.read_up_to == {"10": 30}
    wanted = place.next_call("x", matching="^x", author=ALICE, timeout=1).body
    assert wanted == {
        "channel": "10",
        "after": "30",
        "timeout": 1,
        "content": "x",
        "regex": "^x",
        "author": "20",
    }
