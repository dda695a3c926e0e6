"""The actions of people over HTTP: methods of the world, with their arguments from JSON.

An action's arguments are those of the world's method, so each action is defined in one place only. Errors
name the arguments that the action takes.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

import msgspec

from nescord_core.sandbox.world.lookup import ActionError
from nescord_core.sandbox.world.world import World

__all__ = ["ACTIONS", "INTERACTION_ACTIONS", "Action", "move_voice", "parse_arguments"]


@dataclass(frozen=True, slots=True)
class Action:
    """One action: the HTTP method, the path below /sandbox and the name of the world's method.

    ``extra_fields`` means that fields beyond the signature are passed on, for a method with ``**changes``.
    """

    method: str
    path: str
    name: str
    extra_fields: bool = False


ACTIONS = (
    *(
        Action("POST", f"/{name}", name)
        for name in (
            "say",
            "dm",
            "edit",
            "delete",
            "react",
            "unreact",
            "pin",
            "vote",
            "typing",
            "interested",
            "join",
            "leave",
            "give_role",
            "take_role",
            "kick",
            "ban",
            "unban",
            "time_out",
            "interact",
            "autocomplete",
            "click",
            "select",
        )
    ),
    Action("POST", "/modal", "submit_modal"),
    Action("POST", "/thread", "start_thread"),
    Action("POST", "/presence", "set_presence"),
    Action("POST", "/outage", "set_available"),
    Action("POST", "/authorize", "authorize"),
    Action("POST", "/link_account", "link_account"),
    Action("POST", "/request_to_join", "request_to_join"),
    Action("POST", "/skus", "create_sku"),
    Action("POST", "/buy", "buy"),
    Action("POST", "/cancel", "cancel"),
    Action("POST", "/activity", "start_activity"),
    Action("POST", "/advance", "advance"),
    Action("POST", "/users", "create_user"),
    Action("POST", "/guilds", "add_guild"),
    Action("DELETE", "/guilds/{guild}", "remove_guild"),
    Action("POST", "/channels", "create_channel"),
    Action("PATCH", "/channels/{channel}", "edit_channel", extra_fields=True),
    Action("DELETE", "/channels/{channel}", "delete_channel"),
    Action("POST", "/channels/{channel}/permissions", "set_permissions"),
    Action("POST", "/roles", "create_role", extra_fields=True),
    Action("PATCH", "/roles/{role}", "edit_role", extra_fields=True),
    Action("DELETE", "/roles/{role}", "delete_role"),
)

INTERACTION_ACTIONS = frozenset({"interact", "autocomplete", "click", "select", "submit_modal"})
"""Actions that start an interaction; they take ``wait``, the seconds to wait for the bot's response."""


@cache
def _parameters(name: str) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the types of an action's arguments, and the required ones."""
    function = getattr(World, name)
    hints = get_type_hints(function)
    found = [
        each
        for each in inspect.signature(function).parameters.values()
        if each.name != "self" and each.kind is not each.VAR_KEYWORD
    ]
    needed = frozenset(each.name for each in found if each.default is each.empty)
    return {each.name: hints[each.name] for each in found}, needed


def parse_arguments(action: Action, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments in the types of the action's signature. Raises ActionError."""
    types, needed = _parameters(action.name)
    known = ", ".join(each + ("" if each in needed else "?") for each in types)
    if missing := sorted(needed - body.keys()):
        raise ActionError(f"{action.path[1:]} needs {', '.join(missing)}. It takes: {known}.")
    unknown = sorted(body.keys() - types.keys())
    if unknown and not action.extra_fields:
        raise ActionError(f"{action.path[1:]} does not take {', '.join(unknown)}. It takes: {known}.")
    return {name: _convert(name, value, types.get(name)) for name, value in body.items()}


def _convert(name: str, value: Any, type_: Any) -> Any:
    if type_ is None:
        return value
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise ActionError(f"{name}: {str(error)[:1].lower()}{str(error)[1:]}.") from None


def move_voice(world: World, body: Mapping[str, Any]) -> None:
    """Move a user between voice channels: ``{user, channel, guild?, mute?, deaf?}``; null disconnects."""
    if body.get("channel") is not None:
        world.voice_join(**parse_arguments(Action("POST", "/voice", "voice_join"), body))
        return
    left = {key: value for key, value in body.items() if key in ("user", "guild")}
    world.voice_leave(**parse_arguments(Action("POST", "/voice", "voice_leave"), left))
