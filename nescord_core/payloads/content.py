"""Parts of messages: attachments, embeds, polls, stickers, reactions, component options."""

from __future__ import annotations

from nescord_core.payloads.base import View
from nescord_core.payloads.user import Application, Emoji, User

__all__ = [
    "Attachment",
    "ChannelMention",
    "EmbedAuthor",
    "EmbedField",
    "EmbedFooter",
    "EmbedMedia",
    "EmbedProvider",
    "LobbyMember",
    "MediaGalleryItem",
    "MessageActivity",
    "MessageCall",
    "MessageReference",
    "Poll",
    "PollAnswer",
    "PollAnswerCount",
    "PollMedia",
    "PollResults",
    "ProductPurchase",
    "PurchaseNotification",
    "Reaction",
    "ReactionCountDetails",
    "RoleSubscriptionData",
    "SelectDefaultValue",
    "SelectOption",
    "SharedClientTheme",
    "Sticker",
    "StickerItem",
    "UnfurledMedia",
]


class Attachment(View):
    """https://discord.com/developers/docs/resources/message#attachment-object."""

    id: int
    filename: str
    title: str | None
    description: str | None
    content_type: str | None
    original_content_type: str | None
    content_scan_version: int | None
    size: int
    url: str
    proxy_url: str
    height: int | None
    width: int | None
    placeholder: str | None
    placeholder_version: int | None
    ephemeral: bool | None
    duration_secs: float | None
    waveform: str | None
    flags: int | None
    clip_participants: list[User] | None
    clip_created_at: str | None
    application: Application | None


class EmbedMedia(View):
    """The image, thumbnail or video of an embed."""

    url: str | None
    proxy_url: str | None
    height: int | None
    width: int | None
    content_type: str | None
    placeholder: str | None
    placeholder_version: int | None
    description: str | None
    flags: int | None


class EmbedProvider(View):
    """https://discord.com/developers/docs/resources/message#embed-object-embed-provider-structure."""

    name: str | None
    url: str | None


class EmbedAuthor(View):
    """https://discord.com/developers/docs/resources/message#embed-object-embed-author-structure."""

    name: str
    url: str | None
    icon_url: str | None
    proxy_icon_url: str | None


class EmbedFooter(View):
    """https://discord.com/developers/docs/resources/message#embed-object-embed-footer-structure."""

    text: str
    icon_url: str | None
    proxy_icon_url: str | None


class EmbedField(View):
    """https://discord.com/developers/docs/resources/message#embed-object-embed-field-structure."""

    name: str
    value: str
    inline: bool | None


class UnfurledMedia(View):
    """https://discord.com/developers/docs/components/reference#unfurled-media-item."""

    id: int | None
    url: str
    proxy_url: str | None
    height: int | None
    width: int | None
    placeholder: str | None
    placeholder_version: int | None
    content_type: str | None
    flags: int | None
    attachment_id: int | None


class MediaGalleryItem(View):
    """https://discord.com/developers/docs/components/reference#media-gallery."""

    media: UnfurledMedia
    description: str | None
    spoiler: bool | None


class SelectOption(View):
    """An option of a string select, radio group or checkbox group."""

    label: str
    value: str
    description: str | None
    emoji: Emoji | None
    default: bool | None


class SelectDefaultValue(View):
    """``type`` is ``user``, ``role`` or ``channel``."""

    id: int
    type: str


class ReactionCountDetails(View):
    """https://discord.com/developers/docs/resources/message#reaction-count-details-object."""

    burst: int
    normal: int


class Reaction(View):
    """A reaction in a message; MESSAGE_REACTION_ADD has who added it."""

    count: int
    count_details: ReactionCountDetails
    me: bool
    me_burst: bool
    emoji: Emoji
    burst_colors: list[str]


class MessageActivity(View):
    """https://discord.com/developers/docs/resources/message#message-object-message-activity-structure."""

    type: int
    party_id: str | None


class MessageCall(View):
    """https://discord.com/developers/docs/resources/message#message-call-object."""

    participants: list[int]
    ended_timestamp: str | None


class MessageReference(View):
    """``type`` is 0 for a reply and 1 for a forward.

    https://discord.com/developers/docs/resources/message#message-reference-structure
    """

    type: int | None
    message_id: int | None
    channel_id: int | None
    guild_id: int | None
    fail_if_not_exists: bool | None


class ChannelMention(View):
    """https://discord.com/developers/docs/resources/message#channel-mention-object."""

    id: int
    guild_id: int
    type: int
    name: str


class RoleSubscriptionData(View):
    """https://discord.com/developers/docs/resources/message#role-subscription-data-object."""

    role_subscription_listing_id: int
    tier_name: str
    total_months_subscribed: int
    is_renewal: bool


class SharedClientTheme(View):
    """https://discord.com/developers/docs/resources/message#shared-client-theme-object."""

    colors: list[str]
    gradient_angle: int
    base_mix: int
    base_theme: int | None


class StickerItem(View):
    """https://discord.com/developers/docs/resources/sticker#sticker-item-object."""

    id: int
    name: str
    format_type: int


class Sticker(View):
    """https://discord.com/developers/docs/resources/sticker#sticker-object."""

    id: int
    pack_id: int | None
    name: str
    description: str | None
    tags: str
    type: int
    format_type: int
    available: bool | None
    guild_id: int | None
    user: User | None
    sort_value: int | None


class PollMedia(View):
    """https://discord.com/developers/docs/resources/poll#poll-media-object."""

    text: str | None
    emoji: Emoji | None


class PollAnswer(View):
    """https://discord.com/developers/docs/resources/poll#poll-answer-object."""

    answer_id: int
    poll_media: PollMedia


class PollAnswerCount(View):
    """https://discord.com/developers/docs/resources/poll#poll-results-object."""

    id: int
    count: int
    me_voted: bool


class PollResults(View):
    """https://discord.com/developers/docs/resources/poll#poll-results-object."""

    is_finalized: bool
    answer_counts: list[PollAnswerCount]


class Poll(View):
    """https://discord.com/developers/docs/resources/poll#poll-object."""

    question: PollMedia
    answers: list[PollAnswer]
    expiry: str | None
    allow_multiselect: bool
    layout_type: int
    results: PollResults | None


class ProductPurchase(View):
    """https://discord.com/developers/docs/resources/message#message-object."""

    listing_id: int
    product_name: str


class PurchaseNotification(View):
    """The purchase in a message of type PURCHASE_NOTIFICATION."""

    type: int
    guild_product_purchase: ProductPurchase | None


class LobbyMember(View):
    """A member of a lobby; a message in a linked channel carries ``additional_name`` only.

    https://discord.com/developers/docs/resources/lobby#lobby-member-object
    """

    id: int | None
    metadata: dict[str, str] | None
    flags: int | None
    additional_name: str | None
