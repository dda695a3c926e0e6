from __future__ import annotations

import json
from typing import Any

import pytest

from nescord_core.bot.observing.summary import summary_of

ALICE = {"username": "alice", "id": "1"}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"author": ALICE, "content": "!ping\nand more"}, "alice: !ping and more"),
        ({"content": "!ping"}, "somebody: !ping"),
        (
            {"member": {"user": ALICE}, "data": {"name": "roll", "options": [{"name": "sides", "value": 6}]}},
            "alice: /roll sides=6",
        ),
        ({"user": ALICE, "data": {"name": "help"}}, "alice: /help"),
        ({"user": ALICE, "data": {"custom_id": "colour", "values": ["red"]}}, "alice: [colour] red"),
        ({"member": {"user": ALICE}, "emoji": {"name": "🎉"}}, "alice: 🎉"),
        (
            {"guild_id": "7", "emoji": None, "member": None},
            '{"guild_id": "7", "emoji": null, "member": null}',
        ),
    ],
)
def test_who_did_what(fields: Any, line: str) -> None:
    assert summary_of(json.dumps(fields).encode()) == line


def test_what_is_long_is_cut() -> None:
    line = summary_of(json.dumps({"author": ALICE, "content": "x" * 500}).encode())
    assert line.startswith("alice: xxx")
    assert line.endswith("...")
    assert len(line) == 160


@pytest.mark.parametrize("data", [b"not json", b"[1, 2]", b"\xff\xfe", b""])
def test_what_is_no_object_is_shown_as_it_is(data: bytes) -> None:
    assert summary_of(data) == data.decode(errors="replace")
