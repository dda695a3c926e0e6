"""Writes the audit log entries that the model does not write.

https://discord.com/developers/docs/resources/audit-log#audit-log-entry-object-audit-log-events
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nescord_core.sandbox.http.operation_call import Call, Response
from nescord_core.sandbox.world.simcord.model import Guild

__all__ = ["AUDITED_OPERATIONS", "AuditedOperation", "write_audit_log"]

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditedOperation:
    """The entry of an operation: its action type, and where the path or the response has the target's id.

    ``changed`` are fields of the body or the response whose new values are listed as changes.
    """

    action: int
    target: str
    changed: tuple[str, ...] = ("name",)
    in_channel: bool = False


GUILD_UPDATE, CHANNEL_UPDATE, ROLE_UPDATE, MEMBER_UPDATE = 1, 11, 31, 24
OVERWRITE_CREATE, OVERWRITE_UPDATE, MESSAGE_DELETE = 13, 14, 72
PINS = frozenset({74, 75})

AUDITED_OPERATIONS: Mapping[str, AuditedOperation] = {
    "update_guild": AuditedOperation(GUILD_UPDATE, "guild_id", ()),
    "update_channel": AuditedOperation(CHANNEL_UPDATE, "channel_id", ()),
    "set_channel_permission_overwrite": AuditedOperation(
        OVERWRITE_CREATE, "channel_id", ("allow", "deny"), in_channel=True
    ),
    "delete_channel_permission_overwrite": AuditedOperation(15, "channel_id", (), in_channel=True),
    "update_guild_role": AuditedOperation(ROLE_UPDATE, "role_id", ()),
    "update_guild_member": AuditedOperation(MEMBER_UPDATE, "user_id", ()),
    "update_my_guild_member": AuditedOperation(MEMBER_UPDATE, "@me", ("nick",)),
    "create_channel_invite": AuditedOperation(40, "", ("code", "max_age", "max_uses", "temporary")),
    "invite_revoke": AuditedOperation(42, "", ("code",)),
    "create_webhook": AuditedOperation(50, "id"),
    "update_webhook": AuditedOperation(51, "webhook_id"),
    "delete_webhook": AuditedOperation(52, "webhook_id", ()),
    "create_guild_emoji": AuditedOperation(60, "id"),
    "update_guild_emoji": AuditedOperation(61, "emoji_id"),
    "delete_guild_emoji": AuditedOperation(62, "emoji_id", ()),
    "create_pin": AuditedOperation(74, "@author", (), in_channel=True),
    "deprecated_create_pin": AuditedOperation(74, "@author", (), in_channel=True),
    "delete_pin": AuditedOperation(75, "@author", (), in_channel=True),
    "deprecated_delete_pin": AuditedOperation(75, "@author", (), in_channel=True),
    "delete_message": AuditedOperation(MESSAGE_DELETE, "@author", (), in_channel=True),
    "delete_guild_integration": AuditedOperation(82, "integration_id", ()),
    "create_stage_instance": AuditedOperation(83, "id", ("topic",)),
    "update_stage_instance": AuditedOperation(84, "id", ("topic",)),
    "delete_stage_instance": AuditedOperation(85, "channel_id", ()),
    "create_guild_sticker": AuditedOperation(90, "id"),
    "update_guild_sticker": AuditedOperation(91, "sticker_id"),
    "delete_guild_sticker": AuditedOperation(92, "sticker_id", ()),
    "create_thread": AuditedOperation(110, "id"),
    "create_thread_from_message": AuditedOperation(110, "id"),
    "set_guild_application_command_permissions": AuditedOperation(121, "command_id", ()),
    "create_guild_soundboard_sound": AuditedOperation(130, "sound_id"),
    "update_guild_soundboard_sound": AuditedOperation(131, "sound_id"),
    "delete_guild_soundboard_sound": AuditedOperation(132, "sound_id", ()),
    "create_auto_moderation_rule": AuditedOperation(140, "id"),
    "update_auto_moderation_rule": AuditedOperation(141, "rule_id"),
    "delete_auto_moderation_rule": AuditedOperation(142, "rule_id", ()),
    "put_guilds_onboarding": AuditedOperation(167, "", ("enabled",)),
    "update_voice_channel_status": AuditedOperation(192, "channel_id", ("status",)),
}


@contextmanager
def write_audit_log(call: Call) -> Iterator[list[Any]]:
    """Write an entry for a call, unless the model writes one.

    The block appends the response to the list. Nothing is written for a call that fails.
    """
    responses: list[Any] = []
    model, audited = call.world.model, AUDITED_OPERATIONS.get(call.operation.operation_id)
    model.pending_audit_changes.clear()
    if audited is None:
        yield responses
        return
    guild = model.guilds.get(_guild_id(call) or 0)
    entry, newest = _PendingEntry(call, audited), _last_entry_id(guild)
    yield responses
    if responses and guild is not None and guild.id in model.guilds and _last_entry_id(guild) == newest:
        payload = responses[0].payload if isinstance(responses[0], Response) else responses[0]
        entry.write(guild, payload if isinstance(payload, dict) else {})


class _PendingEntry:
    """An entry to be written; reads before the call what may be gone after it."""

    def __init__(self, call: Call, audited: AuditedOperation) -> None:
        self.call = call
        self.audited = audited
        self.author = _author(call)
        self.overwrite_existed = _overwrite_exists(call)

    def write(self, guild: Guild, payload: Mapping[str, Any]) -> None:
        model, action = self.call.world.model, self.audited.action
        if action == MESSAGE_DELETE and self.author in (None, model.bot_user.id):
            return  # Discord has no entry for deleting one's own message
        if action == OVERWRITE_CREATE and self.overwrite_existed:
            action = OVERWRITE_UPDATE
        model.record_audit_log(
            guild.id,
            action,
            target_id=self._target(payload),
            changes=self._changes(payload),
            options=self._options(guild),
            reason=self.call.reason,
        )

    def _target(self, payload: Mapping[str, Any]) -> int | None:
        name = self.audited.target
        if name in ("@me", "@author"):
            return self.call.world.application_id if name == "@me" else self.author
        found = (self.call.args.get(name) or payload.get(name)) if name else None
        return int(found) if found else None

    def _changes(self, payload: Mapping[str, Any]) -> list[Payload]:
        side = "old_value" if self.call.operation.method == "DELETE" else "new_value"
        values = {**payload, **self.call.form}
        return [{"key": name, side: values[name]} for name in self.audited.changed if name in values]

    def _options(self, guild: Guild) -> Payload:
        if not self.audited.in_channel:
            return {}
        args = self.call.args
        if self.audited.action == MESSAGE_DELETE:
            return {"channel_id": args["channel_id"], "count": "1"}
        if self.audited.action in PINS:
            return {"channel_id": args["channel_id"], "message_id": args["message_id"]}
        role = guild.roles.get(int(args["overwrite_id"]))
        if role is None:
            return {"id": args["overwrite_id"], "type": "1"}
        return {"id": args["overwrite_id"], "type": "0", "role_name": role.name}


def _guild_id(call: Call) -> int | None:
    """Return the guild of a call, by the ids in its path or body."""
    model, args = call.world.model, call.args
    if "guild_id" in args:
        return int(args["guild_id"])
    if "webhook_id" in args and (hook := model.webhooks.get(int(args["webhook_id"]))) is not None:
        return hook.guild_id
    if "code" in args and (invite := model.invites.get(args["code"])) is not None:
        return invite.guild_id
    channel_id = args.get("channel_id") or call.form.get("channel_id")
    channel = model.channels.get(int(channel_id)) if channel_id else None
    return None if channel is None else channel.guild_id


def _author(call: Call) -> int | None:
    if not {"channel_id", "message_id"} <= call.args.keys():
        return None
    message = call.world.model.messages.get(call.id("channel_id"), {}).get(call.id("message_id"))
    return None if message is None else message.author_id


def _overwrite_exists(call: Call) -> bool:
    if "overwrite_id" not in call.args:
        return False
    channel = call.world.model.channels.get(call.id("channel_id"))
    overwrite_id = call.id("overwrite_id")
    return channel is not None and any(each.target_id == overwrite_id for each in channel.overwrites)


def _last_entry_id(guild: Guild | None) -> int:
    """Return the id of a guild's newest entry, 0 without one."""
    return guild.audit_log_entries[-1].id if guild is not None and guild.audit_log_entries else 0
