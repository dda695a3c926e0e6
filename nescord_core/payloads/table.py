"""Maps events to their payload classes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nescord_core.envelope import Envelope
from nescord_core.events import EventType
from nescord_core.payloads.base import Payload, View
from nescord_core.payloads.channel import Channel, Presence, ThreadMember
from nescord_core.payloads.commerce import CommandPermissions, Entitlement, Integration, Subscription
from nescord_core.payloads.gateway import (
    ChannelInfo,
    ChannelPins,
    GuildBan,
    GuildEmojis,
    GuildIntegrations,
    GuildJoinRequest,
    GuildMemberRemove,
    GuildMembersChunk,
    GuildRole,
    GuildRoleDelete,
    GuildStickers,
    IntegrationDelete,
    Invite,
    InviteDelete,
    MessageDelete,
    MessageDeleteBulk,
    PollVote,
    RateLimited,
    ReactionEvent,
    ReactionRemoveAll,
    ReactionRemoveEmoji,
    Ready,
    Resumed,
    ScheduledEventExceptions,
    SoundboardSoundDelete,
    SoundboardSounds,
    ThreadDelete,
    ThreadListSync,
    ThreadMembers,
    TypingStart,
    VoiceChannelEffect,
    VoiceChannelStartTime,
    VoiceChannelStatus,
    VoiceServer,
    Webhooks,
)
from nescord_core.payloads.guild import (
    Guild,
    ScheduledEvent,
    ScheduledEventException,
    ScheduledEventUser,
    SoundboardSound,
    StageInstance,
    UnavailableGuild,
    VoiceState,
)
from nescord_core.payloads.interaction import Interaction
from nescord_core.payloads.message import Message
from nescord_core.payloads.moderation import AuditLogEntry, AutoModerationActionExecution, AutoModerationRule
from nescord_core.payloads.user import GuildMember, User

__all__ = ["PAYLOADS", "payload_of"]

PAYLOADS: Mapping[EventType, type[View]] = MappingProxyType(
    {
        EventType.READY: Ready,
        EventType.RESUMED: Resumed,
        EventType.RATE_LIMITED: RateLimited,
        EventType.APPLICATION_COMMAND_PERMISSIONS_UPDATE: CommandPermissions,
        EventType.AUTO_MODERATION_RULE_CREATE: AutoModerationRule,
        EventType.AUTO_MODERATION_RULE_UPDATE: AutoModerationRule,
        EventType.AUTO_MODERATION_RULE_DELETE: AutoModerationRule,
        EventType.AUTO_MODERATION_ACTION_EXECUTION: AutoModerationActionExecution,
        EventType.CHANNEL_CREATE: Channel,
        EventType.CHANNEL_UPDATE: Channel,
        EventType.CHANNEL_DELETE: Channel,
        EventType.CHANNEL_INFO: ChannelInfo,
        EventType.CHANNEL_PINS_UPDATE: ChannelPins,
        EventType.THREAD_CREATE: Channel,
        EventType.THREAD_UPDATE: Channel,
        EventType.THREAD_DELETE: ThreadDelete,
        EventType.THREAD_LIST_SYNC: ThreadListSync,
        EventType.THREAD_MEMBER_UPDATE: ThreadMember,
        EventType.THREAD_MEMBERS_UPDATE: ThreadMembers,
        EventType.ENTITLEMENT_CREATE: Entitlement,
        EventType.ENTITLEMENT_UPDATE: Entitlement,
        EventType.ENTITLEMENT_DELETE: Entitlement,
        EventType.GUILD_CREATE: Guild,
        EventType.GUILD_UPDATE: Guild,
        EventType.GUILD_DELETE: UnavailableGuild,
        EventType.GUILD_AUDIT_LOG_ENTRY_CREATE: AuditLogEntry,
        EventType.GUILD_BAN_ADD: GuildBan,
        EventType.GUILD_BAN_REMOVE: GuildBan,
        EventType.GUILD_EMOJIS_UPDATE: GuildEmojis,
        EventType.GUILD_STICKERS_UPDATE: GuildStickers,
        EventType.GUILD_INTEGRATIONS_UPDATE: GuildIntegrations,
        EventType.GUILD_JOIN_REQUEST_CREATE: GuildJoinRequest,
        EventType.GUILD_JOIN_REQUEST_UPDATE: GuildJoinRequest,
        EventType.GUILD_JOIN_REQUEST_DELETE: GuildJoinRequest,
        EventType.GUILD_MEMBER_ADD: GuildMember,
        EventType.GUILD_MEMBER_REMOVE: GuildMemberRemove,
        EventType.GUILD_MEMBER_UPDATE: GuildMember,
        EventType.GUILD_MEMBERS_CHUNK: GuildMembersChunk,
        EventType.GUILD_ROLE_CREATE: GuildRole,
        EventType.GUILD_ROLE_UPDATE: GuildRole,
        EventType.GUILD_ROLE_DELETE: GuildRoleDelete,
        EventType.GUILD_SCHEDULED_EVENT_CREATE: ScheduledEvent,
        EventType.GUILD_SCHEDULED_EVENT_UPDATE: ScheduledEvent,
        EventType.GUILD_SCHEDULED_EVENT_DELETE: ScheduledEvent,
        EventType.GUILD_SCHEDULED_EVENT_USER_ADD: ScheduledEventUser,
        EventType.GUILD_SCHEDULED_EVENT_USER_REMOVE: ScheduledEventUser,
        EventType.GUILD_SCHEDULED_EVENT_EXCEPTION_CREATE: ScheduledEventException,
        EventType.GUILD_SCHEDULED_EVENT_EXCEPTION_UPDATE: ScheduledEventException,
        EventType.GUILD_SCHEDULED_EVENT_EXCEPTION_DELETE: ScheduledEventException,
        EventType.GUILD_SCHEDULED_EVENT_EXCEPTIONS_DELETE: ScheduledEventExceptions,
        EventType.GUILD_SOUNDBOARD_SOUND_CREATE: SoundboardSound,
        EventType.GUILD_SOUNDBOARD_SOUND_UPDATE: SoundboardSound,
        EventType.GUILD_SOUNDBOARD_SOUND_DELETE: SoundboardSoundDelete,
        EventType.GUILD_SOUNDBOARD_SOUNDS_UPDATE: SoundboardSounds,
        EventType.SOUNDBOARD_SOUNDS: SoundboardSounds,
        EventType.INTEGRATION_CREATE: Integration,
        EventType.INTEGRATION_UPDATE: Integration,
        EventType.INTEGRATION_DELETE: IntegrationDelete,
        EventType.INTERACTION_CREATE: Interaction,
        EventType.INVITE_CREATE: Invite,
        EventType.INVITE_DELETE: InviteDelete,
        EventType.MESSAGE_CREATE: Message,
        EventType.MESSAGE_UPDATE: Message,
        EventType.MESSAGE_DELETE: MessageDelete,
        EventType.MESSAGE_DELETE_BULK: MessageDeleteBulk,
        EventType.MESSAGE_REACTION_ADD: ReactionEvent,
        EventType.MESSAGE_REACTION_REMOVE: ReactionEvent,
        EventType.MESSAGE_REACTION_REMOVE_ALL: ReactionRemoveAll,
        EventType.MESSAGE_REACTION_REMOVE_EMOJI: ReactionRemoveEmoji,
        EventType.MESSAGE_POLL_VOTE_ADD: PollVote,
        EventType.MESSAGE_POLL_VOTE_REMOVE: PollVote,
        EventType.PRESENCE_UPDATE: Presence,
        EventType.STAGE_INSTANCE_CREATE: StageInstance,
        EventType.STAGE_INSTANCE_UPDATE: StageInstance,
        EventType.STAGE_INSTANCE_DELETE: StageInstance,
        EventType.SUBSCRIPTION_CREATE: Subscription,
        EventType.SUBSCRIPTION_UPDATE: Subscription,
        EventType.SUBSCRIPTION_DELETE: Subscription,
        EventType.TYPING_START: TypingStart,
        EventType.USER_UPDATE: User,
        EventType.VOICE_CHANNEL_EFFECT_SEND: VoiceChannelEffect,
        EventType.VOICE_CHANNEL_START_TIME_UPDATE: VoiceChannelStartTime,
        EventType.VOICE_CHANNEL_STATUS_UPDATE: VoiceChannelStatus,
        EventType.VOICE_STATE_UPDATE: VoiceState,
        EventType.VOICE_SERVER_UPDATE: VoiceServer,
        EventType.WEBHOOKS_UPDATE: Webhooks,
    }
)
"""The class of each event's payload."""

# Keyed by plain strings: an enum's hash is a Python function, and every event needs this lookup.
_BY_NAME: Mapping[str, type[View]] = {event.value: cls for event, cls in PAYLOADS.items()}


def payload_of(envelope: Envelope, now: float) -> View:
    """Create the payload of an event delivered at ``now``; an unknown event gets a plain `Payload`."""
    return _BY_NAME.get(envelope.type, Payload).of(envelope, now)
