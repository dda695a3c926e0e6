"""What other libraries call Discord's events, for the error that a wrong name gets."""

from __future__ import annotations

from collections.abc import Mapping

from nescord_core.events import EventType

__all__ = ["event_elsewhere"]

_DISCORDPY: Mapping[str, EventType] = {
    "message": EventType.MESSAGE_CREATE,
    "message_edit": EventType.MESSAGE_UPDATE,
    "bulk_message_delete": EventType.MESSAGE_DELETE_BULK,
    "reaction_add": EventType.MESSAGE_REACTION_ADD,
    "reaction_remove": EventType.MESSAGE_REACTION_REMOVE,
    "reaction_clear": EventType.MESSAGE_REACTION_REMOVE_ALL,
    "reaction_clear_emoji": EventType.MESSAGE_REACTION_REMOVE_EMOJI,
    "poll_vote_add": EventType.MESSAGE_POLL_VOTE_ADD,
    "poll_vote_remove": EventType.MESSAGE_POLL_VOTE_REMOVE,
    "interaction": EventType.INTERACTION_CREATE,
    "typing": EventType.TYPING_START,
    "member_join": EventType.GUILD_MEMBER_ADD,
    "member_remove": EventType.GUILD_MEMBER_REMOVE,
    "member_update": EventType.GUILD_MEMBER_UPDATE,
    "member_ban": EventType.GUILD_BAN_ADD,
    "member_unban": EventType.GUILD_BAN_REMOVE,
    "guild_join": EventType.GUILD_CREATE,
    "guild_available": EventType.GUILD_CREATE,
    "guild_remove": EventType.GUILD_DELETE,
    "guild_unavailable": EventType.GUILD_DELETE,
    "guild_channel_create": EventType.CHANNEL_CREATE,
    "guild_channel_update": EventType.CHANNEL_UPDATE,
    "guild_channel_delete": EventType.CHANNEL_DELETE,
    "guild_channel_pins_update": EventType.CHANNEL_PINS_UPDATE,
    "thread_join": EventType.THREAD_CREATE,
    "thread_remove": EventType.THREAD_DELETE,
    "thread_member_join": EventType.THREAD_MEMBERS_UPDATE,
    "thread_member_remove": EventType.THREAD_MEMBERS_UPDATE,
    "audit_log_entry_create": EventType.GUILD_AUDIT_LOG_ENTRY_CREATE,
    "automod_rule_create": EventType.AUTO_MODERATION_RULE_CREATE,
    "automod_rule_update": EventType.AUTO_MODERATION_RULE_UPDATE,
    "automod_rule_delete": EventType.AUTO_MODERATION_RULE_DELETE,
    "automod_action": EventType.AUTO_MODERATION_ACTION_EXECUTION,
    "scheduled_event_create": EventType.GUILD_SCHEDULED_EVENT_CREATE,
    "scheduled_event_update": EventType.GUILD_SCHEDULED_EVENT_UPDATE,
    "scheduled_event_delete": EventType.GUILD_SCHEDULED_EVENT_DELETE,
    "scheduled_event_user_add": EventType.GUILD_SCHEDULED_EVENT_USER_ADD,
    "scheduled_event_user_remove": EventType.GUILD_SCHEDULED_EVENT_USER_REMOVE,
    "soundboard_sound_create": EventType.GUILD_SOUNDBOARD_SOUND_CREATE,
    "soundboard_sound_update": EventType.GUILD_SOUNDBOARD_SOUND_UPDATE,
    "soundboard_sound_delete": EventType.GUILD_SOUNDBOARD_SOUND_DELETE,
    "voice_channel_effect": EventType.VOICE_CHANNEL_EFFECT_SEND,
    "app_command_permissions_update": EventType.APPLICATION_COMMAND_PERMISSIONS_UPDATE,
}
"""discord.py's names (https://discordpy.readthedocs.io/en/stable/api.html#event-reference) that differ."""


def event_elsewhere(name: str) -> EventType | None:
    """Return the event that discord.py calls so, with or without ``on_`` and ``raw_``; None if none."""
    return _DISCORDPY.get(name.strip().lower().removeprefix("on_").removeprefix("raw_"))
