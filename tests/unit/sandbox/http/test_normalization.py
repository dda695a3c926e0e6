"""Bodies as Discord reads them: a null in a field that may be null is no reason to refuse a request."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from nescord_core.discord_api import contract
from nescord_core.discord_api.contract import Operation
from nescord_core.discord_api.schema import Shape
from nescord_core.sandbox.http.normalization import normalized
from nescord_core.sandbox.http.router import answer
from nescord_core.sandbox.http.validation import body_shape
from nescord_core.sandbox.world.world import World
from support.sandbox.request_maker import Maker

Variant = tuple[str, Any, Any]
"""The path of a field, a body without the field, and the same body with a null in it."""

COMPONENTS_V2 = 1 << 15
ADDED: Mapping[str, Any] = {
    "content": "text",
    "custom_id": "id",
    "description": "words",
    "label": "label",
    "name": "name",
    "text": "text",
    "title": "title",
    "value": "value",
}
"""Fields that hardly anything is accepted without, required or not."""
ALWAYS = frozenset({"message_id", "options", "recipient_id", "id", "type", "topic"})
REFUSED_NULLS = {
    # It disconnects from voice, and the member is not connected.
    ("update_guild_member", "channel_id"),
}


class Variants:
    """Makes the variants of an operation's body, one of each nullable field at any depth."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self._seen: set[int] = set()

    def of(self, shape: Shape) -> Iterator[Variant]:
        for each in shape.branches:
            yield from self.of(each)
        if shape.branches or id(shape) in self._seen:
            return
        self._seen.add(id(shape))
        for name, field in shape.fields.items():
            base = {key: value for key, value in self.least(shape).items() if key != name}
            if field.nullable:
                yield name, base, {**base, name: None}
            for path, without, null in self.of(field):
                yield f"{name}.{path}", {**base, name: without}, {**base, name: null}
        if "array" in shape.kinds:
            for path, without, null in self.of(shape.items):
                yield f"[].{path}", [without], [null]

    def least(self, shape: Shape) -> dict[str, Any]:
        names = [each for each in shape.fields if each in shape.required or each in ADDED or each in ALWAYS]
        return {name: self.value(name, shape.fields[name]) for name in names}

    def value(self, name: str, shape: Shape) -> Any:
        if shape.branches:
            return self.value(name, next(each for each in shape.branches if each.kinds != {"null"}))
        if shape.enum:
            return shape.enum[0]
        if shape.rules.get("format") == "snowflake":
            return self.maker.argument({"recipient_id": "user_id"}.get(name, name))
        if "object" in shape.kinds:
            return self.least(shape)
        if "array" in shape.kinds:
            return [self.value(name, shape.items) for _ in range(max(1, shape.rules.get("minItems") or 0))]
        if "string" in shape.kinds and name in ADDED:
            return ADDED[name]
        kind = min(shape.kinds - {"null"}, default="string")
        return getattr(self.maker, f"make_{kind}")(shape, 0)


class Scene:
    """A world with a target for every operation; each request acts on a copy of it."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        world, model = maker.world, maker.world.model
        buttons = [{"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}]
        general = world.find_channel("general").id
        self.own = model.create_message(general, model.bot_user.id, "mine", components=buttons)
        self.plain = model.create_message(general, model.bot_user.id, "mine")
        self.posted = model.create_message(general, maker.hook.webhook_user_id, "x", webhook_id=maker.hook.id)
        self.general = str(general)
        command = {"name": "ask", "description": "Ask"}
        options = [{"type": 3, "name": "what", "description": "What", "autocomplete": True}]
        self.command = self._made("create_application_command", {**command, "options": options})["id"]
        self.here = self._made("create_guild_application_command", {**command, "name": "here"})["id"]
        words = {"keyword_filter": ["spam"]}
        rule = {"name": "r", "event_type": 1, "trigger_type": 1, "trigger_metadata": words, "actions": []}
        self.rule = self._made("create_auto_moderation_rule", {**rule, "actions": [{"type": 1}]})["id"]

    def _made(self, operation_id: str, body: Any) -> Any:
        call = self.maker.call(contract.operations()[operation_id])
        made = answer(replace(call, body=body, query={}, grant=None))
        assert made.status < 300, made.payload
        return made.payload

    def outcome(self, operation: Operation, body: Any) -> tuple[int, Any]:
        """Return the status of a request, and its error code."""
        state = self.maker.random.getstate()
        call = self.maker.call(operation)
        self.maker.random.setstate(state)  # the next request has the same ids
        world = copy.deepcopy(self.maker.world)
        args = {**call.args, **self._arguments(world, operation.operation_id, body)}
        given = answer(replace(call, args=args, body=_fitting(body), world=world, query={}, grant=None))
        return given.status, given.payload.get("code") if given.status >= 400 else None

    def _arguments(self, world: World, operation_id: str, body: Any) -> dict[str, str]:
        match operation_id:
            case "create_interaction_response":
                return self._interaction(world, body["type"])
            case "update_original_webhook_message":
                started = self._interaction(world, 4)
                token = started["interaction_token"]
                self.respond(world, started)
                return {"webhook_id": str(world.application_id), "webhook_token": token}
            case "create_thread" if "message" in body or "applied_tags" in body:
                return {"channel_id": str(world.find_channel("forum").id)}
        targets = {
            "create_message": {"channel_id": self.general},
            "create_thread": {"channel_id": self.general},
            "create_thread_from_message": {"channel_id": self.general, "message_id": str(self.plain.id)},
            "update_application_command": {"command_id": self.command},
            "update_auto_moderation_rule": {"rule_id": self.rule},
            "update_guild_application_command": {"command_id": self.here},
            "update_guild_member": {"user_id": str(world.find_user("bob").id)},
            "update_message": {"channel_id": self.general, "message_id": str(self.plain.id)},
            "update_webhook_message": {"message_id": str(self.posted.id)},
        }
        return targets.get(operation_id, {})

    def respond(self, world: World, started: Mapping[str, str]) -> None:
        operation = contract.operations()["create_interaction_response"]
        call = replace(self.maker.call(operation), args=started, world=world, query={}, grant=None)
        assert answer(replace(call, body={"type": 4, "data": {"content": "x"}})).status == 204

    def _interaction(self, world: World, callback: int) -> dict[str, str]:
        """Start an interaction that takes such a callback."""
        if callback in (6, 7):
            started = world.click("general", self.own.id, "alice")
        elif callback == 8:
            started = world.autocomplete("general", "alice", "ask", "what", "a")
        else:
            started = world.interact("random", "alice", "ask")
        return {"interaction_id": started["id"], "interaction_token": started["token"]}


def _fitting(body: Any) -> Any:
    """Return a body whose components fit its flags: other than action rows, they stand alone."""
    if not isinstance(body, dict):
        return body
    for where in ("data", "message"):
        if isinstance(body.get(where), dict):
            return {**body, where: _fitting(body[where])}
    components = body.get("components")
    if not components or all(each["type"] == 1 for each in components) or "custom_id" in body:
        return body
    kept = {
        name: each for name, each in body.items() if name not in ("content", "embeds", "poll", "sticker_ids")
    }
    return {**kept, "flags": COMPONENTS_V2}


OPERATIONS = [each for each in contract.operations().values() if body_shape(each) is not None]


def test_no_request_is_refused_for_a_null_in_a_field_that_may_be_null(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)
    maker = Maker(1)
    scene = Scene(maker)
    refused, tried, accepted = [], 0, 0
    for operation in OPERATIONS:
        shape = body_shape(operation)
        assert shape is not None
        for path, without, null in Variants(maker).of(shape):
            expected, found = scene.outcome(operation, without), scene.outcome(operation, null)
            tried += 1
            accepted += found[0] < 400
            if found[0] >= 400 and found != expected and (operation.operation_id, path) not in REFUSED_NULLS:
                refused.append((operation.operation_id, path, expected, found))
    assert refused == []
    assert tried > 2000
    assert accepted > 1500


BUTTON = {"type": 2, "label": "Go"}
SELECT = {"custom_id": "s", "min_values": None, "max_values": None, "placeholder": None, "disabled": None}
OPTION = {"label": "a", "value": "a", "description": None, "emoji": None, "default": None}


@pytest.mark.parametrize(
    "component",
    [
        {
            **BUTTON,
            "style": 1,
            "custom_id": "b",
            "url": None,
            "sku_id": None,
            "emoji": None,
            "disabled": None,
        },
        {**BUTTON, "style": 5, "custom_id": None, "url": "https://example.org/", "sku_id": None, "id": None},
        {"type": 3, "options": [OPTION], **SELECT},
        {"type": 5, **SELECT},
        {"type": 8, "channel_types": None, "default_values": None, **SELECT},
    ],
    ids=["button", "link", "strings", "users", "channels"],
)
def test_components_are_taken_with_every_field_that_they_do_not_use_as_null(component: Any) -> None:
    scene = Scene(Maker(1))
    body = {"content": "x", "components": [{"type": 1, "id": None, "components": [component]}]}
    assert scene.outcome(contract.operations()["create_message"], body)[0] == 200


def test_a_reply_is_taken_with_nulls_in_its_reference() -> None:
    scene = Scene(Maker(1))
    nulls = dict.fromkeys(("type", "channel_id", "guild_id", "fail_if_not_exists"))
    mentions = {"parse": ["users"], "users": None, "roles": None, "replied_user": None}
    reference = {"message_id": str(scene.plain.id), **nulls}
    body = {"content": "x", "message_reference": reference, "allowed_mentions": mentions}
    assert scene.outcome(contract.operations()["create_message"], body)[0] == 200


def test_nulls_at_the_top_keep_their_meaning() -> None:
    body = {"content": None, "embeds": None, "components": [{"type": 1, "id": None}]}
    kept = {"content": None, "embeds": None, "components": [{"type": 1}]}
    assert normalized("update_message", body) == kept
    assert normalized("create_interaction_response", {"type": 7, "data": body}) == {"type": 7, "data": kept}
    answered = normalized("create_interaction_response", {"type": 4, "data": body})
    assert answered == {"type": 4, "data": {"components": [{"type": 1}]}}
