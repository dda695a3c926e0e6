"""Completes responses and events with the fields that Discord's OpenAPI document requires. Pure.

The model returns what discord.py reads. Other clients expect every required field: missing ones are filled in
with their values in a world without the feature, and a null where the document allows none is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nescord_core.discord_api import contract
from nescord_core.discord_api.contract import Operation
from nescord_core.discord_api.schema import Shape, shape_of
from nescord_core.sandbox.world.event_schemas import EVENT_SCHEMAS

__all__ = ["complete", "complete_answer", "complete_event", "complete_members"]

DEFAULTS: Mapping[str, Any] = {
    "afk_timeout": 300,
    "attachment_size_limit": 26_214_400,
    "auto_archive_duration": 1440,
    "avatar": None,
    "bitrate": 64_000,
    "default_auto_archive_duration": 1440,
    "format_type": 1,
    "integration_types": [0],
    "integration_types_config": {"0": {}},
    "locale": "en-US",
    "max_members": 500_000,
    "max_presences": None,
    "max_stage_video_channel_users": 50,
    "max_video_channel_users": 25,
    "preferred_locale": "en-US",
    "type": 0,
    "verify_key": "0" * 64,
    "version": "1",
    "join_timestamp": "2024-01-01T00:00:00+00:00",
}
"""Values of required fields for which the empty value of their type would be wrong."""
TEXTS: Mapping[str, str] = {
    "allow": "0",
    "deny": "0",
    "discriminator": "0",
    "flags_new": "0",
    "permissions": "0",
    "region": "deprecated",
    "status": "online",
    "type": "rich",
}
"""Values of required fields that are text."""
BLANK = frozenset({"content", "description", "tags"})
"""Required texts that are empty where nobody has written any."""

OMITTED = object()


def complete_answer(operation: Operation, status: int, payload: Any) -> Any:
    """Complete the JSON of an operation's response."""
    schema = operation.response_schema(status)
    if schema is None or payload is None:
        return payload
    return complete(payload, shape_of(schema))


def complete_event(event: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Complete an event's payload; fields that its schema lacks stay."""
    schema = EVENT_SCHEMAS.get(event)
    if schema is None:
        return payload
    completed: Mapping[str, Any] = complete(payload, shape_of(schema))
    return completed


def complete_members(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Complete members with their users, as a chunk of a guild's members has them."""
    shape = shape_of(contract.schemas()["GuildMemberResponse"])
    return [complete(each, shape) for each in members]


def complete(value: Any, shape: Shape) -> Any:
    """Return the value with required fields filled in; the argument is not changed."""
    if shape.branches:
        branch = shape.branch_for(value)
        return value if branch is None else complete(value, branch)
    if isinstance(value, dict):
        return _object(value, shape)
    if isinstance(value, list):
        items = shape.items
        return [complete(each, items) for each in value]
    if value is None and shape.kinds and "null" not in shape.kinds:
        return OMITTED
    return value


def _object(value: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    completed = dict(value)
    fields, extra = shape.fields, shape.extra
    for name, given in value.items():
        field = fields.get(name, extra)
        if field is None:
            continue
        if type(given) is int and field.textual:
            # Clients may send ids and permissions as numbers; they come back as text.
            completed[name] = str(given)
        if type(given) is not dict and type(given) is not list and given is not None:
            continue
        if given is None and field.nullable:
            continue
        inner = complete(given, field)
        if inner is OMITTED or (given is None and inner is None):
            del completed[name]
        else:
            completed[name] = inner
    for name in shape.required:
        if name not in completed:
            completed[name] = _default(name, fields.get(name))
    return completed


def _default(name: str, shape: Shape | None) -> Any:
    if shape is None or (name not in DEFAULTS and shape.nullable):
        return None
    if name in DEFAULTS and shape.accepts(DEFAULTS[name]):
        return DEFAULTS[name]
    if shape.branches:
        return _default(name, shape.branches[0])
    if shape.enum:
        return 0 if 0 in shape.enum else shape.enum[0]
    if "object" in shape.kinds:
        return {each: _default(each, shape.fields.get(each)) for each in shape.required}
    for kind, empty in EMPTY_VALUES.items():
        if kind in shape.kinds:
            if kind == "string" and shape.rules.get("format") in EMPTY_STRINGS:
                return EMPTY_STRINGS[shape.rules["format"]]
            if kind == "string":
                # Clients take an empty text for a value. A field that the sandbox lacks shows its own name.
                return "" if name in BLANK else TEXTS.get(name, name)
            return [] if kind == "array" else empty
    return None


EMPTY_VALUES: Mapping[str, Any] = {
    "null": None,
    "boolean": False,
    "integer": 0,
    "number": 0,
    "string": "",
    "array": [],
}
EMPTY_STRINGS = {"snowflake": "0", "date-time": "2024-01-01T00:00:00+00:00", "uri": "http://127.0.0.1/"}
