"""Discord's rules beyond its OpenAPI document, with the error codes and paths that clients read."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from support.sandbox.running_rest import (
    Rest,
    general,
)

BUTTON = {"type": 2, "style": 1, "label": "a", "custom_id": "a"}


def code_at(errors: Any, place: str) -> str:
    for name in place.split(".") if place else ():
        errors = errors[name]
    code: str = errors["_errors"][0]["code"]
    return code


@pytest.mark.parametrize(
    ("body", "place", "code"),
    [
        (
            {"content": "x", "message_reference": {"message_id": "1"}},
            "message_reference",
            "REPLIES_UNKNOWN_MESSAGE",
        ),
        (
            {"embeds": [{"description": "x" * 4000}, {"description": "y" * 3000}]},
            "embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
        ),
        ({"embeds": [{}]}, "embeds.0.description", "BASE_TYPE_REQUIRED"),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            "allowed_mentions",
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
        (
            {"content": "x", "components": [{"type": 1, "components": [BUTTON, BUTTON]}]},
            "components.0.components.1",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            {"content": "x", "flags": 1 << 15, "components": [{"type": 10, "content": "t"}]},
            "content",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        ),
    ],
)
async def test_messages(rest: Rest, body: dict[str, Any], place: str, code: str) -> None:
    refused = await rest.call("POST", f"{general(rest)}/messages", body, expect=400)
    assert code_at(refused.body["errors"], place) == code
    assert rest.world.messages("general") == []


async def test_a_reply_to_nothing_may_be_sent_as_no_reply(rest: Rest) -> None:
    reference = {"message_id": "1", "fail_if_not_exists": False}
    body = {"content": "x", "message_reference": reference}
    sent = await rest.ok("POST", f"{general(rest)}/messages", body)
    assert sent["type"] == 0
    assert "message_reference" not in sent


@pytest.mark.parametrize(
    ("command", "place", "code"),
    [
        ({"name": "Bad Name"}, "name", "APPLICATION_COMMAND_INVALID_NAME"),
        (
            {"name": "o", "options": [("a", False), ("b", True)]},
            "options.1",
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        (
            {"name": "o", "options": [("a", True), ("a", True)]},
            "options.1.name",
            "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
        ),
        (
            {"name": "o", "options": [("a" * 32, True)], "choices": 25},
            "",
            "APPLICATION_COMMAND_TOO_LARGE",
        ),
    ],
)
async def test_commands(rest: Rest, command: dict[str, Any], place: str, code: str) -> None:
    choices = [{"name": f"{n:0>100}", "value": "v" * 100 * 3} for n in range(command.pop("choices", 0))]
    options = [
        {"type": 3, "name": name, "description": "d", "required": required, "choices": choices}
        for name, required in command.pop("options", ())
    ]
    body = {**command, "description": "d", "options": options}
    base = f"/applications/{rest.world.application_id}/commands"
    refused = await rest.call("POST", base, body, expect=400)
    assert code_at(refused.body["errors"], place) == code
    bulk = await rest.call("PUT", base, [body], expect=400)
    assert code_at(bulk.body["errors"]["0"], place) == code


async def test_numbers_of_things(rest: Rest) -> None:
    said = rest.world.say("general", "alice", "x")
    path = f"{general(rest)}/messages/{said['id']}/reactions"
    for number in range(20):
        await rest.call("PUT", f"{path}/{quote(chr(0x1F600 + number))}/@me", expect=204)
    full = await rest.call("PUT", f"{path}/{quote(chr(0x1F700))}/@me", expect=400)
    assert full.body["code"] == 30010
    await rest.call("PUT", f"{path}/{quote(chr(0x1F600))}/@me", expect=204)
    old = await rest.call(
        "POST", f"{general(rest)}/messages/bulk-delete", {"messages": ["1", "2"]}, expect=400
    )
    assert old.body["code"] == 50034
    bob = f"/guilds/{rest.world.guild_ids()[0]}/members/{rest.world.find_user('bob').id}"
    late = await rest.call("PATCH", bob, {"communication_disabled_until": "2090-01-01T00:00:00Z"}, expect=400)
    assert "communication_disabled_until" in late.body["errors"]
    own = {"recipient_id": str(rest.world.application_id)}
    assert (await rest.call("POST", "/users/@me/channels", own, expect=400)).body["code"] == 50033


async def test_interactions_are_answered_by_what_fits_them(rest: Rest) -> None:
    """Once, within 3 s, with a token for 15 minutes; a modal opens no modal."""
    app = rest.world.application_id
    command = {"name": "ask", "description": "Ask"}
    await rest.ok("PUT", f"/applications/{app}/commands", [command])

    def asked() -> tuple[str, dict[str, Any]]:
        started = rest.world.interact("general", "alice", "ask")
        return f"/interactions/{started['id']}/{started['token']}/callback", started

    field = {"type": 4, "custom_id": "f", "label": "L", "style": 1}
    row = {"type": 1, "components": [field]}
    form = {"type": 9, "data": {"custom_id": "m", "title": "T", "components": [row]}}
    path, started = asked()
    for wrong in (7, 8):
        refused = await rest.call("POST", path, {"type": wrong, "data": {}}, expect=400)
        assert code_at(refused.body["errors"], "type") == "BASE_TYPE_CHOICES"
    await rest.call("POST", path, form, expect=204)
    assert (await rest.call("POST", path, {"type": 5}, expect=400)).body["code"] == 40060
    filled = rest.world.submit_modal(started["id"], "alice", {"f": "v"})
    again = f"/interactions/{filled['id']}/{filled['token']}/callback"
    assert "type" in (await rest.call("POST", again, form, expect=400)).body["errors"]
    path, started = asked()
    rest.world.model.advance_clock(3.1)
    assert (await rest.call("POST", path, {"type": 5}, expect=404)).body["code"] == 10062
    path, started = asked()
    await rest.call("POST", path, {"type": 5}, expect=204)
    rest.world.model.advance_clock(15 * 60)
    hook = f"/webhooks/{app}/{started['token']}"
    assert (await rest.call("POST", hook, {"content": "x"}, expect=401)).body["code"] == 50027
    assert (
        await rest.call("PATCH", f"{hook}/messages/@original", {"content": "x"}, expect=401)
    ).status == 401
    path, started = asked()
    launched = await rest.ok("POST", f"{path}?with_response=true", {"type": 12})
    instance = launched["interaction"]["activity_instance_id"]
    assert (await rest.ok("GET", f"/applications/{app}/activity-instances/{instance}"))["users"]
