"""Interactions: commands, components, autocomplete, modals."""

from __future__ import annotations

from functools import cached_property

from nescord_core.payloads.base import Identified, View
from nescord_core.payloads.channel import Channel
from nescord_core.payloads.commerce import Entitlement
from nescord_core.payloads.guild import Guild
from nescord_core.payloads.message import Component, Message, ResolvedData
from nescord_core.payloads.user import Member, User

__all__ = ["CommandOption", "Interaction", "InteractionData"]

_ID_OPTIONS = frozenset({6, 7, 8, 9, 11})
"""Option types whose value is an id: user, channel, role, mentionable, attachment."""


class CommandOption(View):
    """An option with the user's value, a subcommand, or a subcommand group.

    https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-application-command-interaction-data-option-structure
    """

    name: str
    type: int
    options: list[CommandOption] | None
    focused: bool | None

    @cached_property
    def value(self) -> str | int | float | bool | None:
        """What the user entered; an id (int) for a user, channel, role, mentionable or attachment."""
        value: str | int | float | bool | None = self.raw.get("value")
        return int(value) if self.type in _ID_OPTIONS and isinstance(value, str) else value


class InteractionData(View):
    """What was invoked; its fields depend on the interaction's ``type``.

    A select menu's ``values`` are strings: decimal ids for users, roles or channels.
    https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-data
    """

    id: int | None
    name: str | None
    type: int | None
    resolved: ResolvedData | None
    options: list[CommandOption] | None
    guild_id: int | None
    target_id: int | None
    custom_id: str | None
    component_type: int | None
    values: list[str] | None
    components: list[Component] | None


class Interaction(Identified):
    """INTERACTION_CREATE. ``event.stale`` means that it is too late to answer.

    ``user`` is set in direct messages, ``member`` (with its user) in guilds; `invoker` is the user in both
    cases. ``app_permissions`` is a bit set, as int. ``token`` is as good as a password for 15 minutes.
    https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object
    """

    application_id: int
    type: int
    data: InteractionData | None
    guild: Guild | None
    guild_id: int | None
    channel: Channel | None
    channel_id: int | None
    member: Member | None
    user: User | None
    token: str
    version: int
    message: Message | None
    app_permissions: int
    locale: str | None
    guild_locale: str | None
    entitlements: list[Entitlement]
    authorizing_integration_owners: dict[str, int]
    context: int | None
    attachment_size_limit: int

    @property
    def invoker(self) -> User | None:
        """The user who invoked it, in a guild or a direct message."""
        return self.member.user if self.member else self.user
