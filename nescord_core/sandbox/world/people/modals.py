"""Modals: the forms of a bot that people fill in.

https://discord.com/developers/docs/components/reference
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nescord_core.sandbox.world.lookup import ActionError, Ref, id_of
from nescord_core.sandbox.world.people.components import SELECTS, ComponentActions
from nescord_core.sandbox.world.people.given_files import given_file
from nescord_core.sandbox.world.people.interactions import Resolved
from nescord_core.sandbox.world.people.members import Payload
from nescord_core.sandbox.world.simcord.model import Channel, User, walk_components

__all__ = ["ModalActions"]

MODAL_SUBMIT = 5
TEXT_INPUT, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 4, 19, 21, 22, 23
LISTS = SELECTS | {FILE_UPLOAD, CHECKBOX_GROUP}
CHILD_FIELDS = ("components", "component")

Node = Mapping[str, Any]


class ModalActions(ComponentActions):
    """Modals that users submit."""

    def submit_modal(self, interaction: Ref, user: Ref, values: Mapping[str, Any]) -> Payload:
        """Submit the modal that the bot opened in response to an interaction; values by custom id."""
        record, actor = self.model.interactions.get(id_of(interaction)), self.find_user(user)
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

    def _fill_in(
        self, place: Channel, actor: User, node: Node, values: Mapping[str, Any], resolved: Resolved
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
        self, place: Channel, actor: User, node: Node, value: Any, resolved: Resolved
    ) -> dict[str, Any]:
        if node["type"] not in LISTS:
            return {"value": _single_value(node, value)}
        chosen = _chosen(node, value)
        if node["type"] == FILE_UPLOAD:
            return {"values": self._upload(place, node, chosen, resolved)}
        if node["type"] == CHECKBOX_GROUP:
            return {"values": [_known_choice(node, each) for each in chosen]}
        selected = self._selected_data(place, actor, node, chosen)
        for kind, entries in selected.pop("resolved", {}).items():
            resolved.setdefault(kind, {}).update(entries)
        return selected

    def _upload(self, place: Channel, node: Node, files: Sequence[Any], resolved: Resolved) -> list[str]:
        where = f"The field {node['custom_id']!r}"
        given = [given_file(where, node, each) for each in files]
        return [self._resolve_file(place, each, resolved) for each in given]


def _is_input(node: Node) -> bool:
    return bool(node.get("custom_id")) and not any(key in node for key in CHILD_FIELDS)


def _is_required(node: Node) -> bool:
    required = node.get("required")
    return bool(node["type"] != CHECKBOX and (required is None or required))


def _chosen(node: Node, value: Any) -> Sequence[Any]:
    """Return the list of values that a field takes; an optional one may be empty."""
    name, given = node["custom_id"], [] if value is None else value
    if not isinstance(given, list | tuple):
        raise ActionError(f"The field {name!r} takes a list.")
    lowest, highest = node.get("min_values"), node.get("max_values")
    lowest = 1 if lowest is None else lowest
    if highest is None:
        highest = len(node.get("options") or ()) if node["type"] == CHECKBOX_GROUP else 1
    if not given and _is_required(node) and lowest:
        raise ActionError(f"The field {name!r} is required.")
    if given and not lowest <= len(given) <= highest:
        raise ActionError(f"The field {name!r} takes {lowest} to {highest} values, not {len(given)}.")
    return given


def _single_value(node: Node, value: Any) -> Any:
    name, kind = node["custom_id"], node["type"]
    if value is None:
        value = {TEXT_INPUT: node.get("value") or "", CHECKBOX: bool(node.get("default"))}.get(kind)
    if value in (None, "") and _is_required(node):
        raise ActionError(f"The field {name!r} is required.")
    if kind == TEXT_INPUT:
        return _text(node, value)
    if kind == CHECKBOX and not isinstance(value, bool):
        raise ActionError(f"The field {name!r} takes true or false.")
    return _known_choice(node, value) if kind == RADIO_GROUP and value is not None else value


def _text(node: Node, value: Any) -> str:
    name = node["custom_id"]
    if not isinstance(value, str):
        raise ActionError(f"The field {name!r} takes a text.")
    lowest, highest = node.get("min_length") or 0, node.get("max_length") or 4000
    if value and not lowest <= len(value) <= highest:
        raise ActionError(f"The field {name!r} takes {lowest} to {highest} characters, not {len(value)}.")
    return value


def _known_choice(node: Node, value: Any) -> Any:
    known = [each["value"] for each in node.get("options") or ()]
    if value not in known:
        raise ActionError(f"There is no choice {value!r}. Known: {', '.join(known)}.")
    return value
