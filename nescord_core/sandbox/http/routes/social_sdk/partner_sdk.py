"""Provisional accounts, and moderation metadata of direct messages.

https://discord.com/developers/docs/discord-social-sdk/development-guides/using-provisional-accounts
"""

from __future__ import annotations

import secrets
from typing import Any

from nescord_core.sandbox.http.operation_call import Call, Response, Routes, not_found

__all__ = ["ROUTES"]

ROUTES = Routes()
TOKEN_SECONDS = 604_800
"""Seconds until a provisional account's token expires."""
SCOPES = frozenset({"identify", "openid", "connections", "guilds"})


@ROUTES.answers("bot_partner_sdk_token")
def _get_token(call: Call) -> Any:
    """Return a token for the account of an external user, creating the account the first time."""
    model, extra_state, external = (
        call.world.model,
        call.world.extra_state,
        call.form["external_user_id"],
    )
    if external not in extra_state.provisional_accounts:
        made = model.make_user(f"provisional_{len(extra_state.provisional_accounts) + 1}")
        made.global_name = call.form.get("preferred_global_name") or made.name
        extra_state.provisional_accounts[external] = made.id
    token = call.world.grant(extra_state.provisional_accounts[external], SCOPES, seconds=TOKEN_SECONDS)
    return {
        "token_type": "Bearer",
        "access_token": token,
        "expires_in": TOKEN_SECONDS,
        "scope": " ".join(sorted(SCOPES)),
        "id_token": secrets.token_urlsafe(32),
        "refresh_token": None,
    }


@ROUTES.answers("bot_partner_sdk_unmerge_provisional_account")
def _unmerge_account(call: Call) -> Any:
    """Detach the account of an external user; the next token is for a new account."""
    user_id = call.world.extra_state.provisional_accounts.pop(call.form["external_user_id"], None)
    if user_id is None:
        raise not_found(10013, "User")
    grants = call.world.extra_state.oauth_grants
    for token in [token for token, grant in grants.items() if grant.user_id == user_id]:
        del grants[token]
    return Response(204)


@ROUTES.answers("partner_sdk_token", "partner_sdk_unmerge_provisional_account")
def _needs_identity_provider(_call: Call) -> Any:
    raise NotImplementedError(
        "the sandbox cannot check tokens of other identity providers; use the route that ends in /bot"
    )


@ROUTES.answers("update_user_message_external_moderation_metadata")
def _update_moderation_metadata(call: Call) -> Any:
    """Store moderation metadata of a message between a user and the bot, or between two users."""
    model = call.world.model
    for name in ("user_id_1", "user_id_2"):
        model.get_user(call.id(name))
    channels = {model.dm_channels.get(call.id(name)) for name in ("user_id_1", "user_id_2")} - {None}
    if not any(call.id("message_id") in model.messages.get(each or 0, {}) for each in channels):
        raise not_found(10008, "Message")
    metadata = {str(name): str(value) for name, value in call.form.items()}
    call.world.extra_state.moderation_metadata[call.id("message_id")] = metadata
    return Response(204)
