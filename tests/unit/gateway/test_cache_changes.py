"""Tests the changes that are derived from events."""

from __future__ import annotations

import json
from typing import Any

from nescord_core.gateway.cache_changes import Change, changes_of


def changes(*events: tuple[str, Any]) -> list[Change]:
    return changes_of((name, json.dumps(data).encode()) for name, data in events)


def test_the_ids_of_an_event_are_kept_and_nothing_else() -> None:
    channel = {"id": "1", "guild_id": "2", "parent_id": "3", "name": "x", "topic": None, "type": 0}
    assert changes(("CHANNEL_UPDATE", channel)) == [
        ("CHANNEL_UPDATE", (("id", "1"), ("guild_id", "2"), ("parent_id", "3")))
    ]


def test_a_busy_channel_makes_one_change() -> None:
    messages = [("MESSAGE_CREATE", {"id": str(n), "channel_id": "1", "guild_id": "2"}) for n in range(50)]
    assert changes(*messages) == [("MESSAGE_CREATE", (("guild_id", "2"), ("channel_id", "1")))]


def test_a_members_user_is_named() -> None:
    assert changes(("GUILD_MEMBER_UPDATE", {"guild_id": "2", "user": {"id": "5", "username": "a"}})) == [
        ("GUILD_MEMBER_UPDATE", (("guild_id", "2"), ("user_id", "5")))
    ]


def test_a_presence_counts_only_when_it_tells_of_the_user() -> None:
    online = {"guild_id": "2", "user": {"id": "5"}, "status": "online"}
    assert changes(("PRESENCE_UPDATE", online)) == []
    for told in ({"username": "new"}, {"avatar": None}, {"global_name": "New"}):
        assert len(changes(("PRESENCE_UPDATE", {**online, "user": {"id": "5", **told}}))) == 1


def test_what_cannot_be_read_changes_everything() -> None:
    assert changes_of([("CHANNEL_UPDATE", b"[1"), ("GUILD_UPDATE", b'{"id": 5}')]) == [("all", ())]


def test_events_without_ids_pass() -> None:
    assert changes(("USER_UPDATE", {}), ("WEBHOOKS_UPDATE", {"guild_id": "2", "channel_id": "1"})) == [
        ("USER_UPDATE", ()),
        ("WEBHOOKS_UPDATE", (("guild_id", "2"), ("channel_id", "1"))),
    ]
