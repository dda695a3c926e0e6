"""Users, guild members, roles, emojis and applications."""

from __future__ import annotations

from nescord_core.payloads.base import Identified, View

__all__ = [
    "Application",
    "AvatarDecoration",
    "Collectibles",
    "Emoji",
    "GuildMember",
    "Member",
    "MentionedUser",
    "Nameplate",
    "PartialMember",
    "PrimaryGuild",
    "Role",
    "RoleColors",
    "RoleTags",
    "User",
]


_CDN = "https://cdn.discordapp.com"


class AvatarDecoration(View):
    """https://discord.com/developers/docs/resources/user#avatar-decoration-data-object."""

    asset: str
    sku_id: int | None
    expires_at: int | None


class Nameplate(View):
    """https://discord.com/developers/docs/resources/user#nameplate."""

    sku_id: int
    asset: str
    label: str
    palette: str


class Collectibles(View):
    """https://discord.com/developers/docs/resources/user#collectibles."""

    nameplate: Nameplate | None


class PrimaryGuild(View):
    """https://discord.com/developers/docs/resources/user#user-object-user-primary-guild."""

    identity_guild_id: int | None
    identity_enabled: bool | None
    tag: str | None
    badge: str | None


class User(Identified):
    """https://discord.com/developers/docs/resources/user#user-object."""

    username: str
    discriminator: str
    global_name: str | None
    avatar: str | None
    bot: bool | None
    system: bool | None
    mfa_enabled: bool | None
    banner: str | None
    accent_color: int | None
    locale: str | None
    verified: bool | None
    email: str | None
    flags: int | None
    premium_type: int | None
    public_flags: int | None
    avatar_decoration_data: AvatarDecoration | None
    collectibles: Collectibles | None
    primary_guild: PrimaryGuild | None

    @property
    def mention(self) -> str:
        """What mentions the user in a message."""
        return f"<@{self.id}>"

    @property
    def display_name(self) -> str:
        """The name that Discord shows outside guilds, and in those without a nickname."""
        return self.global_name or self.username

    @property
    def avatar_url(self) -> str:
        """The address of the user's picture on Discord's CDN, or of a default one.

        https://discord.com/developers/docs/reference#image-formatting
        """
        if self.avatar:
            kind = "gif" if self.avatar.startswith("a_") else "png"
            return f"{_CDN}/avatars/{self.id}/{self.avatar}.{kind}"
        has_discriminator = self.discriminator not in (None, "0", "0000")
        index = int(self.discriminator) % 5 if has_discriminator else (self.id >> 22) % 6
        return f"{_CDN}/embed/avatars/{index}.png"


class PartialMember(View):
    """A guild member without the user, as in a message, which has the author separately.

    ``permissions`` (in interactions only) is the bit set, as int.
    https://discord.com/developers/docs/resources/guild#guild-member-object
    """

    nick: str | None
    avatar: str | None
    banner: str | None
    roles: list[int]
    joined_at: str | None
    premium_since: str | None
    deaf: bool | None
    mute: bool | None
    flags: int
    pending: bool | None
    permissions: int | None
    communication_disabled_until: str | None
    avatar_decoration_data: AvatarDecoration | None
    collectibles: Collectibles | None


class Member(PartialMember):
    """https://discord.com/developers/docs/resources/guild#guild-member-object."""

    user: User

    @property
    def mention(self) -> str:
        """What mentions the member in a message."""
        return self.user.mention

    @property
    def display_name(self) -> str:
        """The name that Discord shows in the guild."""
        return self.nick or self.user.display_name


class GuildMember(Member):
    """GUILD_MEMBER_ADD and GUILD_MEMBER_UPDATE: a member with the guild's id."""

    guild_id: int


class MentionedUser(User):
    """A user in a message's ``mentions``, with the member if it is in the guild."""

    member: PartialMember | None


class RoleTags(View):
    """https://discord.com/developers/docs/topics/permissions#role-object-role-tags-structure.

    Discord sends the last three as null if true and omits them if false; here they are bool.
    """

    bot_id: int | None
    integration_id: int | None
    subscription_listing_id: int | None

    @property
    def premium_subscriber(self) -> bool:
        """Whether this is the role of the guild's boosters."""
        return "premium_subscriber" in self

    @property
    def available_for_purchase(self) -> bool:
        """Whether the role can be bought."""
        return "available_for_purchase" in self

    @property
    def guild_connections(self) -> bool:
        """Whether the role is a linked role."""
        return "guild_connections" in self


class RoleColors(View):
    """https://discord.com/developers/docs/topics/permissions#role-object-role-colors-object."""

    primary_color: int
    secondary_color: int | None
    tertiary_color: int | None


class Role(Identified):
    """``permissions`` is the bit set, as int.

    https://discord.com/developers/docs/topics/permissions#role-object
    """

    name: str
    description: str | None
    color: int
    colors: RoleColors
    hoist: bool
    icon: str | None
    unicode_emoji: str | None
    position: int
    permissions: int
    managed: bool
    mentionable: bool
    tags: RoleTags | None
    flags: int

    @property
    def mention(self) -> str:
        """What mentions the role in a message."""
        return f"<@&{self.id}>"


class Emoji(View):
    """``id`` is None for a Unicode emoji, whose ``name`` is the character itself.

    https://discord.com/developers/docs/resources/emoji#emoji-object
    """

    id: int | None
    name: str | None
    roles: list[int] | None
    user: User | None
    require_colons: bool | None
    managed: bool | None
    animated: bool | None
    available: bool | None


class Application(View):
    """Most events carry a part of it: only ``id`` is always present.

    https://discord.com/developers/docs/resources/application#application-object
    """

    id: int
    name: str | None
    type: int | None
    icon: str | None
    description: str | None
    rpc_origins: list[str] | None
    bot_public: bool | None
    bot_require_code_grant: bool | None
    bot: User | None
    terms_of_service_url: str | None
    privacy_policy_url: str | None
    owner: User | None
    verify_key: str | None
    guild_id: int | None
    primary_sku_id: int | None
    slug: str | None
    cover_image: str | None
    flags: int | None
    flags_new: int | None
    max_participants: int | None
    tags: list[str] | None
    custom_install_url: str | None
