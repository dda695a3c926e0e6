"""Auto moderation and the audit log."""

from __future__ import annotations

from typing import Any

from nescord_core.payloads.base import View

__all__ = [
    "AuditEntryInfo",
    "AuditLogChange",
    "AuditLogEntry",
    "AutoModerationAction",
    "AutoModerationActionExecution",
    "AutoModerationActionMetadata",
    "AutoModerationRule",
    "AutoModerationTriggerMetadata",
]


class AutoModerationTriggerMetadata(View):
    """https://discord.com/developers/docs/resources/auto-moderation#auto-moderation-rule-object-trigger-metadata."""

    keyword_filter: list[str] | None
    regex_patterns: list[str] | None
    presets: list[int] | None
    allow_list: list[str] | None
    mention_total_limit: int | None
    mention_raid_protection_enabled: bool | None


class AutoModerationActionMetadata(View):
    """https://discord.com/developers/docs/resources/auto-moderation#auto-moderation-action-object-action-metadata."""

    channel_id: int | None
    duration_seconds: int | None
    custom_message: str | None


class AutoModerationAction(View):
    """https://discord.com/developers/docs/resources/auto-moderation#auto-moderation-action-object."""

    type: int
    metadata: AutoModerationActionMetadata | None


class AutoModerationRule(View):
    """https://discord.com/developers/docs/resources/auto-moderation#auto-moderation-rule-object."""

    id: int
    guild_id: int
    name: str
    creator_id: int
    event_type: int
    trigger_type: int
    trigger_metadata: AutoModerationTriggerMetadata | None
    actions: list[AutoModerationAction]
    enabled: bool
    exempt_roles: list[int]
    exempt_channels: list[int]


class AutoModerationActionExecution(View):
    """``content`` and ``matched_content`` are empty without the MESSAGE_CONTENT intent.

    https://discord.com/developers/docs/events/gateway-events#auto-moderation-action-execution
    """

    guild_id: int
    action: AutoModerationAction
    rule_id: int
    rule_trigger_type: int
    user_id: int
    channel_id: int | None
    message_id: int | None
    alert_system_message_id: int | None
    content: str
    matched_keyword: str | None
    matched_content: str | None


class AuditEntryInfo(View):
    """Its fields depend on ``action_type``; numbers that Discord sends as text are int."""

    application_id: int | None
    auto_moderation_rule_name: str | None
    auto_moderation_rule_trigger_type: int | None
    channel_id: int | None
    count: int | None
    delete_member_days: int | None
    id: int | None
    members_removed: int | None
    message_id: int | None
    role_name: str | None
    type: int | None
    integration_type: str | None
    status: str | None


class AuditLogChange(View):
    """``new_value`` and ``old_value`` have the changed field's type, ids as sent."""

    key: str
    new_value: Any
    old_value: Any


class AuditLogEntry(View):
    """GUILD_AUDIT_LOG_ENTRY_CREATE.

    https://discord.com/developers/docs/resources/audit-log#audit-log-entry-object
    """

    guild_id: int
    id: int
    action_type: int
    target_id: int | None
    user_id: int | None
    changes: list[AuditLogChange] | None
    options: AuditEntryInfo | None
    reason: str | None
