"""Presences, channels and threads."""

from __future__ import annotations

from nescord_core.payloads.base import Identified, View
from nescord_core.payloads.user import Emoji, Member, User

__all__ = [
    "Activity",
    "ActivityAssets",
    "ActivityParty",
    "ActivitySecrets",
    "ActivityTimestamps",
    "Channel",
    "ClientStatus",
    "DefaultReaction",
    "ForumTag",
    "Overwrite",
    "Presence",
    "ThreadMember",
    "ThreadMetadata",
]


class ClientStatus(View):
    """https://discord.com/developers/docs/events/gateway-events#client-status-object."""

    desktop: str | None
    mobile: str | None
    web: str | None
    vr: str | None


class ActivityTimestamps(View):
    """In milliseconds since the epoch."""

    start: int | None
    end: int | None


class ActivityParty(View):
    """``size`` is [current, maximum]."""

    id: str | None
    size: list[int] | None


class ActivityAssets(View):
    """https://discord.com/developers/docs/events/gateway-events#activity-object-activity-assets."""

    large_image: str | None
    large_text: str | None
    large_url: str | None
    small_image: str | None
    small_text: str | None
    small_url: str | None
    invite_cover_image: str | None


class ActivitySecrets(View):
    """https://discord.com/developers/docs/events/gateway-events#activity-object-activity-secrets."""

    join: str | None
    spectate: str | None
    match: str | None


class Activity(View):
    """``buttons`` are labels only: Discord does not send bots their URLs.

    https://discord.com/developers/docs/events/gateway-events#activity-object
    """

    name: str
    type: int
    url: str | None
    created_at: int
    timestamps: ActivityTimestamps | None
    application_id: int | None
    status_display_type: int | None
    details: str | None
    details_url: str | None
    state: str | None
    state_url: str | None
    emoji: Emoji | None
    party: ActivityParty | None
    assets: ActivityAssets | None
    secrets: ActivitySecrets | None
    instance: bool | None
    flags: int | None
    buttons: list[str] | None


class Presence(View):
    """PRESENCE_UPDATE, and the presences of a guild. Only the user's ``id`` is always present.

    https://discord.com/developers/docs/events/gateway-events#presence-update
    """

    user: User
    guild_id: int | None
    status: str
    activities: list[Activity]
    client_status: ClientStatus


class Overwrite(View):
    """``allow`` and ``deny`` are bit sets, as int; ``type`` is 0 for a role and 1 for a member."""

    id: int
    type: int
    allow: int
    deny: int


class ThreadMetadata(View):
    """https://discord.com/developers/docs/resources/channel#thread-metadata-object."""

    archived: bool
    auto_archive_duration: int
    archive_timestamp: str
    locked: bool
    invitable: bool | None
    create_timestamp: str | None


class ThreadMember(View):
    """THREAD_MEMBER_UPDATE, and the members in other thread events.

    https://discord.com/developers/docs/resources/channel#thread-member-object
    """

    id: int | None
    user_id: int | None
    join_timestamp: str
    flags: int
    member: Member | None
    presence: Presence | None
    guild_id: int | None


class DefaultReaction(View):
    """https://discord.com/developers/docs/resources/channel#default-reaction-object."""

    emoji_id: int | None
    emoji_name: str | None


class ForumTag(View):
    """https://discord.com/developers/docs/resources/channel#forum-tag-object."""

    id: int
    name: str
    moderated: bool
    emoji_id: int | None
    emoji_name: str | None


class Channel(Identified):
    """Any channel or thread; its fields depend on ``type``.

    ``permissions`` (of the user, in interactions) and ``app_permissions`` are bit sets, as int.
    https://discord.com/developers/docs/resources/channel#channel-object
    """

    type: int
    guild_id: int | None
    position: int | None
    permission_overwrites: list[Overwrite] | None
    name: str | None
    topic: str | None
    nsfw: bool | None
    last_message_id: int | None
    bitrate: int | None
    user_limit: int | None
    rate_limit_per_user: int | None
    recipients: list[User] | None
    icon: str | None
    owner_id: int | None
    application_id: int | None
    managed: bool | None
    parent_id: int | None
    last_pin_timestamp: str | None
    rtc_region: str | None
    video_quality_mode: int | None
    message_count: int | None
    member_count: int | None
    thread_metadata: ThreadMetadata | None
    member: ThreadMember | None
    default_auto_archive_duration: int | None
    permissions: int | None
    app_permissions: int | None
    flags: int | None
    total_message_sent: int | None
    available_tags: list[ForumTag] | None
    applied_tags: list[int] | None
    default_reaction_emoji: DefaultReaction | None
    default_thread_rate_limit_per_user: int | None
    default_sort_order: int | None
    default_forum_layout: int | None
    default_tag_setting: str | None
    newly_created: bool | None
    status: str | None
    voice_start_time: int | None

    @property
    def mention(self) -> str:
        """What links to the channel in a message."""
        return f"<#{self.id}>"
