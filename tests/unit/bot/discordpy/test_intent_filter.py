from __future__ import annotations

from typing import Any

import pytest

from nescord_core.bot.discordpy import intent_filter
from nescord_core.events import Intents

ME = "1"
OTHER = {"id": "2"}


def message(**more: Any) -> dict[str, Any]:
    return {"guild_id": "9", "author": OTHER, "content": "hi", "embeds": [1], "mentions": [], **more}


def filtered(data: dict[str, Any], intents: int = 0, kind: str = "MESSAGE_CREATE") -> dict[str, Any]:
    return intent_filter.filtered(kind, data, intents=intents, own_id=ME)


@pytest.mark.parametrize(
    ("kind", "data", "intents", "due"),
    [
        ("TYPING_START", {"guild_id": "9"}, Intents.GUILD_MESSAGE_TYPING, True),
        ("TYPING_START", {"guild_id": "9"}, Intents.DIRECT_MESSAGE_TYPING, False),
        ("TYPING_START", {}, Intents.DIRECT_MESSAGE_TYPING, True),
        ("MESSAGE_CREATE", {"guild_id": "9"}, Intents.GUILDS, False),
        ("GUILD_CREATE", {"id": "9"}, 0, True),
        ("GUILD_MEMBER_UPDATE", {"user": {"id": ME}}, 0, True),
        ("GUILD_MEMBER_UPDATE", {"user": OTHER}, Intents.GUILDS, False),
        ("INTERACTION_CREATE", {}, 0, True),
        ("BRAND_NEW_EVENT", {}, 0, True),
    ],
)
def test_an_event_comes_with_its_intent(kind: str, data: dict[str, Any], intents: int, due: bool) -> None:
    assert intent_filter.is_allowed(kind, data, intents=intents, own_id=ME) is due


def test_content_is_hidden_from_a_client_without_the_intent() -> None:
    assert filtered(message())["content"] == ""
    assert filtered(message())["embeds"] == []
    assert "attachments" not in filtered(message()), "what was not there does not appear"
    assert filtered(message(), Intents.MESSAGE_CONTENT)["content"] == "hi"
    assert "poll" not in filtered(message(poll={}))


def test_content_is_seen_where_it_is_meant_for_the_bot() -> None:
    assert filtered(message(author={"id": ME}))["content"] == "hi"
    assert filtered(message(mentions=[{"id": ME}]))["content"] == "hi"
    assert filtered(message(guild_id=None))["content"] == "hi"


def test_what_a_message_refers_to_is_hidden_as_well() -> None:
    snapshots = [{"message": {"content": "secret"}}]
    shown = filtered(message(mentions=[{"id": ME}], referenced_message=message(message_snapshots=snapshots)))
    assert shown["content"] == "hi"
    assert shown["referenced_message"]["content"] == ""
    assert shown["referenced_message"]["message_snapshots"][0]["message"]["content"] == ""


def test_a_guild_shows_who_is_online_only_to_a_client_that_asked() -> None:
    guild = {"presences": [1], "voice_states": [2], "members": [3]}
    assert filtered(guild, Intents.GUILDS, "GUILD_CREATE") == {
        "presences": [],
        "voice_states": [],
        "members": [3],
    }
    assert filtered(guild, Intents.all(), "GUILD_CREATE") == guild
