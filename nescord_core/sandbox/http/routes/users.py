"""The calling user (the bot, or the user who granted the OAuth2 token), and users by id.

``POST /sandbox/authorize`` grants tokens. https://discord.com/developers/docs/topics/oauth2
"""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import (
    Call,
    Response,
    Routes,
    invalid_field,
    parse_ids,
    query_flag,
)
from nescord_core.sandbox.http.routes.applications import application_payload
from nescord_core.sandbox.http.split_extra_fields import split_extra_fields
from nescord_core.sandbox.world.extra_fields import store_extra_fields
from nescord_core.sandbox.world.simcord.model import BackendError, Guild, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
BOTS_REFUSED = BackendError(403, 20001, "Bots cannot use this endpoint")
SDK_SCOPE_PREFIX = "sdk."
"""Scopes of the Social SDK, which the document does not list."""
FAR_FUTURE = "2100-01-01T00:00:00+00:00"
Payload = dict[str, Any]

ROUTES.answered_by(model_answer, "get_user", "leave_guild")


@ROUTES.answers("get_my_user")
def _get_my_user(call: Call) -> Any:
    payload: Payload = dict(serializers.user_payload(call.world.model.get_user(call.actor_id)))
    if call.grant is not None and "email" in call.grant.scopes:
        payload["email"] = _email(payload["username"])
    return payload


@ROUTES.answers("update_my_user")
def _update_my_user(call: Call) -> Any:
    model, bot = call.world.model, call.world.model.bot_user
    extra, rest = split_extra_fields(call, {"avatar", "banner"})
    if "avatar" in extra:
        bot.avatar = extra["avatar"]
    with store_extra_fields(bot, {"banner": extra["banner"]} if "banner" in extra else {}):
        if rest.form.get("username") is not None:
            return model_answer(rest)
        model.edit_bot_profile(bot.name)
    return call.world.bot_user


@ROUTES.answers("list_my_guilds")
def _list_my_guilds(call: Call) -> Any:
    model = call.world.model
    limit, after = int(call.query.get("limit", 200)), int(call.query.get("after", 0))
    before = int(call.query.get("before", 0)) or 1 << 64
    mine = [each.id for each in model.guilds.values() if call.actor_id in each.members]
    found = sorted(each for each in mine if after < each < before)
    page = found[-limit:] if "before" in call.query else found[:limit]
    return [_partial_guild(call, model.guilds[each]) for each in page]


def _partial_guild(call: Call, guild: Guild) -> Payload:
    model = call.world.model
    whole = dict(serializers.guild_create_payload(model, guild))
    payload: Payload = {
        **{name: whole[name] for name in ("id", "name", "icon", "banner", "features")},
        "owner": guild.owner_id == call.actor_id,
        "permissions": str(model.compute_permissions(guild.id, call.actor_id)),
    }
    if call.query.get("with_counts", "").lower() in ("true", "1"):
        count = len(guild.members)
        payload |= {"approximate_member_count": count, "approximate_presence_count": count}
    return payload


@ROUTES.answers("create_dm")
def _create_dm(call: Call) -> Any:
    """Open a direct message. Group DMs, which need users' tokens, are not supported."""
    if call.form.get("access_tokens"):
        raise NotImplementedError("the sandbox does not support group DMs (access_tokens)")
    if call.form.get("recipient_id") is None:
        raise invalid_field("recipient_id", "BASE_TYPE_REQUIRED", "This field is required")
    if int(call.form["recipient_id"]) == call.world.application_id:
        raise BackendError(400, 50033, "Invalid Recipient(s)")
    return model_answer(call)


# With an OAuth2 token


def _require_user(call: Call) -> int:
    """Return the user who granted the token; the bot's own token is refused."""
    if call.grant is None:
        raise BOTS_REFUSED
    return call.grant.user_id


def _email(name: str) -> str:
    return f"{name.replace(' ', '.').lower()}@sandbox.invalid"


@ROUTES.answers("get_my_oauth2_authorization")
def _get_my_oauth2_authorization(call: Call) -> Any:
    application = application_payload(call.world)
    if call.grant is None:
        return {"application": application, "expires": FAR_FUTURE, "scopes": ["bot"]}
    payload = {
        "application": application,
        "expires": call.grant.expires_at,
        "scopes": sorted(each for each in call.grant.scopes if not each.startswith(SDK_SCOPE_PREFIX)),
    }
    if "identify" in call.grant.scopes:
        payload["user"] = dict(serializers.user_payload(call.world.model.get_user(_require_user(call))))
    return payload


@ROUTES.answers("get_openid_connect_userinfo")
def _get_openid_connect_userinfo(call: Call) -> Any:
    user = call.world.model.get_user(_require_user(call))
    payload: Payload = {"sub": str(user.id)}
    if call.grant is not None and "identify" in call.grant.scopes:
        name = user.global_name or user.name
        payload |= {"preferred_username": user.name, "nickname": name, "locale": "en-US"}
    if call.grant is not None and "email" in call.grant.scopes:
        payload |= {"email": _email(user.name), "email_verified": True}
    return payload


@ROUTES.answers("list_my_connections")
def _list_my_connections(call: Call) -> Any:
    user_id = _require_user(call)
    return call.world.extra_state.connections.get(user_id, [])


@ROUTES.answers("get_my_guild_member")
def _get_my_guild_member(call: Call) -> Any:
    user_id = _require_user(call)
    model, guild = call.world.model, call.guild
    member = model.get_member(guild.id, user_id)
    payload = dict(serializers.member_payload(model, guild, member))
    return {**payload, "permissions": str(model.compute_permissions(guild.id, user_id))}


@ROUTES.answers("get_current_user_application_entitlements")
def _get_current_user_application_entitlements(call: Call) -> Any:
    user_id = _require_user(call)
    call.require_own_application()
    skus = set(parse_ids("sku_ids", call.values("sku_ids")))
    found = [
        each
        for each in call.world.model.entitlements.values()
        if each.user_id == user_id
        and not each.deleted
        and (not skus or each.sku_id in skus)
        and not (query_flag(call, "exclude_consumed") and each.consumed)
    ]
    return [serializers.entitlement_payload(each) for each in found]


# Role connections


@ROUTES.answers("get_application_user_role_connection")
def _get_user_role_connection(call: Call) -> Any:
    user_id = _require_user_of_own_application(call)
    return call.world.extra_state.user_role_connections.get(user_id, {"metadata": {}})


@ROUTES.answers("update_application_user_role_connection")
def _update_user_role_connection(call: Call) -> Any:
    user_id = _require_user_of_own_application(call)
    known = {each["key"]: each for each in call.world.extra_state.role_connections}
    metadata = call.form.get("metadata") or {}
    if unknown := sorted(metadata.keys() - known.keys()):
        raise invalid_field("metadata", "BASE_TYPE_CHOICES", f"There is no metadata {unknown[0]!r}.")
    stored = call.world.extra_state.user_role_connections.get(user_id, {})
    named = {name: call.form[name] for name in ("platform_name", "platform_username") if name in call.form}
    payload = {**stored, **named, "metadata": {name: str(value) for name, value in metadata.items()}}
    call.world.extra_state.user_role_connections[user_id] = payload
    return payload


@ROUTES.answers("delete_application_user_role_connection")
def _delete_user_role_connection(call: Call) -> Any:
    call.world.extra_state.user_role_connections.pop(_require_user_of_own_application(call), None)
    return Response(204)


def _require_user_of_own_application(call: Call) -> int:
    user_id = _require_user(call)
    call.require_own_application()
    return user_id
