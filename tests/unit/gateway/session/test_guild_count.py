"""A session's number of guilds follows the guilds that come and go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nescord_core.gateway.session.guild_count import GuildCount


def apply(count: GuildCount, kind: str, seq: int = 1, **d: Any) -> int | None:
    count.apply(kind, seq, json.dumps(d).encode())
    return count.number


def test_guilds_come_and_go_and_an_outage_takes_none_away() -> None:
    count = GuildCount()
    assert apply(count, "GUILD_CREATE", id="1") is None, "unknown before READY"
    count.ready([1, 2])
    assert apply(count, "GUILD_CREATE", id="1") == 2, "listed by READY"
    assert apply(count, "GUILD_CREATE", id="3") == 3
    assert apply(count, "GUILD_DELETE", id="1", unavailable=True) == 3
    assert apply(count, "GUILD_CREATE", id="1") == 3
    assert apply(count, "GUILD_DELETE", id="1") == 2
    assert apply(count, "GUILD_DELETE", id="1", unavailable=None) == 2
    assert apply(count, "GUILD_DELETE", id="2", unavailable=False) == 1
    count.ready(None)
    assert count.number is None


def test_a_session_of_an_earlier_process_is_counted_on_from_what_that_had_received() -> None:
    count = GuildCount(5, seq=100)
    assert apply(count, "GUILD_DELETE", 100, id="1") == 5, "a replay of what is counted"
    assert apply(count, "GUILD_DELETE", 101, id="1") == 4
    assert apply(count, "GUILD_DELETE", 102, id="1") == 4
    assert apply(count, "GUILD_CREATE", 103, id="2") == 4, "it may be one of the five"
    assert apply(count, "GUILD_CREATE", 104, id="1") == 5
    for each in range(10, 30):
        apply(count, "GUILD_DELETE", 105 + each, id=str(each))
    assert count.number == 0


@pytest.mark.parametrize(
    "d", [b"", b"null", b"[]", b"{}", b'{"id":{}}', b'{"id":"1","unavailable":7}', b"[" * 5000]
)
def test_an_odd_shape_changes_nothing(d: bytes) -> None:
    count = GuildCount()
    count.ready([1])
    count.apply("GUILD_DELETE", 1, d)
    assert count.number == 1


def test_any_other_event_changes_nothing() -> None:
    count = GuildCount(1)
    assert apply(count, "GUILD_UPDATE", id="2") == 1
