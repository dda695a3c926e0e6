"""Commands that people run, and their autocomplete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nescord_core.sandbox.world.lookup import ActionError, Ref, id_of
from nescord_core.sandbox.world.people.given_files import ATTACHMENT_OPTION, given_file
from nescord_core.sandbox.world.people.interactions import (
    CHANNEL_KIND,
    MENTIONABLE_KIND,
    ROLE_KIND,
    USER_KIND,
    InteractionActions,
    Resolved,
)
from nescord_core.sandbox.world.people.members import Payload, as_action_error
from nescord_core.sandbox.world.simcord.model import (
    Channel,
    User,
    command_access,
    nest_options,
    validate_option_value,
    walk_to_subcommand,
)

__all__ = ["CommandActions"]

COMMAND, AUTOCOMPLETE = 2, 4
CHAT_INPUT, USER_COMMAND, MESSAGE_COMMAND = 1, 2, 3
ENTITY_OPTIONS = frozenset({USER_KIND, CHANNEL_KIND, ROLE_KIND, MENTIONABLE_KIND})


class CommandActions(InteractionActions):
    """Commands of the bot that users run: slash commands, menu commands, autocomplete."""

    def interact(
        self,
        channel: Ref,
        user: Ref,
        command: str,
        options: Mapping[str, Any] | None = None,
        *,
        guild: Ref | None = None,
        target: Ref | None = None,
    ) -> Payload:
        """Run a command: ``name`` or ``name group sub``; with a ``target`` (user or message), a menu command.

        Options are by name: plain values, names or ids for users, channels and roles, and (name, bytes) for
        files.
        """
        place, actor = self.find_channel(channel, guild), self.find_user(user)
        if target is not None:
            data = self._menu_command(place, actor, command, target)
        else:
            root, leaf, nesting = self._command(place, actor, command)
            built, resolved = self._options(place, actor, command, leaf, options or {})
            data = _command_data(root, nest_options(root, nesting, built), resolved)
        return self._start_interaction(COMMAND, place, actor, data)

    def autocomplete(
        self,
        channel: Ref,
        user: Ref,
        command: str,
        option: str,
        value: str,
        options: Mapping[str, Any] | None = None,
        *,
        guild: Ref | None = None,
    ) -> Payload:
        """Ask the bot to complete ``value`` of an option with autocomplete."""
        place, actor = self.find_channel(channel, guild), self.find_user(user)
        root, leaf, nesting = self._command(place, actor, command)
        focused = next((each for each in leaf.get("options") or [] if each["name"] == option), None)
        if focused is None or not focused.get("autocomplete"):
            raise ActionError(f"/{command} has no option {option!r} with autocomplete.")
        files = {each["name"] for each in leaf["options"] if each["type"] == ATTACHMENT_OPTION}
        values = {name: value for name, value in (options or {}).items() if name not in files | {option}}
        built, _ = self._options(place, actor, command, leaf, values, partial=True)
        built.append({"name": option, "type": focused["type"], "value": value, "focused": True})
        return self._start_interaction(
            AUTOCOMPLETE, place, actor, _command_data(root, nest_options(root, nesting, built), {})
        )

    def _command(
        self, place: Channel, actor: User, command: str
    ) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
        name, *path = command.removeprefix("/").split()
        root = self._usable_command(place, actor, name, CHAT_INPUT)
        with as_action_error():
            leaf, nesting = walk_to_subcommand(root, path)
        return root, leaf, nesting

    def _usable_command(self, place: Channel, actor: User, name: str, kind: int) -> dict[str, Any]:
        root = self.model.find_command(name, place.guild_id, type=kind)
        if root is None:
            scopes = (self.model.commands.get(scope, {}) for scope in (place.guild_id, None))
            known = ", ".join(f"/{key[0]}" for scope in scopes for key in scope if key[1] == kind) or "none"
            raise ActionError(f"There is no command {name!r} here. Known: {known}.", status=404)
        access = command_access(self.model, root, user_id=actor.id, channel_id=place.id)
        if not access.allowed:
            raise ActionError(f"{actor.name} cannot use /{name} here ({access.reason}).", status=403)
        return root

    def _menu_command(self, place: Channel, actor: User, name: str, target: Ref) -> dict[str, Any]:
        resolved: Resolved = {}
        stored = self.model.messages.get(place.id, {}).get(id_of(target))
        if stored is not None:
            root = self._usable_command(place, actor, name, MESSAGE_COMMAND)
            resolved["messages"] = {str(stored.id): self.message(stored)}
            target_id = stored.id
        else:
            root = self._usable_command(place, actor, name, USER_COMMAND)
            target_id = self._resolve(place, actor, USER_KIND, target, resolved)
        return {**_command_data(root, [], resolved), "target_id": str(target_id)}

    def _options(
        self,
        place: Channel,
        actor: User,
        command: str,
        leaf: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        partial: bool = False,
    ) -> tuple[list[dict[str, Any]], Resolved]:
        declared = {each["name"]: each for each in leaf.get("options") or []}
        if unknown := sorted(values.keys() - declared.keys()):
            raise ActionError(
                f"/{command} has no option {unknown[0]!r}. Known: {', '.join(declared) or 'none'}."
            )
        missing = [name for name, each in declared.items() if each.get("required") and name not in values]
        if missing and not partial:
            raise ActionError(f"/{command} needs the option {missing[0]!r}.")
        resolved: Resolved = {}
        built = [
            {
                "name": name,
                "type": declared[name]["type"],
                "value": self._option_value(place, actor, command, declared[name], value, resolved),
            }
            for name, value in values.items()
        ]
        return built, resolved

    def _option_value(
        self,
        place: Channel,
        actor: User,
        command: str,
        option: dict[str, Any],
        value: Any,
        resolved: Resolved,
    ) -> Any:
        if option["type"] in ENTITY_OPTIONS:
            return str(self._resolve(place, actor, option["type"], value, resolved))
        if option["type"] == ATTACHMENT_OPTION:
            file = given_file(f"The option {option['name']!r} of /{command}", option, value)
            return self._resolve_file(place, file, resolved)
        with as_action_error():
            return validate_option_value(command, option, value)


def _command_data(
    root: Mapping[str, Any], options: list[dict[str, Any]], resolved: Resolved
) -> dict[str, Any]:
    data: dict[str, Any] = {"id": root["id"], "name": root["name"], "type": root.get("type", CHAT_INPUT)}
    if options:
        data["options"] = options
    if resolved:
        data["resolved"] = resolved
    if root.get("guild_id"):
        data["guild_id"] = root["guild_id"]
    return data
