"""Guilds and their parts: voice states, stages, scheduled events, sounds, join requests."""

from __future__ import annotations

from nescord_core.payloads.base import Identified, View
from nescord_core.payloads.channel import Channel, Presence
from nescord_core.payloads.content import Sticker
from nescord_core.payloads.user import Emoji, Member, Role, User

__all__ = [
    "EntityMetadata",
    "FormField",
    "Guild",
    "IncidentsData",
    "JoinRequest",
    "NthWeekday",
    "RecurrenceRule",
    "ScheduledEvent",
    "ScheduledEventException",
    "ScheduledEventUser",
    "SoundboardSound",
    "StageInstance",
    "UnavailableGuild",
    "VoiceState",
    "WelcomeScreen",
    "WelcomeScreenChannel",
]


class UnavailableGuild(View):
    """GUILD_DELETE, and the guilds in READY.

    ``unavailable`` is None when the bot was removed from the guild, True when the guild is down.
    """

    id: int
    unavailable: bool | None


class WelcomeScreenChannel(View):
    """https://discord.com/developers/docs/resources/guild#welcome-screen-object."""

    channel_id: int
    description: str
    emoji_id: int | None
    emoji_name: str | None


class WelcomeScreen(View):
    """https://discord.com/developers/docs/resources/guild#welcome-screen-object."""

    description: str | None
    welcome_channels: list[WelcomeScreenChannel]


class IncidentsData(View):
    """https://discord.com/developers/docs/resources/guild#incidents-data-object."""

    invites_disabled_until: str | None
    dms_disabled_until: str | None
    dm_spam_detected_at: str | None
    raid_detected_at: str | None


class SoundboardSound(View):
    """GUILD_SOUNDBOARD_SOUND_CREATE and _UPDATE, and the sounds of a guild.

    https://discord.com/developers/docs/resources/soundboard#soundboard-sound-object
    """

    name: str
    sound_id: int
    volume: float
    emoji_id: int | None
    emoji_name: str | None
    guild_id: int | None
    available: bool
    user: User | None


class VoiceState(View):
    """VOICE_STATE_UPDATE, and the voice states of a guild (without ``guild_id``).

    ``channel_id`` is None when the user left.
    https://discord.com/developers/docs/resources/voice#voice-state-object
    """

    guild_id: int | None
    channel_id: int | None
    user_id: int
    member: Member | None
    session_id: str
    deaf: bool
    mute: bool
    self_deaf: bool
    self_mute: bool
    self_stream: bool | None
    self_video: bool
    suppress: bool
    request_to_speak_timestamp: str | None


class StageInstance(View):
    """https://discord.com/developers/docs/resources/stage-instance#stage-instance-object."""

    id: int
    guild_id: int
    channel_id: int
    topic: str
    privacy_level: int
    discoverable_disabled: bool
    guild_scheduled_event_id: int | None


class NthWeekday(View):
    """The ``n``-th ``day`` of a month; days count from 0, Monday."""

    n: int
    day: int


class RecurrenceRule(View):
    """https://discord.com/developers/docs/resources/guild-scheduled-event#guild-scheduled-event-recurrence-rule-object."""

    start: str
    end: str | None
    frequency: int
    interval: int
    by_weekday: list[int] | None
    by_n_weekday: list[NthWeekday] | None
    by_month: list[int] | None
    by_month_day: list[int] | None
    by_year_day: list[int] | None
    count: int | None


class ScheduledEventException(View):
    """One occurrence of a recurring event that was moved or cancelled."""

    event_id: int
    event_exception_id: int
    guild_id: int | None
    scheduled_start_time: str | None
    scheduled_end_time: str | None
    is_canceled: bool


class EntityMetadata(View):
    """``location`` of an external event."""

    location: str | None


class ScheduledEventUser(View):
    """GUILD_SCHEDULED_EVENT_USER_ADD and _REMOVE, and the bot's own response in a scheduled event."""

    guild_scheduled_event_id: int
    guild_scheduled_event_exception_id: int | None
    user_id: int
    guild_id: int | None
    user: User | None
    member: Member | None
    response: int | None


class ScheduledEvent(View):
    """https://discord.com/developers/docs/resources/guild-scheduled-event#guild-scheduled-event-object."""

    id: int
    guild_id: int
    channel_id: int | None
    creator_id: int | None
    name: str
    description: str | None
    scheduled_start_time: str
    scheduled_end_time: str | None
    privacy_level: int
    status: int
    entity_type: int
    entity_id: int | None
    entity_metadata: EntityMetadata | None
    creator: User | None
    user_count: int | None
    user_rsvp: ScheduledEventUser | None
    image: str | None
    recurrence_rule: RecurrenceRule | None
    guild_scheduled_event_exceptions: list[ScheduledEventException] | None


class Guild(Identified):
    """GUILD_CREATE and GUILD_UPDATE. Only GUILD_CREATE has the fields from ``joined_at`` on.

    GUILD_CREATE with ``unavailable`` true has little more than ``id``.
    https://discord.com/developers/docs/resources/guild#guild-object
    """

    name: str
    icon: str | None
    icon_hash: str | None
    splash: str | None
    discovery_splash: str | None
    home_header: str | None
    owner: bool | None
    owner_id: int
    permissions: int | None
    region: str | None
    afk_channel_id: int | None
    afk_timeout: int
    widget_enabled: bool | None
    widget_channel_id: int | None
    verification_level: int
    default_message_notifications: int
    explicit_content_filter: int
    roles: list[Role]
    emojis: list[Emoji]
    features: list[str]
    mfa_level: int
    application_id: int | None
    system_channel_id: int | None
    system_channel_flags: int
    rules_channel_id: int | None
    max_presences: int | None
    max_members: int | None
    vanity_url_code: str | None
    description: str | None
    banner: str | None
    premium_tier: int
    premium_subscription_count: int | None
    preferred_locale: str
    public_updates_channel_id: int | None
    max_video_channel_users: int | None
    max_stage_video_channel_users: int | None
    approximate_member_count: int | None
    approximate_presence_count: int | None
    welcome_screen: WelcomeScreen | None
    nsfw: bool | None
    nsfw_level: int
    stickers: list[Sticker] | None
    premium_progress_bar_enabled: bool
    premium_progress_bar_enabled_user_updated_at: str | None
    safety_alerts_channel_id: int | None
    incidents_data: IncidentsData | None
    joined_at: str | None
    large: bool | None
    unavailable: bool | None
    member_count: int | None
    voice_states: list[VoiceState] | None
    members: list[Member] | None
    channels: list[Channel] | None
    threads: list[Channel] | None
    presences: list[Presence] | None
    stage_instances: list[StageInstance] | None
    guild_scheduled_events: list[ScheduledEvent] | None
    soundboard_sounds: list[SoundboardSound] | None


class FormField(View):
    """A question of a guild's join form, and the response: bool, text or the index of a choice."""

    field_type: str
    label: str | None
    description: str | None
    required: bool | None
    placeholder: str | None
    choices: list[str] | None
    values: list[str] | None
    response: str | bool | int | None


class JoinRequest(View):
    """A user's request to join a guild."""

    id: int
    join_request_id: int | None
    guild_id: int
    user_id: int
    user: User | None
    created_at: str | None
    reviewed_at: str | None
    last_seen: str | None
    application_status: str | None
    rejection_reason: str | None
    form_responses: list[FormField] | None
    actioned_at: int | None
    actioned_by_user: User | None
    interview_channel_id: int | None
