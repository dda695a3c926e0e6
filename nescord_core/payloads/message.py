"""Messages, their components and embeds, and the objects that their ids refer to."""

from __future__ import annotations

from nescord_core.payloads.base import Identified, View
from nescord_core.payloads.channel import Channel
from nescord_core.payloads.content import (
    Attachment,
    ChannelMention,
    EmbedAuthor,
    EmbedField,
    EmbedFooter,
    EmbedMedia,
    EmbedProvider,
    LobbyMember,
    MediaGalleryItem,
    MessageActivity,
    MessageCall,
    MessageReference,
    Poll,
    PurchaseNotification,
    Reaction,
    RoleSubscriptionData,
    SelectDefaultValue,
    SelectOption,
    SharedClientTheme,
    Sticker,
    StickerItem,
    UnfurledMedia,
)
from nescord_core.payloads.user import Application, Emoji, MentionedUser, PartialMember, Role, User

__all__ = [
    "Component",
    "Embed",
    "InteractionMetadata",
    "Message",
    "MessageInteraction",
    "MessageSnapshot",
    "ResolvedData",
]


class Component(View):
    """Any component, in a message or a submitted modal; its fields depend on ``type``.

    ``value`` and ``values`` are what the user entered: text, bool or option values as Discord sends them.
    https://discord.com/developers/docs/components/reference
    """

    type: int
    id: int | None
    custom_id: str | None
    component: Component | None
    components: list[Component] | None
    accessory: Component | None
    style: int | None
    label: str | None
    description: str | None
    emoji: Emoji | None
    sku_id: int | None
    url: str | None
    disabled: bool | None
    options: list[SelectOption] | None
    placeholder: str | None
    min_values: int | None
    max_values: int | None
    min_length: int | None
    max_length: int | None
    required: bool | None
    channel_types: list[int] | None
    default_values: list[SelectDefaultValue] | None
    file_types: list[str] | None
    default: bool | None
    value: str | bool | None
    values: list[str] | None
    resolved: ResolvedData | None
    content: str | None
    media: UnfurledMedia | None
    items: list[MediaGalleryItem] | None
    file: UnfurledMedia | None
    name: str | None
    size: int | None
    spoiler: bool | None
    divider: bool | None
    spacing: int | None
    accent_color: int | None


class Embed(View):
    """https://discord.com/developers/docs/resources/message#embed-object."""

    title: str | None
    type: str | None
    description: str | None
    url: str | None
    timestamp: str | None
    color: int | None
    footer: EmbedFooter | None
    image: EmbedMedia | None
    thumbnail: EmbedMedia | None
    video: EmbedMedia | None
    provider: EmbedProvider | None
    author: EmbedAuthor | None
    fields: list[EmbedField] | None
    flags: int | None
    components: list[Component] | None


class MessageSnapshot(View):
    """A forwarded message, with some of its fields.

    https://discord.com/developers/docs/resources/message#message-snapshot-object
    """

    message: Message


class InteractionMetadata(View):
    """The interaction that made the application send this message.

    https://discord.com/developers/docs/resources/message#message-interaction-metadata-object
    """

    id: int
    type: int
    user: User
    authorizing_integration_owners: dict[str, int]
    original_response_message_id: int | None
    name: str | None
    command_type: int | None
    target_user: User | None
    target_message_id: int | None
    interacted_message_id: int | None
    triggering_interaction_metadata: InteractionMetadata | None


class MessageInteraction(View):
    """Deprecated by Discord in favour of `InteractionMetadata`."""

    id: int
    type: int
    name: str
    name_localized: str | None
    user: User
    member: PartialMember | None


class ResolvedData(View):
    """The objects that ids in the payload refer to, keyed by id (int).

    Members lack ``user``: it is in ``users`` under the same id.
    https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-resolved-data-structure
    """

    users: dict[int, User] | None
    members: dict[int, PartialMember] | None
    roles: dict[int, Role] | None
    channels: dict[int, Channel] | None
    messages: dict[int, Message] | None
    attachments: dict[int, Attachment] | None


class Message(Identified):
    """MESSAGE_CREATE and MESSAGE_UPDATE, and messages in other events.

    Without the MESSAGE_CONTENT intent ``content``, ``embeds``, ``attachments``, ``components`` and ``poll``
    are empty, except in direct messages and messages that mention the bot or are its own.
    https://discord.com/developers/docs/resources/message#message-object
    """

    channel_id: int
    guild_id: int | None
    channel_type: int | None
    author: User
    member: PartialMember | None
    content: str
    timestamp: str
    edited_timestamp: str | None
    tts: bool
    mention_everyone: bool
    mentions: list[MentionedUser]
    mention_roles: list[int]
    mention_channels: list[ChannelMention] | None
    attachments: list[Attachment]
    embeds: list[Embed]
    reactions: list[Reaction] | None
    nonce: str | int | None
    pinned: bool
    webhook_id: int | None
    type: int
    activity: MessageActivity | None
    application: Application | None
    application_id: int | None
    flags: int | None
    message_reference: MessageReference | None
    message_snapshots: list[MessageSnapshot] | None
    referenced_message: Message | None
    interaction_metadata: InteractionMetadata | None
    interaction: MessageInteraction | None
    thread: Channel | None
    components: list[Component] | None
    sticker_items: list[StickerItem] | None
    stickers: list[Sticker] | None
    position: int | None
    role_subscription_data: RoleSubscriptionData | None
    resolved: ResolvedData | None
    poll: Poll | None
    call: MessageCall | None
    shared_client_theme: SharedClientTheme | None
    purchase_notification: PurchaseNotification | None
    lobby_member: LobbyMember | None

    @property
    def jump_url(self) -> str | None:
        """The address that opens the message in Discord's client.

        None for a message of a REST response: it does not say which guild it is in.
        """
        if self.guild_id is None and not hasattr(self, "event"):
            return None
        return f"https://discord.com/channels/{self.guild_id or '@me'}/{self.channel_id}/{self.id}"
