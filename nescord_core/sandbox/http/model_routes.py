"""Answers operations with the model's own routes.

Requests are adapted first: the model refuses nulls and fields that Discord ignores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from nescord_core.discord_api import contract
from nescord_core.discord_api.contract import Operation
from nescord_core.discord_api.schema import Shape
from nescord_core.sandbox.http.normalization import without_nulls
from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.validation import body_shape
from nescord_core.sandbox.world.attachments import request_components
from nescord_core.sandbox.world.simcord.model import (
    BackendError,
    ModelRoute,
    RequestContext,
    UnsupportedField,
    model_routes,
)

__all__ = ["model_answer", "model_operations"]

MESSAGE_CONTENT = 1 << 15
EMPTY_VALUES: tuple[Any, ...] = (None, False, 0, "", [], {})
"""Values that change nothing: a field that the model lacks can be dropped when it has one of these."""

MESSAGE_FIELDS = ("data", "message")
"""Fields of a body that hold a message: of an interaction's response, and of a forum post."""

OMITTED_WHEN_NULL = frozenset(
    {"id", "permission_overwrites", "available_tags", "channel_id", "name", "poll"}
    | {"actions", "trigger_metadata"}
)
"""Fields whose null leaves them as they are in an update."""

OMITTED_FROM_MEMBERS = frozenset({"mute", "deaf", "flags"})
"""The same in the update of a member, where other nulls disconnect from voice and remove nick and roles."""

MEMBER_UPDATES = frozenset({"update_guild_member", "update_my_guild_member"})

REQUIRED_BY_MODEL = frozenset({"id", "type", "recipient_id", "name", "topic"})
"""Fields that the model needs and the OpenAPI document calls optional."""


def _path_shape(segments: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("{}" if each.startswith("{") else each for each in segments)


@cache
def model_operations() -> Mapping[str, tuple[ModelRoute, tuple[str, ...]]]:
    """Return the model's route and its path template, by operationId."""
    by_shape = {
        (method, _path_shape(template)): (route, template) for method, template, route in model_routes()
    }
    found = {}
    for operation in contract.operations().values():
        entry = by_shape.get((operation.method, _path_shape(operation.segments)))
        if entry is not None:
            found[operation.operation_id] = entry
    return found


def model_answer(call: Call) -> Any:
    """Answer a call with the model's route. Raises BackendError, RouteNotImplemented, UnsupportedField."""
    route, template = model_operations()[call.operation.operation_id]
    args = dict(_path_arguments(template, call))
    body = _normalized_body(call.operation, _with_request_components(call.body))
    with call.world.model.files.with_metadata({each.filename: each.metadata for each in call.files}):
        return _run_adapted(route, call, args, body)


def _run_adapted(route: ModelRoute, call: Call, args: dict[str, str], body: Any) -> Any:
    try:
        return _run(route, _context(call, args, body))
    except UnsupportedField as refused:
        reduced = _without_ignorable_fields(call.operation, body, refused.fields)
        if reduced is None:
            raise
    return _run(route, _context(call, args, reduced))


def _run(route: ModelRoute, context: RequestContext) -> Any:
    """Call a route; a field that it needs and the document calls optional is a 400 when it is missing."""
    try:
        return route(context)
    except KeyError as missing:
        parts = context.json if isinstance(context.json, list) else [context.json or {}]
        name = missing.args[0] if missing.args else None
        if name not in REQUIRED_BY_MODEL or all(name in part for part in parts):
            raise
        problem = {"_errors": [{"code": "BASE_TYPE_REQUIRED", "message": "This field is required"}]}
        raise BackendError(400, 50035, "Invalid Form Body", errors={name: problem}) from missing


def _with_request_components(body: Any) -> Any:
    """Return the body with the media of its components as a request has them."""
    if not isinstance(body, dict):
        return body
    changed = dict(body)
    if "components" in body:
        changed["components"] = request_components(body["components"])
    for name in MESSAGE_FIELDS:
        if isinstance(body.get(name), dict):
            changed[name] = _with_request_components(body[name])
    return changed


def _normalized_body(operation: Operation, body: Any) -> Any:
    """Drop the top-level nulls that mean a missing field: when something is created, and in some fields."""
    if isinstance(body, list):
        return [without_nulls(each, OMITTED_WHEN_NULL) if isinstance(each, dict) else each for each in body]
    if not isinstance(body, dict):
        return body
    if operation.operation_id in MEMBER_UPDATES:
        changes = without_nulls(body, OMITTED_FROM_MEMBERS)
        return {**changes, "roles": body["roles"] or []} if "roles" in body else changes
    normalized = without_nulls(body, OMITTED_WHEN_NULL if operation.method == "PATCH" else body.keys())
    if "permission_overwrites" in normalized:
        overwrites = normalized["permission_overwrites"]
        normalized["permission_overwrites"] = [{"type": 0, **each} for each in overwrites]
    return normalized


def _path_arguments(template: tuple[str, ...], call: Call) -> list[tuple[str, str]]:
    """Return the values in the path, by the model's names for them."""
    pairs = zip(template, call.operation.segments, strict=True)
    return [(mine[1:-1], call.args[theirs[1:-1]]) for mine, theirs in pairs if mine.startswith("{")]


def _context(call: Call, args: dict[str, str], body: Any) -> RequestContext:
    return RequestContext(
        call.world.model,
        args,
        json=body,
        params=dict(call.query),
        files=list(call.files),
        reason=call.reason,
        method=call.operation.method,
        path=call.path,
        message_content_access=not call.world.settings.disallowed_intents & MESSAGE_CONTENT,
    )


def _without_ignorable_fields(operation: Operation, body: Any, fields: list[str]) -> Any:
    """Return the body without the refused fields if they can be ignored, else None.

    Fields that change nothing can be ignored, and fields that the document does not know: Discord ignores
    them, and clients do send some (discord.js a thread's type, or a webhook's name with an edit).
    """
    shape = body_shape(operation)
    shapes = [] if shape is None else [shape]
    if isinstance(body, dict):
        for name in (each for each in MESSAGE_FIELDS if isinstance(body.get(each), dict)):
            if not any(each in body for each in fields):
                inner = _without_fields(body[name], _inner_shapes(shapes, name), fields)
                return None if inner is None else {**body, name: inner}
        return _without_fields(body, shapes, fields)
    if not isinstance(body, list):
        return None
    items = [each.items for each in shapes]
    reduced = [_without_fields(each, items, fields) for each in body]
    return None if None in reduced else reduced


def _without_fields(
    part: Mapping[str, Any], shapes: Iterable[Shape], fields: list[str]
) -> dict[str, Any] | None:
    known = set(_field_names(shapes))
    if any(part[each] not in EMPTY_VALUES for each in fields if each in part and each in known):
        return None
    return {key: value for key, value in part.items() if key not in fields}


def _field_names(shapes: Iterable[Shape]) -> Iterator[str]:
    for each in _union_members(shapes):
        yield from each.fields


def _inner_shapes(shapes: Iterable[Shape], name: str) -> list[Shape]:
    return [each.fields[name] for each in _union_members(shapes) if name in each.fields]


def _union_members(shapes: Iterable[Shape]) -> Iterator[Shape]:
    """Return the shapes, and the members of each union among them."""
    for each in shapes:
        yield each
        yield from _union_members(each.branches)
