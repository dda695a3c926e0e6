"""Actions of moderators: kick, ban and time out members, and set the permissions of channels.

Each leaves the audit log entry that it leaves on Discord.
"""

from __future__ import annotations

from datetime import timedelta

from nescord_core.sandbox.world.lookup import ActionError, Ref
from nescord_core.sandbox.world.people.members import Payload, as_action_error
from nescord_core.sandbox.world.people.owners import OwnerActions
from nescord_core.sandbox.world.simcord.model import Overwrite, OverwriteType, serializers

__all__ = ["ModerationActions"]

MEMBER_KICK = 20
MEMBER_BAN_ADD = 22
MEMBER_BAN_REMOVE = 23
MEMBER_UPDATE = 24
LONGEST_TIME_OUT = 28 * 86_400
"""Seconds."""


class ModerationActions(OwnerActions):
    """Actions of moderators. ``by`` is the one who acts, by default the owner, under Discord's rules."""

    def kick(
        self, user: Ref, *, guild: Ref | None = None, by: Ref | None = None, reason: str | None = None
    ) -> None:
        """Remove a member."""
        guild_id, actor, target = self._moderation(user, guild, by, "kick_members")
        with as_action_error():
            self.model.remove_member(guild_id, target)
            self._audit(guild_id, MEMBER_KICK, actor, target, reason)

    def ban(
        self, user: Ref, *, guild: Ref | None = None, by: Ref | None = None, reason: str | None = None
    ) -> None:
        """Ban a user, who leaves the guild if they are in it."""
        guild_id, actor, target = self._moderation(user, guild, by, "ban_members")
        with as_action_error():
            self.model.apply_ban(guild_id, target, reason)
            self._audit(guild_id, MEMBER_BAN_ADD, actor, target, reason)

    def unban(self, user: Ref, *, guild: Ref | None = None, by: Ref | None = None) -> None:
        """End a ban."""
        guild_id, actor, target = self._moderation(user, guild, by, "ban_members")
        with as_action_error():
            self.model.remove_ban(guild_id, target)
            self._audit(guild_id, MEMBER_BAN_REMOVE, actor, target, None)

    def time_out(
        self,
        user: Ref,
        seconds: int,
        *,
        guild: Ref | None = None,
        by: Ref | None = None,
        reason: str | None = None,
    ) -> None:
        """Time a member out for up to 28 days; 0 seconds end it."""
        if not 0 <= seconds <= LONGEST_TIME_OUT:
            raise ActionError(f"seconds must be 0 to {LONGEST_TIME_OUT}, not {seconds}.")
        guild_id, actor, target = self._moderation(user, guild, by, "moderate_members")
        until = (self.model.clock.now() + timedelta(seconds=seconds)).isoformat() if seconds else None
        with as_action_error():
            before = self.model.get_member(guild_id, target).timed_out_until
            self.model.edit_member(guild_id, target, {"timed_out_until": until})
            values = {"old_value": before, "new_value": until}
            change = {name: value for name, value in values.items() if value is not None}
            changes = [{"key": "communication_disabled_until", **change}]
            self._audit(guild_id, MEMBER_UPDATE, actor, target, reason, changes)

    def set_permissions(
        self,
        channel: Ref,
        target: Ref,
        *,
        allow: int | str = 0,
        deny: int | str = 0,
        guild: Ref | None = None,
    ) -> Payload:
        """Set the permissions of a role or a user in a channel, as bit masks; both 0 remove them."""
        place = self.find_channel(channel, guild)
        if place.guild_id is None:
            raise ActionError("A direct message has no permissions.")
        allowed, denied = _bit_mask("allow", allow), _bit_mask("deny", deny)
        if allowed & denied:
            raise ActionError("A permission cannot be both allowed and denied.")
        kind, target_id = self._overwrite_target(target, place.guild_id)
        with as_action_error():
            if allowed or denied:
                self.model.set_overwrite(place.id, Overwrite(target_id, kind, allowed, denied))
            else:
                self.model.delete_overwrite(place.id, target_id)
        return dict(serializers.channel_payload(self.model, place))

    def _overwrite_target(self, target: Ref, guild_id: int) -> tuple[OverwriteType, int]:
        try:
            return OverwriteType.ROLE, self.find_role(target, guild_id).id
        except ActionError:
            return OverwriteType.MEMBER, self.find_user(target).id

    def _moderation(
        self, user: Ref, guild: Ref | None, by: Ref | None, permission: str
    ) -> tuple[int, int, int]:
        """Return the guild, the actor and the target, once the actor may do this to the target."""
        place, target = self.find_guild(guild), self.find_user(user)
        actor = place.owner_id if by is None else self.find_user(by).id
        if target.id == place.owner_id:
            raise ActionError(f"{target.name} owns the guild.", status=403, code=50013)
        with as_action_error():
            self.model.require_permissions(place.id, actor, None, permission)
            self.model.require_hierarchy(place.id, actor, target.id)
        return place.id, actor, target.id

    def _audit(
        self,
        guild_id: int,
        action: int,
        actor: int,
        target: int,
        reason: str | None,
        changes: list[Payload] | None = None,
    ) -> None:
        self.model.record_audit_log(
            guild_id, action, target_id=target, changes=changes, reason=reason, user_id=actor
        )


def _bit_mask(name: str, value: int | str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ActionError(f"{name} must be a bit mask, not {value!r}.") from None
