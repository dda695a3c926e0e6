"""Application commands, one by one and in bulk, and their permissions.

https://discord.com/developers/docs/interactions/application-commands#endpoints
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nescord_core.sandbox.http.message_rules import command_problems
from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.normalization import without_nulls
from nescord_core.sandbox.http.operation_call import Call, Response, Routes, not_found
from nescord_core.sandbox.http.refusals.table import refuse
from nescord_core.sandbox.http.validation import invalid_form
from nescord_core.sandbox.world.simcord.model import BackendError

__all__ = ["ROUTES"]

ROUTES = Routes()
CHAT_INPUT = 1
REQUIRED = frozenset({"name", "description"})
MAX_DAILY_CREATES = 200
MAX_COMMANDS = {CHAT_INPUT: 100, 2: 15, 3: 15, 4: 1}
Command = dict[str, Any]
Registry = dict[tuple[str, int], Command]

ROUTES.answered_by(model_answer, "get_guild_application_command_permissions")


def _scope(call: Call) -> int | None:
    call.require_own_application()
    if "guild_id" not in call.args:
        return None
    return call.guild.id


def _registry(call: Call) -> Registry:
    return call.world.model.commands.setdefault(_scope(call), {})


def _build_command(call: Call, fields: Mapping[str, Any], previous: Mapping[str, Any] | None) -> Command:
    """Return a command with defaults, a new version, and the id of the previous one if there is one."""
    model = call.world.model
    scope = _scope(call)
    if previous is None:
        _count_create(call, scope)
    command: Command = {
        "description": "",
        "options": [],
        "default_member_permissions": None,
        "dm_permission": True,
        "nsfw": False,
        "contexts": None,
        "integration_types": [0],
        **without_nulls(fields, fields),
        "id": previous["id"] if previous else str(model.snowflake()),
        "application_id": str(model.application_id),
        "version": str(model.snowflake()),
        "type": fields.get("type") or CHAT_INPUT,
    }
    if scope is not None:
        command["guild_id"] = str(scope)
    rights = command["default_member_permissions"]
    command["default_member_permissions"] = None if rights is None else str(rights)
    return command


def _count_create(call: Call, scope: int | None) -> None:
    """Count a new command, of which a guild (or the application globally) may get 200 a day."""
    creates, today = call.world.extra_state.command_creates, call.world.model.now_iso()[:10]
    day, count = creates.get(scope, (today, 0))
    count = count if day == today else 0
    if count >= MAX_DAILY_CREATES:
        raise refuse(30034)
    creates[scope] = (today, count + 1)


def _find_command(call: Call) -> tuple[Registry, Command]:
    registry = _registry(call)
    for command in registry.values():
        if command["id"] == call.args["command_id"]:
            return registry, command
    raise not_found(10063, "application command")


def _name_key(fields: Mapping[str, Any]) -> tuple[str, int]:
    return fields["name"], fields.get("type") or CHAT_INPUT


def _check_command(fields: Mapping[str, Any], where: str = "") -> None:
    if (fields.get("type") or CHAT_INPUT) == CHAT_INPUT and not fields.get("description"):
        problem = {"_errors": [{"code": "BASE_TYPE_REQUIRED", "message": "This field is required"}]}
        errors: dict[str, Any] = {"description": problem}
        raise BackendError(400, 50035, "Invalid Form Body", errors={where: errors} if where else errors)
    if problems := command_problems(fields):
        raise BackendError(400, 50035, "Invalid Form Body", errors={where: problems} if where else problems)


def _check_limit(registry: Registry, key: tuple[str, int]) -> None:
    same = sum(kind == key[1] for _, kind in registry)
    if key not in registry and same >= MAX_COMMANDS.get(key[1], 100):
        raise BackendError(400, 30032, "Maximum number of application commands reached (100)")


@ROUTES.answers("list_application_commands", "list_guild_application_commands")
def _list_commands(call: Call) -> Any:
    return list(_registry(call).values())


@ROUTES.answers("create_application_command", "create_guild_application_command")
def _create_command(call: Call) -> Any:
    registry, key = _registry(call), _name_key(call.form)
    _check_command(call.form)
    _check_limit(registry, key)
    previous = registry.get(key)
    registry[key] = _build_command(call, call.form, previous)
    return Response(200 if previous else 201, registry[key])


@ROUTES.answers("get_application_command", "get_guild_application_command")
def _get_command(call: Call) -> Any:
    return _find_command(call)[1]


@ROUTES.answers("update_application_command", "update_guild_application_command")
def _update_command(call: Call) -> Any:
    registry, command = _find_command(call)
    # A null resets a field, except for those that a command cannot do without.
    fields = {**command, **without_nulls(call.form, REQUIRED), "type": command["type"]}
    _check_command(fields)
    del registry[_name_key(command)]
    registry[_name_key(fields)] = changed = _build_command(call, fields, command)
    return changed


@ROUTES.answers("delete_application_command", "delete_guild_application_command")
def _delete_command(call: Call) -> Any:
    registry, command = _find_command(call)
    del registry[_name_key(command)]


@ROUTES.answers("bulk_set_application_commands", "bulk_set_guild_application_commands")
def _bulk_set_commands(call: Call) -> Any:
    registry = _registry(call)
    replaced: Registry = {}
    for index, fields in enumerate(call.body or ()):
        key = _name_key(fields)
        _check_command(fields, str(index))
        if key in replaced:
            code = "APPLICATION_COMMANDS_DUPLICATE_NAME"
            problem = {"_errors": [{"code": code, "message": "Application command names must be unique"}]}
            raise BackendError(
                400, 50035, "Invalid Form Body", errors=invalid_form({str(index): problem})["errors"]
            )
        _check_limit(replaced, key)
        replaced[key] = _build_command(call, fields, registry.get(key))
    call.world.model.commands[_scope(call)] = replaced
    return list(replaced.values())


@ROUTES.answers("list_guild_application_command_permissions")
def _list_permissions(call: Call) -> Any:
    guild_id = _scope(call)
    permissions = call.world.model.command_permissions
    return [_permissions_payload(call, command) for guild, command in permissions if guild == guild_id]


@ROUTES.answers("set_guild_application_command_permissions")
def _set_permissions(call: Call) -> Any:
    model = call.world.model
    model.set_command_permissions(call.guild.id, call.id("command_id"), call.form.get("permissions") or [])
    payload = _permissions_payload(call, call.id("command_id"))
    model.emit("APPLICATION_COMMAND_PERMISSIONS_UPDATE", payload)
    return payload


def _permissions_payload(call: Call, command_id: int) -> dict[str, Any]:
    guild_id = call.id("guild_id")
    return {
        "id": str(command_id),
        "application_id": str(call.world.application_id),
        "guild_id": str(guild_id),
        "permissions": call.world.model.get_command_permissions(guild_id, command_id) or [],
    }
