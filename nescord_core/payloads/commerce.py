"""Entitlements, subscriptions, integrations and command permissions."""

from __future__ import annotations

from nescord_core.payloads.base import View
from nescord_core.payloads.user import Application, User

__all__ = [
    "CommandPermission",
    "CommandPermissions",
    "Entitlement",
    "Integration",
    "IntegrationAccount",
    "Subscription",
]


class Entitlement(View):
    """https://discord.com/developers/docs/resources/entitlement#entitlement-object."""

    id: int
    sku_id: int
    application_id: int
    user_id: int | None
    type: int
    deleted: bool
    starts_at: str | None
    ends_at: str | None
    guild_id: int | None
    consumed: bool | None
    fulfilled_at: str | None
    fulfillment_status: int | None
    gifter_user_id: int | None
    parent_id: int | None


class Subscription(View):
    """https://discord.com/developers/docs/resources/subscription#subscription-object."""

    id: int
    user_id: int
    sku_ids: list[int]
    entitlement_ids: list[int]
    renewal_sku_ids: list[int] | None
    current_period_start: str
    current_period_end: str
    status: int
    canceled_at: str | None
    country: str | None


class IntegrationAccount(View):
    """``id`` is the account's on that service, not a snowflake."""

    id: str
    name: str


class Integration(View):
    """INTEGRATION_CREATE and _UPDATE.

    https://discord.com/developers/docs/resources/guild#integration-object
    """

    id: int
    guild_id: int | None
    name: str
    type: str
    enabled: bool
    syncing: bool | None
    role_id: int | None
    enable_emoticons: bool | None
    expire_behavior: int | None
    expire_grace_period: int | None
    user: User | None
    account: IntegrationAccount
    synced_at: str | None
    subscriber_count: int | None
    revoked: bool | None
    application: Application | None
    scopes: list[str] | None


class CommandPermission(View):
    """``type`` is 1 for a role, 2 for a user, 3 for a channel."""

    id: int
    type: int
    permission: bool


class CommandPermissions(View):
    """APPLICATION_COMMAND_PERMISSIONS_UPDATE.

    https://discord.com/developers/docs/interactions/application-commands#application-command-permissions-object
    """

    id: int
    application_id: int
    guild_id: int
    permissions: list[CommandPermission]
