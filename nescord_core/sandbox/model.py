"""Answers operations with the model's own route functions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from nescord_core import contract
from nescord_core.sandbox.calls import Call
from nescord_core.sandbox.simulation import ModelRoute, RequestContext, UnsupportedField, model_routes

__all__ = ["MODEL_PARTLY", "model_answer", "modelled"]

MESSAGE_CONTENT = 1 << 15
NEUTRAL: tuple[Any, ...] = (None, False, 0, "", [], {})
"""Values that ask for nothing: a client that sends a field the model lacks with one of these
loses nothing."""

MODEL_PARTLY = frozenset(
    {
        "bulk_ban_users_from_guild",
        "create_auto_moderation_rule",
        "create_channel_invite",
        "create_guild_channel",
        "create_guild_role",
        "create_guild_scheduled_event",
        "create_thread",
        "create_thread_from_message",
        "create_webhook",
        "execute_webhook",
        "prune_guild",
        "update_auto_moderation_rule",
        "update_channel",
        "update_guild",
        "update_guild_member",
        "update_guild_role",
        "update_guild_scheduled_event",
        "update_my_guild_member",
        "update_my_user",
        "update_webhook",
        "update_webhook_by_token",
    }
)
"""Operations whose request may hold fields that the model does not know; those answer 501 and name them."""


def _shape(segments: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("{}" if each.startswith("{") else each for each in segments)


@cache
def modelled() -> Mapping[str, tuple[ModelRoute, tuple[str, ...]]]:
    """Return the model's function and its names for the values in the path, by operationId."""
    by_shape = {(method, _shape(template)): (route, template) for method, template, route in model_routes()}
    found = {}
    for operation in contract.operations().values():
        entry = by_shape.get((operation.method, _shape(operation.segments)))
        if entry is not None:
            found[operation.operation_id] = entry
    return found


def model_answer(call: Call) -> Any:
    """Let the model answer. Raises BackendError, RouteNotImplemented, UnsupportedField."""
    route, template = modelled()[call.operation.operation_id]
    args = dict(_renamed(template, call))
    try:
        return route(_context(call, args, call.body))
    except UnsupportedField as refused:
        spared = _spared(call.body, refused.fields)
        if spared is None:
            raise
    return route(_context(call, args, spared))


def _renamed(template: tuple[str, ...], call: Call) -> list[tuple[str, str]]:
    """Pair the model's names in a path with the values by the document's names."""
    pairs = zip(template, call.operation.segments, strict=True)
    return [(mine[1:-1], call.args[theirs[1:-1]]) for mine, theirs in pairs if mine.startswith("{")]


def _context(call: Call, args: dict[str, str], body: Any) -> RequestContext:
    return RequestContext(
        call.world.simulation,
        args,
        json=body,
        params=dict(call.query),
        files=list(call.files),
        reason=call.reason,
        method=call.operation.method,
        path=call.path,
        message_content_access=not call.world.settings.disallowed_intents & MESSAGE_CONTENT,
    )


def _spared(body: Any, fields: list[str]) -> Any:
    """Return the body without the refused fields if all of them ask for nothing, else None."""
    parts = [body] if isinstance(body, dict) else body if isinstance(body, list) else []
    if not any(each in part for part in parts for each in fields):
        return None
    if any(part[each] not in NEUTRAL for part in parts for each in fields if each in part):
        return None
    spared = [{key: value for key, value in part.items() if key not in fields} for part in parts]
    return spared[0] if isinstance(body, dict) else spared
