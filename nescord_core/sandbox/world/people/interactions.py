"""Interactions that people start: commands, autocomplete, buttons, select menus, modals."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.lookup import ActionError, Ref
from nescord_core.sandbox.world.people.members import Payload, as_action_error
from nescord_core.sandbox.world.people.owners import OwnerActions
from nescord_core.sandbox.world.simcord.model import (
    Channel,
    Interaction,
    Message,
    User,
    base_payload,
    channel_accessible,
    command_access,
    nest_options,
    serializers,
    validate_option_value,
    walk_components,
    walk_to_subcommand,
)

__all__ = ["InteractionActions"]

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
CHAT_INPUT, USER_COMMAND, MESSAGE_COMMAND = 1, 2, 3
BUTTON, STRING_SELECT = 2, 3
SELECTS = frozenset({3, 5, 6, 7, 8})
USER_KIND, CHANNEL_KIND, ROLE_KIND, MENTIONABLE_KIND = 6, 7, 8, 9
ENTITY_OPTIONS = frozenset({USER_KIND, CHANNEL_KIND, ROLE_KIND, MENTIONABLE_KIND})
KIND_OF_SELECT = {5: USER_KIND, 6: ROLE_KIND, 7: MENTIONABLE_KIND, 8: CHANNEL_KIND}
CHILD_FIELDS = ("components", "component")

Resolved = dict[str, dict[str, Any]]


class InteractionActions(OwnerActions):
    """Interactions of users. Each action returns {id, token, type}; `interaction` returns the outcome."""

    def interaction(self, interaction_id: Ref) -> Payload:
        """Return an interaction: whether and how the bot has responded, and the message it sent."""
        record = self.model.interactions.get(int(interaction_id))
        if record is None:
            raise ActionError(f"There is no interaction {interaction_id}.", status=404)
        message = self.model.messages.get(record.channel_id, {}).get(record.message_id or 0)
        return {
            "id": str(record.id),
            "token": record.token,
            "type": record.type,
            "responded": record.responded,
            "kind": None if record.response_kind is None else str(record.response_kind),
            "deferred": record.loading,
            "ephemeral": record.ephemeral,
            "message": None if message is None else self.message(message),
            "followups": [str(each) for each in record.followup_ids],
            "modal": record.modal,
            "choices": record.autocomplete_choices,
        }

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

        Options are by name: plain values, and names or ids for users, channels and roles.
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
        values = {name: value for name, value in (options or {}).items() if name != option}
        built, _ = self._options(place, actor, command, leaf, values, partial=True)
        built.append({"name": option, "type": focused["type"], "value": value, "focused": True})
        return self._start_interaction(
            AUTOCOMPLETE, place, actor, _command_data(root, nest_options(root, nesting, built), {})
        )

    def click(
        self,
        channel: Ref,
        message: Ref,
        user: Ref,
        *,
        custom_id: str | None = None,
        label: str | None = None,
    ) -> Payload:
        """Click a button, by custom id or label; with neither, the only button of the message."""
        stored, actor = self._visible_message(channel, message, user)
        button = _component(stored, {BUTTON}, custom_id, label)
        if not button.get("custom_id"):
            raise ActionError("That button is a link: it starts no interaction.")
        return self._use_component(stored, actor, button, {})

    def select(
        self,
        channel: Ref,
        message: Ref,
        user: Ref,
        values: Sequence[Ref],
        *,
        custom_id: str | None = None,
    ) -> Payload:
        """Choose from a select menu: values of options, or names or ids of users, roles, channels."""
        stored, actor = self._visible_message(channel, message, user)
        menu = _component(stored, SELECTS, custom_id, None)
        lowest, highest = menu.get("min_values", 1), menu.get("max_values", 1)
        if not lowest <= len(values) <= highest:
            raise ActionError(f"That menu takes {lowest} to {highest} values, not {len(values)}.")
        place = self.find_channel(stored.channel_id)
        return self._use_component(stored, actor, menu, self._selected_data(place, actor, menu, values))

    def submit_modal(self, interaction: Ref, user: Ref, values: Mapping[str, Any]) -> Payload:
        """Submit the modal that the bot opened in response to an interaction; values by custom id."""
        record, actor = self.model.interactions.get(int(interaction)), self.find_user(user)
        if record is None or record.modal is None or record.user_id != actor.id or record.modal_consumed:
            raise ActionError(f"{actor.name} has no open modal of interaction {interaction}.", status=409)
        place = self.find_channel(record.channel_id)
        resolved: Resolved = {}
        fields = {
            each["custom_id"] for each in walk_components(record.modal["components"]) if _is_input(each)
        }
        if unknown := sorted(values.keys() - fields):
            raise ActionError(f"The modal has no field {unknown[0]!r}. Known: {', '.join(sorted(fields))}.")
        filled = [self._fill_in(place, actor, each, values, resolved) for each in record.modal["components"]]
        data = {"custom_id": record.modal["custom_id"], "components": filled, "resolved": resolved}
        record.modal_consumed = True
        source = self.model.messages.get(place.id, {}).get(record.source_message_id or 0)
        started = self._start_interaction(MODAL_SUBMIT, place, actor, data, source)
        self.model.modal_origins[int(started["id"])] = record.id
        return started

    # Commands

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
        stored = self.model.messages.get(place.id, {}).get(int(target) if str(target).isdecimal() else 0)
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
        with as_action_error():
            return validate_option_value(command, option, value)

    def _resolve(self, place: Channel, actor: User, kind: int, value: Ref, resolved: Resolved) -> int:
        """Add the object with this id or name to ``resolved``, as Discord does, and return its id."""
        model = self.model
        if kind == CHANNEL_KIND:
            channel = self.find_channel(value, place.guild_id)
            payload = dict(serializers.channel_payload(model, channel))
            if channel.guild_id is not None:
                rights = model.compute_permissions(channel.guild_id, actor.id, channel.id)
                payload["permissions"] = str(rights)
            resolved.setdefault("channels", {})[str(channel.id)] = payload
            return channel.id
        if kind == ROLE_KIND or (kind == MENTIONABLE_KIND and self._is_role(value, place)):
            role = self.find_role(value, place.guild_id)
            resolved.setdefault("roles", {})[str(role.id)] = dict(serializers.role_payload(role))
            return role.id
        user = self.find_user(value)
        resolved.setdefault("users", {})[str(user.id)] = dict(serializers.user_payload(user))
        guild = model.guilds.get(place.guild_id or 0)
        if guild is not None and user.id in guild.members:
            member = serializers.member_payload(model, guild, guild.members[user.id], with_user=False)
            resolved.setdefault("members", {})[str(user.id)] = dict(member)
        return user.id

    def _is_role(self, value: Ref, place: Channel) -> bool:
        try:
            self.find_role(value, place.guild_id)
        except ActionError:
            return False
        return True

    # Components

    def _visible_message(self, channel: Ref, message: Ref, user: Ref) -> tuple[Message, User]:
        stored, actor = self.find_message(channel, message), self.find_user(user)
        seen = channel_accessible(self.model, stored.channel_id, actor.id)
        if not seen or not stored.visible_to(actor.id):
            raise ActionError(f"{actor.name} cannot see that message.", status=403)
        return stored, actor

    def _selected_data(
        self, place: Channel, actor: User, menu: Mapping[str, Any], values: Sequence[Ref]
    ) -> dict[str, Any]:
        if menu["type"] == STRING_SELECT:
            known = [each["value"] for each in menu.get("options") or []]
            for value in values:
                if value not in known:
                    raise ActionError(f"There is no choice {value!r}. Known: {', '.join(known)}.")
            return {"values": list(values)}
        resolved: Resolved = {}
        kind = KIND_OF_SELECT[menu["type"]]
        chosen = [str(self._resolve(place, actor, kind, value, resolved)) for value in values]
        return {"values": chosen, "resolved": resolved}

    def _use_component(
        self, stored: Message, actor: User, component: Mapping[str, Any], more: dict[str, Any]
    ) -> Payload:
        data = {"custom_id": component["custom_id"], "component_type": component["type"], **more}
        if component.get("id") is not None:
            data["id"] = component["id"]
        return self._start_interaction(COMPONENT, self.find_channel(stored.channel_id), actor, data, stored)

    def _fill_in(
        self,
        place: Channel,
        actor: User,
        node: Mapping[str, Any],
        values: Mapping[str, Any],
        resolved: Resolved,
    ) -> dict[str, Any]:
        """Return a component of a modal as it is submitted: layout as it is, inputs with their values."""
        payload: dict[str, Any] = {key: node[key] for key in ("type", "id", "custom_id") if key in node}
        if "components" in node:
            payload["components"] = [
                self._fill_in(place, actor, each, values, resolved) for each in node["components"]
            ]
        elif "component" in node:
            payload["component"] = self._fill_in(place, actor, node["component"], values, resolved)
        elif _is_input(node):
            payload.update(self._fill_in_field(place, actor, node, values.get(node["custom_id"]), resolved))
        return payload

    def _fill_in_field(
        self, place: Channel, actor: User, node: Mapping[str, Any], value: Any, resolved: Resolved
    ) -> dict[str, Any]:
        if node["type"] in SELECTS:
            chosen = self._selected_data(place, actor, node, [] if value is None else value)
            for kind, entries in chosen.pop("resolved", {}).items():
                resolved.setdefault(kind, {}).update(entries)
            return chosen
        if value is None and node.get("required", node["type"] == 4):
            raise ActionError(f"The field {node['custom_id']!r} is required.")
        if isinstance(value, list):
            return {"values": value}
        return {"value": "" if value is None and node["type"] == 4 else value}

    def _start_interaction(
        self,
        kind: int,
        place: Channel,
        actor: User,
        data: dict[str, Any],
        source: Message | None = None,
    ) -> Payload:
        if not channel_accessible(self.model, place.id, actor.id):
            raise ActionError(f"{actor.name} cannot see #{place.name or place.id}.", status=403)
        with as_action_error():
            record, payload = base_payload(
                self.model,
                type=kind,
                channel_id=place.id,
                guild_id=place.guild_id,
                user_id=actor.id,
                data=data,
            )
        if source is not None:
            record.source_message_id = source.id
            payload["message"] = self.message(source)
        owner = str(place.guild_id or actor.id)
        payload["authorizing_integration_owners"] = {"0": owner if place.guild_id else "0"}
        if (guild := self.model.guilds.get(place.guild_id or 0)) is not None:
            features = extra_fields_of(guild).get("features", [])
            payload["guild"] = {
                "id": str(guild.id),
                "locale": guild.preferred_locale,
                "features": features,
            }
        self.model.emit("INTERACTION_CREATE", payload)
        return _reference(record)


def _reference(record: Interaction) -> Payload:
    return {"id": str(record.id), "token": record.token, "type": record.type}


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


def _is_input(node: Mapping[str, Any]) -> bool:
    return bool(node.get("custom_id")) and not any(key in node for key in CHILD_FIELDS)


def _component(
    stored: Message, kinds: Container[Any], custom_id: str | None, label: str | None
) -> dict[str, Any]:
    all_ = [each for each in walk_components(stored.components) if each.get("type") in kinds]
    found = [
        each
        for each in all_
        if (custom_id is None or each.get("custom_id") == custom_id)
        and (label is None or each.get("label") == label)
    ]
    if len(found) != 1:
        known = ", ".join(str(each.get("custom_id") or each.get("label")) for each in all_) or "none"
        raise ActionError(
            f"{len(found)} components of that message match; name one. Known: {known}.", status=404
        )
    if found[0].get("disabled"):
        raise ActionError("That component is disabled.", status=409)
    return found[0]
