"""The texts that a rule matches, and its actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from nescord_core.sandbox.world.automod import Match, find_match
from nescord_core.sandbox.world.world import ActionError, World

KEYWORD, PRESET, MENTIONS = 1, 4, 5


@pytest.mark.parametrize(
    ("metadata", "text", "caught"),
    [
        ({"keyword_filter": ["cat"]}, "a Cat!", Match("cat", "Cat")),
        ({"keyword_filter": ["cat"]}, "concatenate", None),
        ({"keyword_filter": ["cat*"]}, "catalogue", Match("cat*", "catalogue")),
        ({"keyword_filter": ["*cat"]}, "bobcat sat", Match("*cat", "bobcat")),
        ({"keyword_filter": ["*cat*"]}, "concatenate", Match("*cat*", "concatenate")),
        ({"keyword_filter": ["*cat*"], "allow_list": ["concatenate"]}, "concatenate", None),
        ({"keyword_filter": ["cat"], "allow_list": ["cat food"]}, "cat food, cat", Match("cat", "cat")),
        ({"regex_patterns": [r"c[aou]t\d"]}, "a cut7", Match(r"c[aou]t\d", "cut7")),
        ({"regex_patterns": ["("]}, "(", None),
    ],
)
def test_keywords(metadata: Mapping[str, Any], text: str, caught: Match | None) -> None:
    assert find_match(KEYWORD, metadata, text) == caught


def test_presets_and_mentions() -> None:
    assert find_match(PRESET, {"presets": [1]}, "well, damn") == Match("damn", "damn")
    assert find_match(PRESET, {"presets": [2]}, "well, damn") is None
    limit = {"mention_total_limit": 2}
    assert find_match(MENTIONS, limit, "<@1> <@&2> <@1>") is None
    assert find_match(MENTIONS, limit, "<@1> <@&2> <@!3>") == Match(None, None)


def rule(world: World, *actions: dict[str, Any], **more: Any) -> None:
    body = {
        "name": "no cats",
        "event_type": 1,
        "trigger_type": KEYWORD,
        "trigger_metadata": {"keyword_filter": ["cat"]},
        "actions": list(actions),
        "enabled": True,
        **more,
    }
    world.model.create_auto_mod_rule(world.guild_ids()[0], world.application_id, body)


def test_a_blocked_message_is_refused_announced_and_not_stored(world: World) -> None:
    heard: list[tuple[str, Mapping[str, Any]]] = []
    world.subscribe(lambda event, payload, *_: heard.append((event, payload)))
    alerts = world.find_channel("random").id
    rule(
        world,
        {"type": 1, "metadata": {}},
        {"type": 2, "metadata": {"channel_id": str(alerts)}},
        {"type": 3, "metadata": {"duration_seconds": 60}},
    )
    heard.clear()
    with pytest.raises(ActionError, match="blocked") as refused:
        world.say("general", "bob", "a cat")
    assert refused.value.code == 200000
    assert world.messages("general") == []
    assert [event for event, _ in heard] == [
        "AUTO_MODERATION_ACTION_EXECUTION",
        "MESSAGE_CREATE",
        "AUTO_MODERATION_ACTION_EXECUTION",
        "GUILD_MEMBER_UPDATE",
        "AUTO_MODERATION_ACTION_EXECUTION",
    ]
    alert = heard[1][1]
    assert (alert["type"], alert["channel_id"]) == (24, str(alerts))
    assert heard[2][1]["alert_system_message_id"] == alert["id"]
    assert heard[0][1]["matched_content"] == "cat"
    assert world.member(world.guild_ids()[0], "bob")["communication_disabled_until"]


def test_bots_the_owner_and_exempt_members_are_not_moderated(world: World) -> None:
    rule(world, {"type": 1}, exempt_roles=[str(world.find_role("moderator").id)])
    rule(world, {"type": 1}, exempt_channels=[], enabled=False)
    for user in ("olivia", "alice"):
        assert world.say("general", user, "a cat")["content"] == "a cat"
    with pytest.raises(ActionError):
        world.say("general", "bob", "a cat")
