"""Interactions that people start, of any kind: their payload, the objects they name, their outcome."""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.lookup import ActionError, Ref, id_of
from nescord_core.sandbox.world.people.members import Payload, as_action_error
from nescord_core.sandbox.world.people.moderation import ModerationActions
from nescord_core.sandbox.world.simcord.model import (
    Channel,
    Interaction,
    Message,
    User,
    base_payload,
    channel_accessible,
    serializers,
)

__all__ = ["CHANNEL_KIND", "MENTIONABLE_KIND", "ROLE_KIND", "USER_KIND", "InteractionActions", "Resolved"]

USER_KIND, CHANNEL_KIND, ROLE_KIND, MENTIONABLE_KIND = 6, 7, 8, 9

Resolved = dict[str, dict[str, Any]]


class InteractionActions(ModerationActions):
    """Interactions of users. Each action returns {id, token, type}; `interaction` returns the outcome."""

    def interaction(self, interaction_id: Ref) -> Payload:
        """Return an interaction: whether and how the bot has responded, and the message it sent."""
        record = self.model.interactions.get(id_of(interaction_id))
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
            # Discord's client reopens an archived thread first, which a locked one refuses.
            self.model.reopen_thread(place)
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

    def _resolve_file(self, place: Channel, file: tuple[str, bytes], resolved: Resolved) -> str:
        """Store a file, add it to ``resolved`` and return its id."""
        stored = self.model.files.store_ephemeral_attachment(self.model.snowflake(), place.id, *file)
        resolved.setdefault("attachments", {})[stored["id"]] = stored
        return str(stored["id"])

    def _is_role(self, value: Ref, place: Channel) -> bool:
        try:
            self.find_role(value, place.guild_id)
        except ActionError:
            return False
        return True


def _reference(record: Interaction) -> Payload:
    return {"id": str(record.id), "token": record.token, "type": record.type}
