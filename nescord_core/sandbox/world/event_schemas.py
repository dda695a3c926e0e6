"""The schemas of the gateway events that the sandbox sends. Pure.

Discord's OpenAPI document has no events. Those that carry an object of the API refer to its schema there; the
others are written from their tables in the documentation, where a name that ends in ``?`` may be missing.
https://discord.com/developers/docs/events/gateway-events#receive-events
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["EVENT_SCHEMAS"]

Schema = Mapping[str, Any]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/schemas/{name}"}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _nullable(schema: Schema) -> Schema:
    return {"oneOf": [{"type": "null"}, schema]}


def _object(fields: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object; a name that ends in ``?`` may be missing."""
    return {
        "type": "object",
        "properties": {name.rstrip("?"): schema for name, schema in fields.items()},
        "required": [name for name in fields if not name.endswith("?")],
    }


def _with(name: str, fields: Mapping[str, Schema]) -> Schema:
    """Return an object of the API with further fields."""
    return {"allOf": [_ref(name), _object(fields)]}


def _one_of(*names: str) -> Schema:
    return {"oneOf": [_ref(name) for name in names]}


ID = _ref("SnowflakeType")
TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
ANY: Schema = {"type": "object"}
USER, MEMBER, MESSAGE = _ref("UserResponse"), _ref("GuildMemberResponse"), _ref("MessageResponse")
CHANNEL, THREAD, ROLE = _ref("GuildChannelResponse"), _ref("ThreadResponse"), _ref("GuildRoleResponse")
SOUND, STAGE = _ref("SoundboardSoundResponse"), _ref("StageInstanceResponse")
SCHEDULED_EVENT = _one_of(
    "ExternalScheduledEventResponse", "StageScheduledEventResponse", "VoiceScheduledEventResponse"
)
RULE = _one_of(
    *("DefaultKeywordRuleResponse", "KeywordRuleResponse", "MLSpamRuleResponse", "MentionSpamRuleResponse"),
    "UserProfileRuleResponse",
)
OF_MEMBER: Mapping[str, Schema] = {
    "avatar": _nullable(TEXT),
    "banner": _nullable(TEXT),
    "communication_disabled_until": _nullable(TIME),
    "flags": NUMBER,
    "joined_at": _nullable(TIME),
    "nick": _nullable(TEXT),
    "pending": FLAG,
    "premium_since": _nullable(TIME),
    "roles": _array(ID),
}
"""Fields of a partial member."""
PARTIAL_MEMBER = _object({**OF_MEMBER, "deaf": FLAG, "mute": FLAG})
OF_VOICE_STATE: Mapping[str, Schema] = {
    "channel_id": _nullable(ID),
    "user_id": ID,
    "session_id": TEXT,
    **dict.fromkeys(
        ("deaf", "mute", "self_deaf", "self_mute", "self_stream", "self_video", "suppress"), FLAG
    ),
    "request_to_speak_timestamp": _nullable(TIME),
}
IN_GUILD: Mapping[str, Schema] = {"guild_id": ID}
OF_MESSAGE: Mapping[str, Schema] = {"channel_id": ID, "message_id": ID, "guild_id?": ID}
EMOJI = _object({"id": _nullable(ID), "name": _nullable(TEXT), "animated?": FLAG})
PRESENCE = _object(
    {
        "user": _object({"id": ID}),
        "guild_id": ID,
        "status": {"type": "string", "enum": ["idle", "dnd", "online", "offline"]},
        "activities": _array(_object({"name": TEXT, "type": NUMBER})),
        "client_status": ANY,
    }
)
THREAD_MEMBER = _with("ThreadMemberResponse", {"member": MEMBER, "presence": _nullable(PRESENCE)})


EVENT_MESSAGE = _with(
    "MessageResponse", {"guild_id?": ID, "member?": PARTIAL_MEMBER, "channel_type?": NUMBER}
)
REACTION: Mapping[str, Schema] = {"user_id": ID, **OF_MESSAGE, "emoji": EMOJI, "burst": FLAG, "type": NUMBER}
VOTE = _object({"user_id": ID, **OF_MESSAGE, "answer_id": NUMBER})
OF_MESSAGES: Mapping[str, Schema] = {
    "MESSAGE_CREATE": EVENT_MESSAGE,
    "MESSAGE_UPDATE": EVENT_MESSAGE,
    "MESSAGE_DELETE": _object({"id": ID, "channel_id": ID, "guild_id?": ID}),
    "MESSAGE_DELETE_BULK": _object({"ids": _array(ID), "channel_id": ID, "guild_id?": ID}),
    "MESSAGE_POLL_VOTE_ADD": VOTE,
    "MESSAGE_POLL_VOTE_REMOVE": VOTE,
    "MESSAGE_REACTION_ADD": _object({**REACTION, "member?": MEMBER, "message_author_id?": ID}),
    "MESSAGE_REACTION_REMOVE": _object(REACTION),
    "MESSAGE_REACTION_REMOVE_ALL": _object(OF_MESSAGE),
    "MESSAGE_REACTION_REMOVE_EMOJI": _object({**OF_MESSAGE, "emoji": EMOJI}),
    "TYPING_START": _object(
        {"channel_id": ID, "guild_id?": ID, "user_id": ID, "timestamp": NUMBER, "member?": MEMBER}
    ),
}

INFO = _object({"id": ID, "status?": _nullable(TEXT), "voice_start_time?": _nullable(NUMBER)})
OF_CHANNELS: Mapping[str, Schema] = {
    "CHANNEL_CREATE": CHANNEL,
    "CHANNEL_UPDATE": CHANNEL,
    "CHANNEL_DELETE": CHANNEL,
    "CHANNEL_INFO": _object({**IN_GUILD, "channels": _array(INFO)}),
    "CHANNEL_PINS_UPDATE": _object(
        {"guild_id?": ID, "channel_id": ID, "last_pin_timestamp?": _nullable(TIME)}
    ),
    "INVITE_CREATE": _object(
        {
            "channel_id": ID,
            "code": TEXT,
            "created_at": TIME,
            "guild_id?": ID,
            "inviter?": USER,
            "max_age": NUMBER,
            "max_uses": NUMBER,
            "target_type?": NUMBER,
            "target_user?": USER,
            "temporary": FLAG,
            "uses": NUMBER,
            "expires_at": _nullable(TIME),
            "role_ids?": _array(ID),
        }
    ),
    "INVITE_DELETE": _object({"channel_id": ID, "guild_id?": ID, "code": TEXT}),
    "STAGE_INSTANCE_CREATE": STAGE,
    "STAGE_INSTANCE_UPDATE": STAGE,
    "STAGE_INSTANCE_DELETE": STAGE,
    "THREAD_CREATE": _with("ThreadResponse", {"newly_created?": FLAG}),
    "THREAD_UPDATE": THREAD,
    "THREAD_DELETE": _object({"id": ID, "guild_id": ID, "parent_id": ID, "type": NUMBER}),
    "THREAD_MEMBERS_UPDATE": _object(
        {
            "id": ID,
            "guild_id": ID,
            "member_count": NUMBER,
            "added_members?": _array(THREAD_MEMBER),
            "removed_member_ids?": _array(ID),
        }
    ),
    "VOICE_CHANNEL_EFFECT_SEND": _object({"channel_id": ID, "guild_id": ID, "user_id": ID}),
    "VOICE_CHANNEL_STATUS_UPDATE": _object({"id": ID, "guild_id": ID, "status": _nullable(TEXT)}),
    "VOICE_SERVER_UPDATE": _object({"token": TEXT, "guild_id": ID, "endpoint": _nullable(TEXT)}),
    "VOICE_STATE_UPDATE": _ref("VoiceStateResponse"),
    "WEBHOOKS_UPDATE": _object({"guild_id": ID, "channel_id": ID}),
}

OF_NEW_GUILD: Mapping[str, Schema] = {
    "joined_at": TIME,
    "large": FLAG,
    "unavailable?": FLAG,
    "member_count": NUMBER,
    "voice_states": _array(_object(OF_VOICE_STATE)),
    "members": _array(MEMBER),
    "channels": _array(CHANNEL),
    "threads": _array(THREAD),
    "presences": _array(PRESENCE),
    "stage_instances": _array(STAGE),
    "guild_scheduled_events": _array(SCHEDULED_EVENT),
    "soundboard_sounds": _array(SOUND),
}
CHUNK: Mapping[str, Schema] = {"members": _array(MEMBER), "chunk_index": NUMBER, "chunk_count": NUMBER}
EXCEPTION = _with("GuildScheduledEventExceptionResponse", IN_GUILD)
REQUEST = _object({**IN_GUILD, "status": TEXT, "request?": _ref("GuildJoinRequestResponse")})
SUBSCRIBER = _object({"guild_scheduled_event_id": ID, "user_id": ID, "guild_id": ID})
OF_GUILDS: Mapping[str, Schema] = {
    "GUILD_CREATE": _with("GuildResponse", OF_NEW_GUILD),
    "GUILD_UPDATE": _ref("GuildResponse"),
    "GUILD_DELETE": _object({"id": ID, "unavailable?": FLAG}),
    "GUILD_AUDIT_LOG_ENTRY_CREATE": _with("AuditLogEntryResponse", IN_GUILD),
    "GUILD_BAN_ADD": _object({**IN_GUILD, "user": USER}),
    "GUILD_BAN_REMOVE": _object({**IN_GUILD, "user": USER}),
    "GUILD_EMOJIS_UPDATE": _object({**IN_GUILD, "emojis": _array(_ref("EmojiResponse"))}),
    "GUILD_STICKERS_UPDATE": _object({**IN_GUILD, "stickers": _array(_ref("GuildStickerResponse"))}),
    "GUILD_JOIN_REQUEST_CREATE": REQUEST,
    "GUILD_JOIN_REQUEST_UPDATE": REQUEST,
    "GUILD_MEMBER_ADD": _with("GuildMemberResponse", IN_GUILD),
    "GUILD_MEMBER_UPDATE": _with("GuildMemberResponse", IN_GUILD),
    "GUILD_MEMBER_REMOVE": _object({**IN_GUILD, "user": USER}),
    "GUILD_MEMBERS_CHUNK": _object(
        {**IN_GUILD, **CHUNK, "not_found?": _array(ID), "presences?": _array(PRESENCE), "nonce?": TEXT}
    ),
    "GUILD_ROLE_CREATE": _object({**IN_GUILD, "role": ROLE}),
    "GUILD_ROLE_UPDATE": _object({**IN_GUILD, "role": ROLE}),
    "GUILD_ROLE_DELETE": _object({**IN_GUILD, "role_id": ID}),
    "GUILD_SCHEDULED_EVENT_CREATE": SCHEDULED_EVENT,
    "GUILD_SCHEDULED_EVENT_UPDATE": SCHEDULED_EVENT,
    "GUILD_SCHEDULED_EVENT_DELETE": SCHEDULED_EVENT,
    "GUILD_SCHEDULED_EVENT_EXCEPTION_CREATE": EXCEPTION,
    "GUILD_SCHEDULED_EVENT_EXCEPTION_UPDATE": EXCEPTION,
    "GUILD_SCHEDULED_EVENT_EXCEPTION_DELETE": EXCEPTION,
    "GUILD_SCHEDULED_EVENT_USER_ADD": SUBSCRIBER,
    "GUILD_SCHEDULED_EVENT_USER_REMOVE": SUBSCRIBER,
    "GUILD_SOUNDBOARD_SOUND_CREATE": SOUND,
    "GUILD_SOUNDBOARD_SOUND_UPDATE": SOUND,
    "GUILD_SOUNDBOARD_SOUND_DELETE": _object({"sound_id": ID, "guild_id": ID}),
    "SOUNDBOARD_SOUNDS": _object({**IN_GUILD, "soundboard_sounds": _array(SOUND)}),
    "INTEGRATION_DELETE": _object({"id": ID, "guild_id": ID, "application_id?": ID}),
    "PRESENCE_UPDATE": PRESENCE,
}

RESOLVED: Mapping[str, Schema] = {
    "users": USER,
    "members": _object(OF_MEMBER),
    "roles": ROLE,
    "channels": _object({"id": ID, "type": NUMBER, "permissions?": TEXT}),
    "messages": MESSAGE,
    "attachments": _ref("AttachmentResponse"),
}
BY_ID = {f"{name}?": {"type": "object", "additionalProperties": each} for name, each in RESOLVED.items()}
"""Objects that options and menus name, by kind and id."""
INTERACTION = _object(
    {
        "id": ID,
        "application_id": ID,
        "type": NUMBER,
        "data?": _object({"resolved?": _object(BY_ID)}),
        "guild?": _object({"id": ID, "locale": TEXT, "features": _array(TEXT)}),
        "guild_id?": ID,
        "channel?": _object({"id": ID, "type": NUMBER}),
        "channel_id?": ID,
        "member?": _with("GuildMemberResponse", {"permissions": TEXT}),
        "user?": USER,
        "token": TEXT,
        "version": NUMBER,
        "message?": MESSAGE,
        "app_permissions": TEXT,
        "locale?": TEXT,
        "guild_locale?": TEXT,
        "entitlements": _array(_ref("EntitlementResponse")),
        "authorizing_integration_owners": ANY,
        "context?": NUMBER,
        "attachment_size_limit": NUMBER,
    }
)
"""https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object."""

OF_APPLICATION: Mapping[str, Schema] = {
    "READY": _object(
        {
            "v": NUMBER,
            "user": _ref("UserPIIResponse"),
            "guilds": _array(_object({"id": ID, "unavailable": FLAG})),
            "session_id": TEXT,
            "resume_gateway_url": TEXT,
            "shard?": _array(NUMBER),
            "application": _object({"id": ID, "flags": NUMBER}),
        }
    ),
    "RESUMED": _object({}),
    "RATE_LIMITED": _object({"opcode": NUMBER, "retry_after": {"type": "number"}, "meta": ANY}),
    "APPLICATION_COMMAND_PERMISSIONS_UPDATE": _ref("CommandPermissionsResponse"),
    "AUTO_MODERATION_RULE_CREATE": RULE,
    "AUTO_MODERATION_RULE_UPDATE": RULE,
    "AUTO_MODERATION_RULE_DELETE": RULE,
    "AUTO_MODERATION_ACTION_EXECUTION": _object(
        {
            "guild_id": ID,
            "action": _object({"type": NUMBER, "metadata?": ANY}),
            "rule_id": ID,
            "rule_trigger_type": NUMBER,
            "user_id": ID,
            "channel_id?": ID,
            "message_id?": ID,
            "alert_system_message_id?": ID,
            "content": TEXT,
            "matched_keyword": _nullable(TEXT),
            "matched_content": _nullable(TEXT),
        }
    ),
    "ENTITLEMENT_CREATE": _ref("EntitlementResponse"),
    "ENTITLEMENT_UPDATE": _ref("EntitlementResponse"),
    "ENTITLEMENT_DELETE": _ref("EntitlementResponse"),
    "SUBSCRIPTION_CREATE": _ref("SubscriptionResponse"),
    "SUBSCRIPTION_UPDATE": _ref("SubscriptionResponse"),
    "USER_UPDATE": _ref("UserPIIResponse"),
    "INTERACTION_CREATE": INTERACTION,
}

EVENT_SCHEMAS: Mapping[str, Schema] = {**OF_MESSAGES, **OF_CHANNELS, **OF_GUILDS, **OF_APPLICATION}
"""The schema of each event that the sandbox sends, by its name."""
