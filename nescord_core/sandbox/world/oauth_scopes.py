"""The operations that accept a user's OAuth2 token, and the scopes that they need. Pure.

https://discord.com/developers/docs/topics/oauth2#shared-resources-oauth2-scopes
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["KNOWN_SCOPES", "SCOPES"]

COMMANDS = "applications.commands.update"
PERMISSIONS = "applications.commands.permissions.update"
LOBBIES = ("sdk.social_layer", "sdk.social_layer_presence", "openid")

SCOPES: Mapping[str, tuple[str, ...]] = {
    "bulk_set_application_commands": (COMMANDS,),
    "bulk_set_guild_application_commands": (COMMANDS,),
    "create_application_command": (COMMANDS,),
    "create_guild_application_command": (COMMANDS,),
    "delete_application_command": (COMMANDS,),
    "delete_guild_application_command": (COMMANDS,),
    "get_application_command": (COMMANDS,),
    "get_guild_application_command": (COMMANDS,),
    "list_application_commands": (COMMANDS,),
    "list_guild_application_commands": (COMMANDS,),
    "update_application_command": (COMMANDS,),
    "update_guild_application_command": (COMMANDS,),
    "get_guild_application_command_permissions": (COMMANDS, PERMISSIONS),
    "list_guild_application_command_permissions": (COMMANDS, PERMISSIONS),
    "set_guild_application_command_permissions": (PERMISSIONS,),
    "get_current_user_application_entitlements": ("applications.entitlements",),
    "get_sku_subscription": ("applications.entitlements",),
    "get_sku_subscriptions": ("applications.entitlements",),
    "get_application_user_role_connection": ("role_connections.write",),
    "update_application_user_role_connection": ("role_connections.write",),
    "delete_application_user_role_connection": ("role_connections.write",),
    "get_my_guild_member": ("guilds.members.read",),
    "get_my_oauth2_authorization": (),
    "get_my_user": ("identify",),
    "get_openid_connect_userinfo": ("openid",),
    "list_my_connections": ("connections",),
    "list_my_guilds": ("guilds",),
    "create_or_join_lobby": LOBBIES,
    "create_lobby_message": LOBBIES,
    "get_lobby_messages": LOBBIES,
    "edit_lobby_channel_link": LOBBIES,
    "leave_lobby": LOBBIES,
    "create_linked_lobby_guild_invite_for_self": LOBBIES,
}
"""Any one of the scopes is enough; without scopes, any token is accepted."""

KNOWN_SCOPES = frozenset(
    {
        *(scope for scopes in SCOPES.values() for scope in scopes),
        "applications.commands",
        "bot",
        "email",
        "gdm.join",
        "guilds.join",
        "webhook.incoming",
    }
)
