"""Payloads that occur only as events.

https://discord.com/developers/docs/events/gateway-events#receive-events
"""

from __future__ import annotations

from nescord_core.payloads.base import View
from nescord_core.payloads.channel import Channel, Presence, ThreadMember
from nescord_core.payloads.content import Sticker
from nescord_core.payloads.guild import JoinRequest, SoundboardSound, UnavailableGuild
from nescord_core.payloads.user import Application, Emoji, Member, Role, User

__all__ = [
    "ChannelInfo",
    "ChannelInfoChannel",
    "ChannelPins",
    "GuildBan",
    "GuildEmojis",
    "GuildIntegrations",
    "GuildJoinRequest",
    "GuildMemberRemove",
    "GuildMembersChunk",
    "GuildRole",
    "GuildRoleDelete",
    "GuildStickers",
    "IntegrationDelete",
    "Invite",
    "InviteDelete",
    "MessageDelete",
    "MessageDeleteBulk",
    "PollVote",
    "RateLimitMeta",
    "RateLimited",
    "ReactionEvent",
    "ReactionRemoveAll",
    "ReactionRemoveEmoji",
    "Ready",
    "Resumed",
    "ScheduledEventExceptions",
    "SoundboardSoundDelete",
    "SoundboardSounds",
    "ThreadDelete",
    "ThreadListSync",
    "ThreadMembers",
    "TypingStart",
    "VoiceChannelEffect",
    "VoiceChannelStartTime",
    "VoiceChannelStatus",
    "VoiceServer",
    "Webhooks",
]


class Ready(View):
    """A new session; ``shard`` is [shard id, shard count]."""

    v: int
    user: User
    guilds: list[UnavailableGuild]
    session_id: str
    resume_gateway_url: str
    shard: list[int] | None
    application: Application


class Resumed(View):
    """A resumed session; the event has no documented fields."""


class RateLimitMeta(View):
    """Identifies an opcode 8 request."""

    guild_id: int | None
    nonce: str | None


class RateLimited(View):
    """A gateway command was rate limited; ``retry_after`` is in seconds, ``opcode`` the command's."""

    opcode: int
    retry_after: float
    meta: RateLimitMeta


class ChannelInfoChannel(View):
    """``voice_start_time`` is in seconds since the epoch."""

    id: int
    status: str | None
    voice_start_time: int | None


class ChannelInfo(View):
    """The response to opcode 43."""

    guild_id: int
    channels: list[ChannelInfoChannel]


class VoiceChannelStatus(View):
    """VOICE_CHANNEL_STATUS_UPDATE; ``id`` is the channel's."""

    id: int
    guild_id: int
    status: str | None


class VoiceChannelStartTime(View):
    """VOICE_CHANNEL_START_TIME_UPDATE; ``id`` is the channel's, the time in seconds since the epoch."""

    id: int
    guild_id: int
    voice_start_time: int | None


class ChannelPins(View):
    """CHANNEL_PINS_UPDATE."""

    guild_id: int | None
    channel_id: int
    last_pin_timestamp: str | None


class ThreadDelete(View):
    """THREAD_DELETE: the remaining fields of the thread."""

    id: int
    guild_id: int
    parent_id: int
    type: int


class ThreadListSync(View):
    """The bot gained access to channels; without ``channel_ids`` the whole guild is synced."""

    guild_id: int
    channel_ids: list[int] | None
    threads: list[Channel]
    members: list[ThreadMember]


class ThreadMembers(View):
    """THREAD_MEMBERS_UPDATE; ``id`` is the thread's, ``member_count`` is capped at 50."""

    id: int
    guild_id: int
    member_count: int
    added_members: list[ThreadMember] | None
    removed_member_ids: list[int] | None


class GuildBan(View):
    """GUILD_BAN_ADD and _REMOVE."""

    guild_id: int
    user: User


class GuildEmojis(View):
    """GUILD_EMOJIS_UPDATE, with all current emojis."""

    guild_id: int
    emojis: list[Emoji]


class GuildStickers(View):
    """GUILD_STICKERS_UPDATE, with all current stickers."""

    guild_id: int
    stickers: list[Sticker]


class GuildIntegrations(View):
    """GUILD_INTEGRATIONS_UPDATE."""

    guild_id: int


class GuildJoinRequest(View):
    """GUILD_JOIN_REQUEST_CREATE, _UPDATE and _DELETE; only the last has ``id`` and ``user_id`` of its own."""

    guild_id: int
    id: int | None
    user_id: int | None
    status: str | None
    request: JoinRequest | None


class GuildMemberRemove(View):
    """A member left, was kicked or banned."""

    guild_id: int
    user: User


class GuildMembersChunk(View):
    """A part of the response to opcode 8; `listener.gateway.request_guild_members` collects them."""

    guild_id: int
    members: list[Member]
    chunk_index: int
    chunk_count: int
    not_found: list[int] | None
    presences: list[Presence] | None
    nonce: str | None


class GuildRole(View):
    """GUILD_ROLE_CREATE and _UPDATE."""

    guild_id: int
    role: Role


class GuildRoleDelete(View):
    """GUILD_ROLE_DELETE."""

    guild_id: int
    role_id: int


class ScheduledEventExceptions(View):
    """GUILD_SCHEDULED_EVENT_EXCEPTIONS_DELETE: all exceptions of that event were deleted."""

    guild_id: int | None
    event_id: int


class SoundboardSoundDelete(View):
    """GUILD_SOUNDBOARD_SOUND_DELETE."""

    sound_id: int
    guild_id: int


class SoundboardSounds(View):
    """GUILD_SOUNDBOARD_SOUNDS_UPDATE, and SOUNDBOARD_SOUNDS, the response to opcode 31."""

    guild_id: int
    soundboard_sounds: list[SoundboardSound]


class IntegrationDelete(View):
    """INTEGRATION_DELETE."""

    id: int
    guild_id: int
    application_id: int | None


class Invite(View):
    """INVITE_CREATE; ``max_age`` is in seconds, 0 for unlimited."""

    channel_id: int
    code: str
    type: int | None
    created_at: str
    guild_id: int | None
    inviter: User | None
    max_age: int
    max_uses: int
    target_type: int | None
    target_user: User | None
    target_application: Application | None
    temporary: bool
    uses: int
    expires_at: str | None
    role_ids: list[int] | None


class InviteDelete(View):
    """INVITE_DELETE."""

    channel_id: int
    guild_id: int | None
    code: str


class MessageDelete(View):
    """MESSAGE_DELETE."""

    id: int
    channel_id: int
    guild_id: int | None


class MessageDeleteBulk(View):
    """MESSAGE_DELETE_BULK."""

    ids: list[int]
    channel_id: int
    guild_id: int | None


class ReactionEvent(View):
    """MESSAGE_REACTION_ADD and _REMOVE; ``type`` is 0 for a normal reaction and 1 for a burst."""

    user_id: int
    channel_id: int
    message_id: int
    guild_id: int | None
    member: Member | None
    emoji: Emoji
    message_author_id: int | None
    burst: bool
    burst_colors: list[str] | None
    type: int


class ReactionRemoveAll(View):
    """MESSAGE_REACTION_REMOVE_ALL."""

    channel_id: int
    message_id: int
    guild_id: int | None


class ReactionRemoveEmoji(View):
    """MESSAGE_REACTION_REMOVE_EMOJI."""

    channel_id: int
    message_id: int
    guild_id: int | None
    emoji: Emoji


class PollVote(View):
    """MESSAGE_POLL_VOTE_ADD and _REMOVE."""

    user_id: int
    channel_id: int
    message_id: int
    guild_id: int | None
    answer_id: int


class TypingStart(View):
    """``timestamp`` is in seconds since the epoch."""

    channel_id: int
    guild_id: int | None
    user_id: int
    timestamp: int
    member: Member | None


class VoiceChannelEffect(View):
    """VOICE_CHANNEL_EFFECT_SEND: an emoji or a sound in the bot's voice channel."""

    channel_id: int
    guild_id: int
    user_id: int
    emoji: Emoji | None
    animation_type: int | None
    animation_id: int | None
    sound_id: int | None
    sound_volume: float | None


class VoiceServer(View):
    """VOICE_SERVER_UPDATE; without ``endpoint`` the server is gone and a new one will follow."""

    token: str
    guild_id: int
    endpoint: str | None


class Webhooks(View):
    """WEBHOOKS_UPDATE: a webhook of that channel was created, changed or deleted."""

    guild_id: int
    channel_id: int
