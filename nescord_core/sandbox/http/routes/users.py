"""What a user's OAuth2 token is good for: who they are, what they linked, their role connections.

``POST /sandbox/authorize`` grants such tokens. https://discord.com/developers/docs/topics/oauth2
"""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.http.calls import Answer, Call, Routes, asked_for, ids_in, invalid
from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.routes.applications import application_of
from nescord_core.sandbox.world.simcord.model import BackendError, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
BOT_CANNOT = BackendError(403, 20001, "Bots cannot use this endpoint")
SDK = "sdk."
"""Scopes of the Social SDK, which the document does not list."""
FAR_FUTURE = "2100-01-01T00:00:00+00:00"

Payload = dict[str, Any]


def _user(call: Call) -> int:
    """Return who granted the token; the bot's own token is no good here."""
    if call.grant is None:
        raise BOT_CANNOT
    return call.grant.user_id


def _own(call: Call) -> None:
    if call.id("application_id") != call.world.application_id:
        raise BackendError(403, 20012, "You are not authorized to perform this action on this application")


@ROUTES.answers("get_my_user")
def _me(call: Call) -> Any:
    shown: Payload = dict(serializers.user_payload(call.world.simulation.get_user(call.actor_id)))
    if call.grant is not None and "email" in call.grant.scopes:
        shown["email"] = _email(shown["username"])
    return shown


def _email(name: str) -> str:
    return f"{name.replace(' ', '.').lower()}@sandbox.invalid"


@ROUTES.answers("get_my_oauth2_authorization")
def _authorization(call: Call) -> Any:
    application = application_of(call.world)
    if call.grant is None:
        return {"application": application, "expires": FAR_FUTURE, "scopes": ["bot"]}
    shown = {
        "application": application,
        "expires": call.grant.expires_at,
        "scopes": sorted(each for each in call.grant.scopes if not each.startswith(SDK)),
    }
    if "identify" in call.grant.scopes:
        shown["user"] = dict(serializers.user_payload(call.world.simulation.get_user(_user(call))))
    return shown


@ROUTES.answers("get_openid_connect_userinfo")
def _userinfo(call: Call) -> Any:
    user = call.world.simulation.get_user(_user(call))
    shown: Payload = {"sub": str(user.id)}
    if call.grant is not None and "identify" in call.grant.scopes:
        name = user.global_name or user.name
        shown |= {"preferred_username": user.name, "nickname": name, "locale": "en-US"}
    if call.grant is not None and "email" in call.grant.scopes:
        shown |= {"email": _email(user.name), "email_verified": True}
    return shown


@ROUTES.answers("list_my_connections")
def _connections(call: Call) -> Any:
    user_id = _user(call)
    return call.world.extra_state.connections.get(user_id, [])


@ROUTES.answers("get_my_guild_member")
def _my_member(call: Call) -> Any:
    user_id = _user(call)
    world, guild = call.world.simulation, call.guild
    member = world.get_member(guild.id, user_id)
    shown = dict(serializers.member_payload(world, guild, member))
    return {**shown, "permissions": str(world.compute_permissions(guild.id, user_id))}


@ROUTES.answers("get_current_user_application_entitlements")
def _entitlements(call: Call) -> Any:
    user_id = _user(call)
    _own(call)
    skus = set(ids_in("sku_ids", call.values("sku_ids")))
    found = [
        each
        for each in call.world.simulation.entitlements.values()
        if each.user_id == user_id
        and not each.deleted
        and (not skus or each.sku_id in skus)
        and not (asked_for(call, "exclude_consumed") and each.consumed)
    ]
    return [serializers.entitlement_payload(each) for each in found]


# Role connections


@ROUTES.answers("get_application_user_role_connection")
def _role_connection(call: Call) -> Any:
    user_id = _connected(call)
    return call.world.extra_state.user_role_connections.get(user_id, {"metadata": {}})


@ROUTES.answers("update_application_user_role_connection")
def _set_role_connection(call: Call) -> Any:
    user_id = _connected(call)
    known = {each["key"]: each for each in call.world.extra_state.role_connections}
    metadata = call.form.get("metadata") or {}
    if unknown := sorted(metadata.keys() - known.keys()):
        raise invalid("metadata", "BASE_TYPE_CHOICES", f"There is no metadata {unknown[0]!r}.")
    kept = call.world.extra_state.user_role_connections.get(user_id, {})
    named = {name: call.form[name] for name in ("platform_name", "platform_username") if name in call.form}
    shown = {**kept, **named, "metadata": {name: str(value) for name, value in metadata.items()}}
    call.world.extra_state.user_role_connections[user_id] = shown
    return shown


@ROUTES.answers("delete_application_user_role_connection")
def _delete_role_connection(call: Call) -> Any:
    call.world.extra_state.user_role_connections.pop(_connected(call), None)
    return Answer(204)


def _connected(call: Call) -> int:
    user_id = _user(call)
    _own(call)
    return user_id


@ROUTES.answers("create_dm")
def _create_dm(call: Call) -> Any:
    """Open a direct message. Groups, which take users' tokens, are not part of the sandbox."""
    if call.form.get("access_tokens"):
        raise NotImplementedError("group direct messages (access_tokens) are not part of the sandbox")
    if call.form.get("recipient_id") is None:
        raise invalid("recipient_id", "BASE_TYPE_REQUIRED", "This field is required")
    if int(call.form["recipient_id"]) == call.world.application_id:
        raise BackendError(400, 50033, "Invalid Recipient(s)")
    return model_answer(call)


@ROUTES.answers("add_group_dm_user", "delete_group_dm_user")
def _group(call: Call) -> Any:
    """Nobody can be added to, or taken from, what is no group; the sandbox has no groups."""
    call.world.simulation.get_channel(call.id("channel_id"))
    raise BackendError(400, 50024, "Cannot execute action on this channel type")
