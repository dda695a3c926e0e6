"""Actions of owners: create, edit and delete guilds, channels and roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nescord_core.sandbox.world.lookup import ActionError, Ref
from nescord_core.sandbox.world.people.members import MemberActions, Payload, as_action_error
from nescord_core.sandbox.world.simcord.model import Guild, serializers

__all__ = ["CHANNEL_KINDS", "SEED_MS", "OwnerActions"]

CHANNEL_KINDS = {"text": 0, "voice": 2, "category": 4, "announcement": 5, "stage": 13, "forum": 15}
SEED_MS = 283_996_800_000
"""The time in seeded ids is 2024-01-01: they are the same in every run, and older than all later ids."""
MAX_USER_NAME = 32
CHANNEL_FIELDS = frozenset({"name", "topic", "position", "rate_limit_per_user"})
ROLE_FIELDS = frozenset({"name", "color", "hoist", "mentionable", "permissions", "position"})


class OwnerActions(MemberActions):
    """Actions of owners."""

    def seed(self, guilds: int = 1) -> None:
        """Create the world that a sandbox starts with, with the same ids every time.

        Each guild has #general, #random, the voice channel Lounge, a role and the members alice, bob and the
        bot. The first is called "Sandbox", the others "Sandbox 2" and so on.
        """
        with self.model.planned_ids((SEED_MS << 22) + 1):
            people = [self.model.make_user(name) for name in ("olivia", "alice", "bob")]
        owner, *others = people
        for number in range(guilds):
            # Ids a millisecond apart spread the guilds evenly over shards, which depend on those bits.
            first = (SEED_MS + 1 + number) << 22
            with self.model.planned_ids(first + 1), self.model.without_events():
                name = "Sandbox" if number == 0 else f"Sandbox {number + 1}"
                self._create_guild(name, first, owner.id, [each.id for each in others])

    def create_user(self, name: str, *, global_name: str | None = None, bot: bool = False) -> Payload:
        """Create a user, who is in no guild yet; other users may have the same name."""
        if not 1 <= len(name) <= MAX_USER_NAME:
            raise ActionError(f"A user's name has 1 to {MAX_USER_NAME} characters, not {len(name)}.")
        made = self.model.make_user(name, global_name=global_name, bot=bot)
        return dict(serializers.user_payload(made))

    def add_guild(
        self,
        name: str | None = None,
        *,
        guild_id: int | None = None,
        owner: Ref = "olivia",
        members: Sequence[Ref] = ("alice", "bob"),
    ) -> Payload:
        """Create a guild with the bot in it; returns it as GUILD_CREATE shows it.

        The first of ``members`` is a moderator.
        """
        owner_id = self.find_user(owner).id
        chosen = name or f"Sandbox {len(self.model.guilds) + 1}"
        member_ids = [each for member in members if (each := self.find_user(member).id) != owner_id]
        with as_action_error(), self.model.without_events():
            made = self._create_guild(chosen, guild_id, owner_id, list(dict.fromkeys(member_ids)))
        payload = dict(serializers.guild_create_payload(self.model, made))
        # With `unavailable` false, clients would take it for a guild that is available again, not a new one.
        payload.pop("unavailable", None)
        self.model.emit("GUILD_CREATE", payload)
        return payload

    def _create_guild(self, name: str, guild_id: int | None, owner_id: int, members: list[int]) -> Guild:
        model = self.model
        guild = model.create_guild(name, id=guild_id, owner_id=owner_id)
        self.allow_bot(guild)
        moderator = model.create_role(guild.id, "moderator", permissions=1 << 13 | 1 << 1, color=0x3498DB)
        model.create_role(guild.id, "member", mentionable=True)
        model.create_channel(guild.id, "general", topic="Say hello.")
        model.create_channel(guild.id, "random")
        model.create_channel(guild.id, "Lounge", type=CHANNEL_KINDS["voice"])
        for member in members:
            model.add_member(guild.id, member)
        if members:
            model.add_member_role(guild.id, members[0], moderator.id)
        return guild

    def allow_bot(self, guild: Guild) -> None:
        """Give the bot's role in a new guild the configured permissions."""
        if self.model.bot_permissions is not None:
            own_role = next(role for role in guild.roles.values() if role.managed)
            own_role.permissions = self.model.bot_permissions

    def remove_guild(self, guild: Ref) -> None:
        """Remove the bot from a guild, which ends the guild."""
        with as_action_error():
            self.model.remove_guild(self.find_guild(guild).id)

    def create_channel(
        self,
        name: str,
        *,
        guild: Ref | None = None,
        kind: str = "text",
        parent: Ref | None = None,
        topic: str | None = None,
    ) -> Payload:
        """Create a channel; ``kind`` is one of `CHANNEL_KINDS`, ``parent`` a category."""
        if kind not in CHANNEL_KINDS:
            raise ActionError(f"There is no channel kind {kind!r}. Known: {', '.join(CHANNEL_KINDS)}.")
        place = self.find_guild(guild)
        parent_id = None if parent is None else self.find_channel(parent, place.id).id
        with as_action_error():
            channel = self.model.create_channel(
                place.id, name, type=CHANNEL_KINDS[kind], parent_id=parent_id, topic=topic
            )
        return dict(serializers.channel_payload(self.model, channel))

    def edit_channel(self, channel: Ref, *, guild: Ref | None = None, **changes: Any) -> Payload:
        """Edit name, topic, position or rate_limit_per_user of a channel."""
        _check_fields(changes, CHANNEL_FIELDS)
        with as_action_error():
            place = self.model.edit_channel(self.find_channel(channel, guild).id, changes)
        return dict(serializers.channel_payload(self.model, place))

    def delete_channel(self, channel: Ref, *, guild: Ref | None = None) -> None:
        """Delete a channel."""
        with as_action_error():
            self.model.delete_channel(self.find_channel(channel, guild).id)

    def create_role(self, name: str, *, guild: Ref | None = None, **fields: Any) -> Payload:
        """Create a role; ``permissions`` is a bit mask, as a number or, as in Discord's API, a string."""
        with as_action_error():
            role = self.model.create_role(self.find_guild(guild).id, name, **_role_fields(fields))
        return dict(serializers.role_payload(role))

    def edit_role(self, role: Ref, *, guild: Ref | None = None, **changes: Any) -> Payload:
        """Edit a role."""
        place, fields = self.find_guild(guild), _role_fields(changes)
        with as_action_error():
            changed = self.model.edit_role(place.id, self.find_role(role, place.id).id, fields)
        return dict(serializers.role_payload(changed))

    def delete_role(self, role: Ref, *, guild: Ref | None = None) -> None:
        """Delete a role."""
        place = self.find_guild(guild)
        with as_action_error():
            self.model.delete_role(place.id, self.find_role(role, place.id).id)


def _role_fields(fields: dict[str, Any]) -> dict[str, Any]:
    _check_fields(fields, ROLE_FIELDS)
    if "permissions" not in fields:
        return fields
    try:
        return fields | {"permissions": int(fields["permissions"])}
    except (TypeError, ValueError):
        raise ActionError(f"permissions must be a bit mask, not {fields['permissions']!r}.") from None


def _check_fields(fields: dict[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(fields.keys() - known):
        raise ActionError(f"Unknown field: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
