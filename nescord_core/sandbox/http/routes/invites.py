"""Invites: their targets, what they show, and invites for certain users only.

https://discord.com/developers/docs/resources/invite
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import (
    Call,
    Response,
    Routes,
    invalid_field,
    not_found,
    parse_ids,
    query_flag,
)
from nescord_core.sandbox.http.routes.applications import partial_application
from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.simcord.model import Guild, Invite, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
STREAM, EMBEDDED = 1, 2
TARGET_FIELDS = ("target_type", "target_user_id", "target_application_id", "role_ids", "unique", "flags")
CSV_HEADER = "Users"
GUILD_FIELDS = (
    "id",
    "name",
    "splash",
    "banner",
    "description",
    "icon",
    "features",
    "verification_level",
    "vanity_url_code",
    "premium_subscription_count",
)
Payload = dict[str, Any]


@ROUTES.answers("create_channel_invite")
def _create_channel_invite(call: Call) -> Any:
    """Create an invite, or return an existing one with the same fields unless ``unique`` is set."""
    call.require_channel_permissions("create_instant_invite")
    fields = _target_fields(call)
    body = {
        name: value for name, value in call.form.items() if name not in TARGET_FIELDS and value is not None
    }
    if not call.form.get("unique") and (known := _find_same(call, body, fields)) is not None:
        return _invite_payload(call, known)
    with call.world.model.attach_extra_fields("INVITE_CREATE", fields):
        made = model_answer(replace(call, body=body))
    return _invite_payload(call, call.world.model.invites[made["code"]])


def _target_fields(call: Call) -> Payload:
    """Check the target of an invite, and return the fields that show it."""
    model, form = call.world.model, call.form
    kind = form.get("target_type")
    fields: Payload = {} if kind is None else {"target_type": kind}
    if kind == STREAM:
        if form.get("target_user_id") is None:
            raise invalid_field("target_user_id", "BASE_TYPE_REQUIRED", "This field is required")
        fields["target_user"] = dict(serializers.user_payload(model.get_user(int(form["target_user_id"]))))
    if kind == EMBEDDED:
        if str(form.get("target_application_id")) != str(call.world.application_id):
            message = "The sandbox has one application, its bot's."
            raise invalid_field("target_application_id", "INVITE_TARGET_APPLICATION_INVALID", message)
        fields["target_application"] = partial_application(call.world)
    if form.get("role_ids"):
        call = replace(call, args={**call.args, "guild_id": str(_guild_id(call))})
        call.require_permissions("manage_roles")
        roles = [model.get_role(call.guild.id, each) for each in parse_ids("role_ids", form["role_ids"])]
        for role in roles:
            model.require_role_assignable(call.guild.id, model.bot_user.id, role.id)
        fields["roles"] = [dict(serializers.role_payload(role)) for role in roles]
    return fields


def _guild_id(call: Call) -> int:
    return call.world.model.get_channel(call.id("channel_id")).guild_id or 0


def _find_same(call: Call, body: Payload, fields: Payload) -> Invite | None:
    wanted = (body.get("max_uses", 0), body.get("max_age", 86_400), body.get("temporary", False), fields)
    for each in call.world.model.invites.values():
        has = (each.max_uses, each.max_age, each.temporary, extra_fields_of(each))
        if each.channel_id == call.id("channel_id") and each.uses == 0 and has == wanted:
            return each
    return None


@ROUTES.answers("invite_resolve")
def _invite_resolve(call: Call) -> Any:
    model = call.world.model
    invite = _find_invite(call)
    payload = _invite_payload(call, invite)
    for name in ("uses", "max_uses", "max_age", "temporary", "created_at"):
        payload.pop(name, None)  # metadata, for those who manage the guild
    if query_flag(call, "with_counts"):
        count = len(model.guilds[invite.guild_id].members)
        payload |= {"approximate_member_count": count, "approximate_presence_count": count}
    event_id = call.query.get("guild_scheduled_event_id")
    if event_id is not None:
        event = model.get_scheduled_event(invite.guild_id, int(event_id))
        payload["guild_scheduled_event"] = serializers.scheduled_event_payload(model, event)
    return payload


@ROUTES.answers("list_channel_invites", "list_guild_invites")
def _list_invites(call: Call) -> Any:
    model = call.world.model
    return [_invite_payload(call, model.invites[each["code"]]) for each in model_answer(call)]


@ROUTES.answers("invite_revoke")
def _invite_revoke(call: Call) -> Any:
    payload = _invite_payload(call, _find_invite(call))
    model_answer(call)
    call.world.extra_state.invite_targets.pop(call.args["code"], None)
    return payload


def _find_invite(call: Call) -> Invite:
    """Return the invite in the path; an expired one is unknown."""
    model = call.world.model
    invite = model.get_invite(call.args["code"])
    if invite.expires_at is not None and invite.expires_at <= model.now_iso():
        raise not_found(10006, "Invite")
    return invite


def _invite_payload(call: Call, invite: Invite) -> Payload:
    model = call.world.model
    payload = dict(serializers.invite_payload(model, invite))
    guild = model.guilds[invite.guild_id]
    return {"type": 0, **payload, "guild": _partial_guild(call, guild)}


def _partial_guild(call: Call, guild: Guild) -> Payload:
    whole = dict(serializers.guild_create_payload(call.world.model, guild))
    return {name: whole[name] for name in GUILD_FIELDS}


# Invites for certain users only


def _find_managed_invite(call: Call) -> Invite:
    model = call.world.model
    invite = _find_invite(call)
    model.require_permissions(invite.guild_id, model.bot_user.id, None, "manage_guild")
    return invite


@ROUTES.answers("get_invite_target_users")
def _get_invite_target_users(call: Call) -> Any:
    users = call.world.extra_state.invite_targets.get(_find_managed_invite(call).code)
    if users is None:
        raise not_found(10129, "invite target users")
    text = "\n".join([CSV_HEADER, *map(str, users)]) + "\n"
    return Response(200, text.encode(), "text/csv")


@ROUTES.answers("update_invite_target_users")
def _update_invite_target_users(call: Call) -> Any:
    invite = _find_managed_invite(call)
    if not call.files:
        raise invalid_field("target_users_file", "BASE_TYPE_REQUIRED", "This field is required")
    lines = call.files[0].data.decode("utf-8", "replace").split()
    rows = lines[1:] if lines and not lines[0].isdecimal() else lines  # a header may come first
    if wrong := [each for each in rows if not each.isdecimal()]:
        raise invalid_field(
            "target_users_file", "NUMBER_TYPE_COERCE", f'Value "{wrong[0]}" is not snowflake.'
        )
    call.world.extra_state.invite_targets[invite.code] = [int(each) for each in dict.fromkeys(rows)]
    return Response(204)


@ROUTES.answers("get_invite_target_users_job_status")
def _get_target_users_job_status(call: Call) -> Any:
    """Return the status of the job that reads the users: completed (2), as it takes no time here."""
    invite = _find_managed_invite(call)
    users = call.world.extra_state.invite_targets.get(invite.code)
    if users is None:
        raise not_found(10124, "invite target users job")
    return {
        "status": 2,
        "total_users": len(users),
        "processed_users": len(users),
        "created_at": invite.created_at,
        "completed_at": invite.created_at,
        "error_message": None,
    }
