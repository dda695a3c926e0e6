"""Objects that occur only in HTTP responses."""

from __future__ import annotations

from nescord_core.payloads.base import View
from nescord_core.payloads.user import User

__all__ = ["ApplicationCommand", "ApplicationCommandChoice", "ApplicationCommandOption", "Ban"]


class Ban(View):
    """https://discord.com/developers/docs/resources/guild#ban-object."""

    reason: str | None
    user: User


class ApplicationCommandChoice(View):
    """https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-choice-structure."""

    name: str
    name_localizations: dict[str, str] | None
    name_localized: str | None
    value: str | int | float


class ApplicationCommandOption(View):
    """https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-structure."""

    type: int
    name: str
    name_localizations: dict[str, str] | None
    name_localized: str | None
    description: str
    description_localizations: dict[str, str] | None
    description_localized: str | None
    required: bool | None
    choices: list[ApplicationCommandChoice] | None
    options: list[ApplicationCommandOption] | None
    channel_types: list[int] | None
    min_value: float | None
    max_value: float | None
    min_length: int | None
    max_length: int | None
    autocomplete: bool | None


class ApplicationCommand(View):
    """``default_member_permissions`` is a bit set, as int.

    https://discord.com/developers/docs/interactions/application-commands#application-command-object
    """

    id: int
    type: int
    application_id: int
    guild_id: int | None
    name: str
    name_localizations: dict[str, str] | None
    name_localized: str | None
    description: str
    description_localizations: dict[str, str] | None
    description_localized: str | None
    options: list[ApplicationCommandOption] | None
    default_member_permissions: int | None
    dm_permission: bool | None
    nsfw: bool | None
    integration_types: list[int] | None
    contexts: list[int] | None
    version: int
    handler: int | None
