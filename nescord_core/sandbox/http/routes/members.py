"""Members of guilds: search, updates, roles, prune, requests to join. Bans are in `moderation`.

https://discord.com/developers/docs/resources/guild#guild-member-object
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import (
    Call,
    Response,
    Routes,
    invalid_field,
    not_found,
    parse_ids,
)
from nescord_core.sandbox.http.split_extra_fields import record_changes, split_extra_fields
from nescord_core.sandbox.world.extra_fields import store_extra_fields
from nescord_core.sandbox.world.simcord.model import BackendError, Member, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
MAX_TIMEOUT = timedelta(days=28)
MEMBER_PRUNE = 21

ROUTES.answered_by(
    model_answer,
    "list_guild_members",
    "get_guild_member",
    "delete_guild_member",
    "add_guild_member_role",
    "delete_guild_member_role",
)


@ROUTES.answers("search_guild_members")
def _search_guild_members(call: Call) -> Any:
    model, guild = call.world.model, call.guild
    prefix, limit = call.query.get("query", "").lower(), int(call.query.get("limit", 1))
    found = [
        each
        for each in guild.members.values()
        if model.users[each.user_id].name.lower().startswith(prefix)
        or (each.nick or "").lower().startswith(prefix)
    ]
    return [dict(serializers.member_payload(model, guild, each)) for each in found[:limit]]


@ROUTES.answers("add_guild_member")
def _add_guild_member(call: Call) -> Any:
    """Add a user who has granted a token with the scope guilds.join."""
    model, guild, user_id = call.world.model, call.guild, call.id("user_id")
    call.require_permissions("create_instant_invite")
    model.get_user(user_id)
    grant = call.world.extra_state.oauth_grants.get(str(call.form.get("access_token")))
    if grant is None or grant.user_id != user_id or "guilds.join" not in grant.scopes:
        raise BackendError(403, 50025, "Invalid OAuth2 access token")
    if user_id in guild.bans:
        raise BackendError(403, 40007, "The user is banned from this guild.")
    if user_id in guild.members:
        return Response(204)
    for name, permission in (("nick", "manage_nicknames"), ("roles", "manage_roles")):
        if call.form.get(name):
            call.require_permissions(permission)
    roles = [int(each) for each in call.form.get("roles") or ()]
    member = model.add_member(guild.id, user_id, roles=roles, nick=call.form.get("nick"), announce=False)
    member.mute, member.deaf = bool(call.form.get("mute")), bool(call.form.get("deaf"))
    payload = dict(serializers.member_payload(model, guild, member))
    model.emit("GUILD_MEMBER_ADD", {**payload, "guild_id": str(guild.id)})
    return Response(201, payload)


@ROUTES.answers("update_guild_member")
def _update_guild_member(call: Call) -> Any:
    """Update a member. Of the flags, only BYPASSES_VERIFICATION (4) can be changed."""
    member = call.world.model.get_member(call.guild.id, call.id("user_id"))
    _check_timeout(call)
    if call.form.get("flags") is not None:
        _require_one_of(call, "manage_guild", "manage_roles", "moderate_members")
    extra, rest = split_extra_fields(call, {"flags"})
    flags = {"flags": (extra["flags"] or 0) & 4} if "flags" in extra else {}
    record_changes(call, member, flags)
    with store_extra_fields(member, flags):
        return model_answer(rest)


def _check_timeout(call: Call) -> None:
    until = call.form.get("communication_disabled_until")
    if until is None:
        return
    moment = datetime.fromisoformat(until.replace("Z", "+00:00"))
    if moment > call.world.model.clock.now() + MAX_TIMEOUT:
        message = "User communication disabled timestamp is invalid"
        raise invalid_field(
            "communication_disabled_until", "INVALID_COMMUNICATION_DISABLED_TIMESTAMP", message
        )


def _require_one_of(call: Call, *permissions: str) -> None:
    for each in permissions[:-1]:
        try:
            call.require_permissions(each)
        except BackendError:
            continue
        return
    call.require_permissions(permissions[-1])


@ROUTES.answers("update_my_guild_member")
def _update_my_guild_member(call: Call) -> Any:
    member = call.world.model.get_member(call.guild.id, call.world.application_id)
    extra, rest = split_extra_fields(call, {"avatar", "banner", "bio"})
    extra.pop("bio", None)  # part of the profile, which bots cannot read
    with store_extra_fields(member, {"banner": extra["banner"]} if "banner" in extra else {}):
        if "avatar" in extra:
            member.avatar = extra["avatar"]
        payload = model_answer(rest)
        if extra and "nick" not in rest.form:
            call.world.model.announce_member_update(call.guild.id, member.user_id)
    return payload


# Prune. The last visit of a member is not known, so every member counts as inactive.


@ROUTES.answers("preview_prune_guild")
def _preview_prune_guild(call: Call) -> Any:
    call.require_permissions("kick_members", "manage_guild")
    return {"pruned": len(_members_to_prune(call, call.values("include_roles")))}


@ROUTES.answers("prune_guild")
def _prune_guild(call: Call) -> Any:
    call.require_permissions("kick_members", "manage_guild")
    model = call.world.model
    members = _members_to_prune(call, call.form.get("include_roles"))
    for each in members:
        model.remove_member(call.guild.id, each.user_id)
    days = str(call.form.get("days") or 7)
    options = {"delete_member_days": days, "members_removed": str(len(members))}
    model.record_audit_log(call.guild.id, MEMBER_PRUNE, options=options, reason=call.reason)
    return {"pruned": None if call.form.get("compute_prune_count") is False else len(members)}


def _members_to_prune(call: Call, include_roles: str | Sequence[str] | None) -> list[Member]:
    """Return the members that have no roles other than these."""
    included = set(parse_ids("include_roles", include_roles))
    never_pruned = {call.world.application_id, call.guild.owner_id}
    return [
        each
        for each in call.guild.members.values()
        if each.user_id not in never_pruned and not set(each.role_ids) - included
    ]


# Requests to join


@ROUTES.answers("get_guild_join_requests")
def _get_guild_join_requests(call: Call) -> Any:
    call.require_permissions("kick_members")
    status = call.query.get("status")
    after, before = int(call.query.get("after", 0)), int(call.query.get("before", 0)) or 1 << 64
    requests = call.world.extra_state.join_requests.get(call.guild.id, {})
    found = [each for each in requests.values() if status in (None, each["application_status"])]
    page = [each for each in found if after < int(each["id"]) < before]
    limit = int(call.query.get("limit", 100))
    nearest = page[-limit:] if "before" in call.query and "after" not in call.query else page[:limit]
    return {"total": len(found), "guild_join_requests": nearest}


@ROUTES.answers("action_guild_join_request")
def _action_guild_join_request(call: Call) -> Any:
    call.require_permissions("kick_members")
    if call.form.get("action") not in ("APPROVED", "REJECTED"):
        raise invalid_field("action", "BASE_TYPE_CHOICES", "Value must be one of {'APPROVED', 'REJECTED'}.")
    request = call.world.extra_state.join_requests.get(call.guild.id, {}).get(call.id("request_id"))
    if request is None:
        raise not_found(10101, "Guild Join Request")
    if request["application_status"] != "SUBMITTED":
        raise BackendError(400, 150000, "This join request was answered already.")
    return call.world.answer_join_request(
        call.guild.id, request, str(call.form["action"]), call.form.get("rejection_reason")
    )
