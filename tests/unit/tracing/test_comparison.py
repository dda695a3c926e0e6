"""Compares the calls of two runs: real differences, and apparent ones."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from nescord_core.snowflake import from_ms
from nescord_core.tracing.comparison import Change, compare, fitted, moved, spelled
from nescord_core.tracing.records import Called, Seen

NOW = 1_800_000_000.0
OLD, NEW = str(from_ms(int(NOW * 1000) - 86_400_000)), str(from_ms(int(NOW * 1000) + 500))


def seen(**data: Any) -> Seen:
    return Seen("0-s-1", "MESSAGE_CREATE", 0, "s", 1, NOW, data=msgspec.Raw(json.dumps(data).encode()))


def call(path: str, files: tuple[str, ...] = (), **body: Any) -> Called:
    return Called("0-s-1", "POST", path, msgspec.Raw(json.dumps(body).encode()), files)


def test_a_call_in_one_line_without_what_differs_every_time() -> None:
    made = call(f"/channels/{OLD}/messages/{NEW}", ("a.png",), content="hi", nonce="1", enforce_nonce=True)
    assert spelled(made) == f'POST /channels/{OLD}/messages/{NEW} {{"content":"hi"}} file:a.png'
    line = spelled(made, seen())
    assert line == f'POST /channels/{OLD}/messages/(new id) {{"content":"hi"}} file:a.png'
    assert NEW in spelled(made, seen(id=NEW)), "an id of the event itself is no new one"


def test_what_is_gone_and_what_is_new() -> None:
    lines = compare(["a", "b", "c"], ["a", "x", "c", "d"])
    assert [(line.change, line.text) for line in lines] == [
        (Change.SAME, "a"), (Change.GONE, "b"), (Change.NEW, "x"), (Change.SAME, "c"), (Change.NEW, "d"),
    ]  # fmt: skip


def test_another_order_is_no_difference_but_a_repetition_is() -> None:
    assert {line.change for line in compare(["a", "b"], ["b", "a"])} == {Change.SAME}
    assert Change.NEW in {line.change for line in compare(["a"], ["a", "a"])}


def test_places_of_another_world_become_some_of_this_one() -> None:
    known = {"10": ["11", "12"]}
    event = {"guild_id": "77", "channel_id": "78", "mentions": [{"channel_id": "12"}], "id": "77"}
    data, moves = fitted(json.dumps(event).encode(), known)
    assert json.loads(data) == {
        "guild_id": "10", "channel_id": "11", "mentions": [{"channel_id": "12"}], "id": "77",
    }  # fmt: skip
    assert moves == {"77": "10", "78": "11"}
    raw = json.dumps({"guild_id": "10", "channel_id": "12"}).encode()
    assert fitted(raw, known) == (raw, {})
    assert fitted(raw, {}) == (raw, {})
    assert moved(f"POST /channels/{OLD}/messages", {OLD: NEW}) == f"POST /channels/{NEW}/messages"
