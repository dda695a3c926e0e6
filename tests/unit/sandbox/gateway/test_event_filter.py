"""The events that a session gets, and what they show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nescord_core.events import Intents
from nescord_core.sandbox.gateway.event_filter import EncodedEvent, guild_create_for, redact, required_intents

BOT = "9"


@pytest.mark.parametrize(
    ("event", "in_guild", "expected"),
    [
        ("MESSAGE_CREATE", True, Intents.GUILD_MESSAGES),
        ("MESSAGE_CREATE", False, Intents.DIRECT_MESSAGES),
        ("TYPING_START", False, Intents.DIRECT_MESSAGE_TYPING),
        ("MESSAGE_REACTION_ADD", True, Intents.GUILD_MESSAGE_REACTIONS),
        ("GUILD_MEMBER_ADD", True, Intents.GUILD_MEMBERS),
        ("INTERACTION_CREATE", True, Intents(0)),
        ("SOMETHING_NEW", True, Intents(0)),
    ],
)
def test_an_event_needs_the_intent_of_where_it_happened(
    event: str, in_guild: bool, expected: Intents
) -> None:
    assert required_intents(event, in_guild) == expected


def message(**more: Any) -> dict[str, Any]:
    return {"id": "1", "content": "text", "author": {"id": "1"}, "mentions": [], **more}


def test_content_embeds_attachments_components_and_polls_are_hidden() -> None:
    shown = redact(message(embeds=[1], attachments=[1], components=[1], poll={}), BOT)
    assert shown == message(content="", embeds=[], attachments=[], components=[])


def test_a_field_that_was_not_there_is_not_made_up() -> None:
    shown = redact({"id": "1", "pinned": True, "author": {"id": "1"}}, BOT)
    assert shown == {"id": "1", "pinned": True, "author": {"id": "1"}}


@pytest.mark.parametrize(
    "seen",
    [
        message(author={"id": BOT}),
        message(mentions=[{"id": BOT}]),
        message(content=f"hello <@!{BOT}>"),
    ],
)
def test_the_bot_sees_its_own_messages_and_those_that_mention_it(seen: dict[str, Any]) -> None:
    assert redact(seen, BOT) is None


def test_a_replied_to_message_is_judged_by_itself() -> None:
    shown = redact(message(author={"id": BOT}, referenced_message=message()), BOT)
    assert shown is not None
    assert shown["content"] == "text"
    assert shown["referenced_message"]["content"] == ""


def test_forwarded_content_is_hidden_with_the_message() -> None:
    shown = redact(message(message_snapshots=[{"message": {"content": "secret"}}]), BOT)
    assert shown is not None
    assert shown["message_snapshots"][0]["message"]["content"] == ""


def members(count: int) -> list[dict[str, Any]]:
    return [{"user": {"id": BOT}}] + [{"user": {"id": str(100 + each)}} for each in range(count - 1)]


def test_a_large_guild_comes_without_members_even_with_presences() -> None:
    guild = {"member_count": 51, "members": members(51)}
    shown = guild_create_for(guild, Intents.all(), 50, BOT)
    assert shown["large"] is True
    assert [each["user"]["id"] for each in shown["members"]] == [BOT]
    assert len(guild_create_for(guild, Intents.all(), 51, BOT)["members"]) == 51


def test_members_in_voice_channels_come_with_a_large_guild() -> None:
    guild = {"member_count": 3, "members": members(3), "voice_states": [{"user_id": "100"}]}
    shown = guild_create_for(guild, Intents.GUILDS, 50, BOT)
    assert [each["user"]["id"] for each in shown["members"]] == [BOT, "100"]


def test_an_event_is_encoded_once_for_each_shape() -> None:
    event = EncodedEvent("MESSAGE_CREATE", message(), 5, BOT)
    plain = event.for_session(Intents.GUILD_MESSAGES, 50)
    whole = event.for_session(Intents.GUILD_MESSAGES | Intents.MESSAGE_CONTENT, 50)
    assert plain is not None
    assert whole is not None
    assert (json.loads(plain)["content"], json.loads(whole)["content"]) == ("", "text")
    assert event.for_session(Intents.GUILD_MESSAGES, 50) is plain
    assert event.for_session(Intents.all(), 50) is whole
    assert event.for_session(Intents.GUILDS, 50) is None


def test_direct_messages_are_never_hidden() -> None:
    seen = EncodedEvent("MESSAGE_CREATE", message(), 0, BOT).for_session(Intents.DIRECT_MESSAGES, 50)
    assert seen is not None
    assert json.loads(seen)["content"] == "text"
