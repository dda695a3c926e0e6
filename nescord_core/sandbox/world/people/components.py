"""Buttons and select menus that people use."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from nescord_core.sandbox.world.lookup import ActionError, Ref
from nescord_core.sandbox.world.people.commands import CommandActions
from nescord_core.sandbox.world.people.interactions import (
    CHANNEL_KIND,
    MENTIONABLE_KIND,
    ROLE_KIND,
    USER_KIND,
    Resolved,
)
from nescord_core.sandbox.world.people.members import Payload
from nescord_core.sandbox.world.simcord.model import (
    Channel,
    Message,
    User,
    channel_accessible,
    walk_components,
)

__all__ = ["SELECTS", "ComponentActions"]

COMPONENT = 3
BUTTON, STRING_SELECT = 2, 3
SELECTS = frozenset({3, 5, 6, 7, 8})
KIND_OF_SELECT = {5: USER_KIND, 6: ROLE_KIND, 7: MENTIONABLE_KIND, 8: CHANNEL_KIND}


class ComponentActions(CommandActions):
    """Components of the bot's messages that users use."""

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

    def _visible_message(self, channel: Ref, message: Ref, user: Ref) -> tuple[Message, User]:
        stored, actor = self.find_message(channel, message), self.find_user(user)
        seen = channel_accessible(self.model, stored.channel_id, actor.id)
        if not seen or not stored.visible_to(actor.id):
            raise ActionError(f"{actor.name} cannot see that message.", status=403)
        return stored, actor

    def _selected_data(
        self, place: Channel, actor: User, menu: Mapping[str, Any], values: Sequence[Ref]
    ) -> dict[str, Any]:
        if len({str(each) for each in values}) < len(values):
            raise ActionError("A value is chosen more than once.")
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
