"""Calls every operation that the sandbox answers at least once; each answer is held against the document."""

from __future__ import annotations

import asyncio
from typing import Any

from nescord_core.discord_api import contract
from nescord_core.sandbox.http.router import routes_table
from support.sandbox.running_rest import Rest
from support.sandbox.walkthrough import walk_through

NOT_IN_THE_WALKTHROUGH = {
    # What takes a user's token, a SKU, a lobby or a request to join: routes/test_users.py,
    # test_applications.py, test_members.py, social_sdk.
    *("create_entitlement", "get_entitlement", "delete_entitlement", "consume_entitlement"),
    *("get_sku_subscription", "get_current_user_application_entitlements"),
    *("get_my_oauth2_authorization", "get_openid_connect_userinfo", "list_my_connections"),
    *("get_my_guild_member", "get_application_user_role_connection"),
    *("update_application_user_role_connection", "delete_application_user_role_connection"),
    *("create_lobby", "create_or_join_lobby", "get_lobby", "edit_lobby", "delete_lobby", "leave_lobby"),
    *("add_lobby_member", "bulk_update_lobby_members", "delete_lobby_member", "edit_lobby_channel_link"),
    *("create_lobby_message", "get_lobby_messages", "update_lobby_message_external_moderation_metadata"),
    *("create_linked_lobby_guild_invite_for_self", "create_linked_lobby_guild_invite_for_user"),
    *("bot_partner_sdk_token", "bot_partner_sdk_unmerge_provisional_account"),
    "update_user_message_external_moderation_metadata",
    *("applications_get_activity_instance", "upload_application_attachment", "action_guild_join_request"),
    # test_extra_fields.py: exceptions of events that recur.
    *("create_guild_scheduled_event_exception", "update_guild_scheduled_event_exception"),
    *("delete_guild_scheduled_event_exception", "list_guild_scheduled_event_exception_users"),
    # routes/test_invites.py, test_members.py: invites for certain users; removing the bot's integration.
    *("get_invite_target_users", "update_invite_target_users", "get_invite_target_users_job_status"),
    "delete_guild_integration",
    # There are no groups, so that nobody can be added to one.
    *("add_group_dm_user", "delete_group_dm_user"),
}


async def test_every_operation_answers_as_the_document_says(rest: Rest) -> None:
    await asyncio.wait_for(walk_through(rest), 60)
    states = {(method, path): state for method, path, state in routes_table()}
    answered = {
        name for name, each in contract.operations().items() if states[each.method, each.path] != "missing"
    }
    assert answered - rest.used - NOT_IN_THE_WALKTHROUGH == set()


async def test_a_missing_operation_is_named(rest: Rest) -> None:
    body = {"client_id": "1", "external_auth_token": "t", "external_auth_type": "OIDC"}
    lacking: dict[str, Any] = (await rest.call("POST", "/partner-sdk/token", body, expect=501)).body
    assert "POST /partner-sdk/token: the sandbox cannot check" in lacking["message"]
