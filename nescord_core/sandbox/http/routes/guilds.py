"""What guilds have beyond the model: search, preview, templates, welcome screen, widget, onboarding."""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

from nescord_core.sandbox.http.calls import Answer, Call, Routes, not_found
from nescord_core.sandbox.world.simcord.model import BackendError, Guild, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
ONE_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ONLY_IN_EVENTS = frozenset(
    {
        "channels",
        "guild_scheduled_events",
        "joined_at",
        "large",
        "member_count",
        "members",
        "presences",
        "soundboard_sounds",
        "stage_instances",
        "threads",
        "unavailable",
        "voice_states",
    }
)
"""Fields that GUILD_CREATE has over the guild that GET answers with."""

Payload = dict[str, Any]


@ROUTES.answers("get_guild")
def _get(call: Call) -> Any:
    shown = dict(serializers.guild_create_payload(call.world.simulation, call.guild))
    if call.query.get("with_counts", "").lower() in ("true", "1"):
        count = len(call.guild.members)
        shown |= {"approximate_member_count": count, "approximate_presence_count": count}
    return {key: value for key, value in shown.items() if key not in ONLY_IN_EVENTS}


@ROUTES.answers("list_my_guilds")
def _mine(call: Call) -> Any:
    world = call.world.simulation
    limit, after = int(call.query.get("limit", 200)), int(call.query.get("after", 0))
    before = int(call.query.get("before", 0)) or 1 << 64
    mine = [each.id for each in world.guilds.values() if call.actor_id in each.members]
    found = sorted(each for each in mine if after < each < before)
    page = found[-limit:] if "before" in call.query else found[:limit]
    return [_partial(call, world.guilds[each]) for each in page]


def _partial(call: Call, guild: Guild) -> Payload:
    world = call.world.simulation
    whole = dict(serializers.guild_create_payload(world, guild))
    shown: Payload = {
        **{name: whole[name] for name in ("id", "name", "icon", "banner", "features")},
        "owner": guild.owner_id == call.actor_id,
        "permissions": str(world.compute_permissions(guild.id, call.actor_id)),
    }
    if call.query.get("with_counts", "").lower() in ("true", "1"):
        count = len(guild.members)
        shown |= {"approximate_member_count": count, "approximate_presence_count": count}
    return shown


@ROUTES.answers("search_guild_members")
def _search_members(call: Call) -> Any:
    world, guild = call.world.simulation, call.guild
    prefix, limit = call.query.get("query", "").lower(), int(call.query.get("limit", 1))
    found = [
        each
        for each in guild.members.values()
        if world.users[each.user_id].name.lower().startswith(prefix)
        or (each.nick or "").lower().startswith(prefix)
    ]
    return [dict(serializers.member_payload(world, guild, each)) for each in found[:limit]]


@ROUTES.answers("guild_role_member_counts")
def _role_member_counts(call: Call) -> Any:
    guild = call.guild
    counts = Counter(role for member in guild.members.values() for role in member.role_ids)
    return {str(role): counts[role] for role in guild.roles if role != guild.id}


@ROUTES.answers("get_guild_preview")
def _preview(call: Call) -> Any:
    whole = dict(serializers.guild_create_payload(call.world.simulation, call.guild))
    names = (
        "id",
        "name",
        "icon",
        "splash",
        "discovery_splash",
        "description",
        "features",
        "emojis",
        "stickers",
    )
    shown = {name: whole[name] for name in (*names, "emojis", "stickers")}
    count = len(call.guild.members)
    return {**shown, "approximate_member_count": count, "approximate_presence_count": count}


@ROUTES.answers("update_guild_incident_actions")
def _incidents(call: Call) -> Any:
    call.need("manage_guild")
    kept = call.world.extra_state.incidents.setdefault(call.guild.id, {})
    kept.update(call.form)
    return {name: kept.get(name) for name in ("invites_disabled_until", "dms_disabled_until")}


@ROUTES.answers("get_guild_new_member_welcome")
def _new_member_welcome(call: Call) -> Any:
    assert call.guild
    return Answer(204)


# Welcome screen, widget, onboarding


@ROUTES.answers("get_guild_welcome_screen", "update_guild_welcome_screen")
def _welcome_screen(call: Call) -> Any:
    kept = call.world.extra_state.welcome_screens.setdefault(call.guild.id, {})
    if call.operation.method == "PATCH":
        call.need("manage_guild")
        kept.update({key: value for key, value in call.form.items() if key != "enabled"})
    channels = [{"emoji_id": None, "emoji_name": None, **each} for each in kept.get("welcome_channels") or ()]
    return {"description": kept.get("description"), "welcome_channels": channels}


def _widget_settings(call: Call) -> Payload:
    return {"enabled": False, "channel_id": None, **call.world.extra_state.widgets.get(call.guild.id, {})}


@ROUTES.answers("get_guild_widget_settings", "update_guild_widget_settings")
def _widget(call: Call) -> Any:
    call.need("manage_guild")
    if call.operation.method == "PATCH":
        call.world.extra_state.widgets.setdefault(call.guild.id, {}).update(call.form)
    return _widget_settings(call)


@ROUTES.answers("get_guild_widget", "get_guild_widget_png")
def _shown_widget(call: Call) -> Any:
    if not _widget_settings(call)["enabled"]:
        raise BackendError(403, 50004, "Widget Disabled")
    if call.operation.operation_id == "get_guild_widget_png":
        return Answer(200, ONE_PIXEL, "image/png")
    world, guild = call.world.simulation, call.guild
    channels = [world.channels[each] for each in guild.channel_ids if world.channels[each].type == 2]
    shown = [{"id": str(each.id), "name": each.name, "position": each.position} for each in channels]
    return {
        "id": str(guild.id),
        "name": guild.name,
        "instant_invite": None,
        "channels": shown,
        "members": [],
        "presence_count": 0,
    }


@ROUTES.answers("get_guilds_onboarding", "put_guilds_onboarding")
def _onboarding(call: Call) -> Any:
    guild = call.guild
    kept = call.world.extra_state.onboarding.setdefault(guild.id, {})
    if call.operation.method == "PUT":
        call.need("manage_guild", "manage_roles")
        kept.update({key: value for key, value in call.form.items() if value is not None})
        kept["prompts"] = [_with_ids(call, each) for each in call.form.get("prompts") or ()]
    start: Payload = {"prompts": [], "default_channel_ids": [], "enabled": False, "mode": 0}
    return {**start, **kept, "guild_id": str(guild.id)}


def _with_ids(call: Call, prompt: Mapping[str, Any]) -> Payload:
    """Give a new prompt and its options ids."""
    new_id = call.world.simulation.snowflake
    options = [
        {"description": None, **each, "id": str(each.get("id") or new_id())}
        for each in prompt.get("options") or ()
    ]
    return {**prompt, "id": str(prompt.get("id") or new_id()), "options": options}


# Templates


@ROUTES.answers("list_guild_templates")
def _list_templates(call: Call) -> Any:
    call.need("manage_guild")
    templates = call.world.extra_state.templates.values()
    return [each for each in templates if each["source_guild_id"] == str(call.guild.id)]


@ROUTES.answers("create_guild_template")
def _create_template(call: Call) -> Any:
    call.need("manage_guild")
    world = call.world.simulation
    code, now = secrets.token_hex(6), world.now_iso()
    template: Payload = {
        "code": code,
        "name": call.form["name"],
        "description": call.form.get("description"),
        "usage_count": 0,
        "creator_id": str(world.bot_user.id),
        "creator": call.world.bot_user,
        "created_at": now,
        "updated_at": now,
        "source_guild_id": str(call.guild.id),
        "serialized_source_guild": _serialized(call.guild),
        "is_dirty": None,
    }
    call.world.extra_state.templates[code] = template
    return template


def _serialized(guild: Guild) -> Payload:
    return {"name": guild.name, "description": guild.description, "roles": [], "channels": []}


def _template(call: Call) -> Payload:
    template = call.world.extra_state.templates.get(call.args["code"])
    if template is None or call.args.get("guild_id") not in (None, template["source_guild_id"]):
        raise not_found(10057, "Guild Template")
    return template


@ROUTES.answers("get_guild_template")
def _get_template(call: Call) -> Any:
    return _template(call)


@ROUTES.answers("update_guild_template", "sync_guild_template")
def _change_template(call: Call) -> Any:
    call.need("manage_guild")
    template = _template(call)
    template.update({key: value for key, value in call.form.items() if key in ("name", "description")})
    if call.operation.method == "PUT":
        template["serialized_source_guild"] = _serialized(call.guild)
    template["updated_at"] = call.world.simulation.now_iso()
    return template


@ROUTES.answers("delete_guild_template")
def _delete_template(call: Call) -> Any:
    call.need("manage_guild")
    return call.world.extra_state.templates.pop(_template(call)["code"])
