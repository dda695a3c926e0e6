"""Application commands: the entry point, names that are taken, and creates per day.

https://discord.com/developers/docs/interactions/application-commands
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.refusals.table import Refusals, refuse

__all__ = ["REFUSALS"]

REFUSALS = Refusals()
CHAT_INPUT, ENTRY_POINT = 1, 4

Key = tuple[Any, int]


@REFUSALS.before("bulk_set_application_commands")
def _refuse_to_drop_entry_point(call: Call) -> None:
    """A bulk overwrite must name the entry point command, which launches the application's activity."""
    known = call.world.model.commands.get(None, {})
    if any(kind == ENTRY_POINT for _, kind in known) and not _has_entry_point(call.body or ()):
        raise refuse(50240)


def _has_entry_point(commands: Iterable[Any]) -> bool:
    return any(isinstance(each, Mapping) and _key(each)[1] == ENTRY_POINT for each in commands)


@REFUSALS.before("update_application_command", "update_guild_application_command")
def _refuse_taken_name(call: Call) -> None:
    commands = call.world.model.commands.get(
        int(call.args["guild_id"]) if "guild_id" in call.args else None, {}
    )
    changed = next((each for each in commands.values() if each["id"] == call.args["command_id"]), None)
    if changed is None or "name" not in call.form:
        return
    other = commands.get((call.form["name"], _key(changed)[1]))
    if other is not None and other is not changed:
        raise refuse(40041)


def _key(command: Mapping[str, Any]) -> Key:
    return command.get("name"), int(command.get("type") or CHAT_INPUT)
