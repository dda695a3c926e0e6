"""Guilds: settings, preview, welcome screen, widget, onboarding, integrations, templates.

https://discord.com/developers/docs/resources/guild
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Response, Routes, invalid_field, not_found
from nescord_core.sandbox.http.routes.applications import partial_application
from nescord_core.sandbox.http.split_extra_fields import update_with_extra_fields
from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.simcord.model import BackendError, Guild, serializers

__all__ = ["ROUTES"]

WELCOME_FIELDS = ("description", "welcome_channels")
ROUTES = Routes()
GUILD_FIELDS = frozenset(
    {
        "banner",
        "discovery_splash",
        "features",
        "home_header",
        "icon",
        "premium_progress_bar_enabled",
        "region",
        "safety_alerts_channel_id",
        "splash",
        "system_channel_flags",
    }
)
MUTABLE_FEATURES = frozenset({"COMMUNITY", "DISCOVERABLE", "INVITES_DISABLED", "RAID_ALERTS_DISABLED"})
"""Features that the members of a guild can change
(https://discord.com/developers/docs/resources/guild#guild-object-mutable-guild-features)."""
COMMUNITY_REQUIRES = ("rules_channel_id", "public_updates_channel_id")
EVENT_ONLY_FIELDS = frozenset(
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
"""Fields that GUILD_CREATE has and GET /guilds/{id} has not."""
WIDGET_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
Payload = dict[str, Any]

ROUTES.answered_by(model_answer, "list_guild_audit_log_entries", "get_guild_vanity_url")


@ROUTES.answers("get_guild")
def _get_guild(call: Call) -> Any:
    payload = dict(serializers.guild_create_payload(call.world.model, call.guild))
    if call.query.get("with_counts", "").lower() in ("true", "1"):
        count = len(call.guild.members)
        payload |= {"approximate_member_count": count, "approximate_presence_count": count}
    return {key: value for key, value in payload.items() if key not in EVENT_ONLY_FIELDS}


@ROUTES.answers("update_guild")
def _update_guild(call: Call) -> Any:
    if call.form.get("features") is not None:
        features = [each for each in call.form["features"] if each is not None]
        call = replace(call, body={**call.form, "features": features})
        _check_features(call)
    return update_with_extra_fields(call, call.guild, GUILD_FIELDS)


def _check_features(call: Call) -> None:
    wanted = set(call.form["features"])
    had = set(extra_fields_of(call.guild).get("features") or ())
    if foreign := sorted((wanted ^ had) - MUTABLE_FEATURES):
        raise invalid_field("features", "GUILD_FEATURE_INVALID", f"{foreign[0]} is not yours to change.")
    lacking = [each for each in COMMUNITY_REQUIRES if not (call.form.get(each) or getattr(call.guild, each))]
    if "COMMUNITY" in wanted and lacking:
        raise invalid_field(lacking[0], "BASE_TYPE_REQUIRED", "This field is required")


@ROUTES.answers("get_guild_preview")
def _get_guild_preview(call: Call) -> Any:
    whole = dict(serializers.guild_create_payload(call.world.model, call.guild))
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
    payload = {name: whole[name] for name in (*names, "emojis", "stickers")}
    count = len(call.guild.members)
    return {**payload, "approximate_member_count": count, "approximate_presence_count": count}


@ROUTES.answers("update_guild_incident_actions")
def _update_guild_incident_actions(call: Call) -> Any:
    call.require_permissions("manage_guild")
    actions = call.world.extra_state.incident_actions.setdefault(call.guild.id, {})
    actions.update(call.form)
    return {name: actions.get(name) for name in ("invites_disabled_until", "dms_disabled_until")}


@ROUTES.answers("get_guild_new_member_welcome")
def _get_guild_new_member_welcome(call: Call) -> Any:
    assert call.guild
    return Response(204)


# Welcome screen, widget, onboarding


@ROUTES.answers("get_guild_welcome_screen", "update_guild_welcome_screen")
def _welcome_screen(call: Call) -> Any:
    screen = call.world.extra_state.welcome_screens.setdefault(call.guild.id, {})
    if call.operation.method == "PATCH":
        call.require_permissions("manage_guild")
        screen.update({key: value for key, value in call.form.items() if key in WELCOME_FIELDS})
    channels = [
        {"emoji_id": None, "emoji_name": None, **each} for each in screen.get("welcome_channels") or ()
    ]
    return {"description": screen.get("description"), "welcome_channels": channels}


def _widget_settings(call: Call) -> Payload:
    return {"enabled": False, "channel_id": None, **call.world.extra_state.widgets.get(call.guild.id, {})}


@ROUTES.answers("get_guild_widget_settings", "update_guild_widget_settings")
def _guild_widget_settings(call: Call) -> Any:
    call.require_permissions("manage_guild")
    if call.operation.method == "PATCH":
        call.world.extra_state.widgets.setdefault(call.guild.id, {}).update(call.form)
    return _widget_settings(call)


@ROUTES.answers("get_guild_widget", "get_guild_widget_png")
def _get_guild_widget(call: Call) -> Any:
    if not _widget_settings(call)["enabled"]:
        raise BackendError(403, 50004, "Widget Disabled")
    if call.operation.operation_id == "get_guild_widget_png":
        return Response(200, WIDGET_PNG, "image/png")
    model, guild = call.world.model, call.guild
    channels = [model.channels[each] for each in guild.channel_ids if model.channels[each].type == 2]
    payload = [{"id": str(each.id), "name": each.name, "position": each.position} for each in channels]
    return {
        "id": str(guild.id),
        "name": guild.name,
        "instant_invite": None,
        "channels": payload,
        "members": [],
        "presence_count": 0,
    }


@ROUTES.answers("get_guilds_onboarding", "put_guilds_onboarding")
def _onboarding(call: Call) -> Any:
    guild = call.guild
    onboarding = call.world.extra_state.onboarding.setdefault(guild.id, {})
    if call.operation.method == "PUT":
        call.require_permissions("manage_guild", "manage_roles")
        given = {name: call.form.get(name) for name in ("default_channel_ids", "enabled", "mode")}
        onboarding.update({name: value for name, value in given.items() if value is not None})
        onboarding["prompts"] = [_with_ids(call, each) for each in call.form.get("prompts") or ()]
    start: Payload = {"prompts": [], "default_channel_ids": [], "enabled": False, "mode": 0}
    return {**start, **onboarding, "guild_id": str(guild.id)}


def _with_ids(call: Call, prompt: Mapping[str, Any]) -> Payload:
    """Return a prompt with ids for itself and its options."""
    new_id = call.world.model.snowflake
    options = [
        {"description": None, **each, "id": str(each.get("id") or new_id())}
        for each in prompt.get("options") or ()
    ]
    return {**prompt, "id": str(prompt.get("id") or new_id()), "options": options}


# Integrations


@ROUTES.answers("list_guild_integrations")
def _list_guild_integrations(call: Call) -> Any:
    """Return the bot's own integration, the only one."""
    call.require_permissions("manage_guild")
    return [_bot_integration(call)]


def _bot_integration(call: Call) -> Payload:
    bot = call.world.bot_user
    return {
        "id": bot["id"],
        "name": bot["username"],
        "type": "discord",
        "enabled": True,
        "account": {"id": bot["id"], "name": bot["username"]},
        "application": partial_application(call.world),
        "scopes": ["applications.commands", "bot"],
    }


@ROUTES.answers("delete_guild_integration")
def _delete_guild_integration(call: Call) -> Any:
    """Remove an integration; removing the bot's own removes the bot from the guild."""
    call.require_permissions("manage_guild")
    if call.id("integration_id") != call.world.application_id:
        raise not_found(10005, "Integration")
    guild_id, model = call.guild.id, call.world.model
    integration_id = call.args["integration_id"]
    model.emit(
        "INTEGRATION_DELETE",
        {"id": integration_id, "guild_id": str(guild_id), "application_id": integration_id},
    )
    model.remove_guild(guild_id)
    return Response(204)


# Templates


@ROUTES.answers("list_guild_templates")
def _list_guild_templates(call: Call) -> Any:
    call.require_permissions("manage_guild")
    templates = call.world.extra_state.guild_templates.values()
    return [each for each in templates if each["source_guild_id"] == str(call.guild.id)]


@ROUTES.answers("create_guild_template")
def _create_guild_template(call: Call) -> Any:
    call.require_permissions("manage_guild")
    model = call.world.model
    code, now = secrets.token_hex(6), model.now_iso()
    template: Payload = {
        "code": code,
        "name": call.form["name"],
        "description": call.form.get("description"),
        "usage_count": 0,
        "creator_id": str(model.bot_user.id),
        "creator": call.world.bot_user,
        "created_at": now,
        "updated_at": now,
        "source_guild_id": str(call.guild.id),
        "serialized_source_guild": _template_source(call.guild),
        "is_dirty": None,
    }
    call.world.extra_state.guild_templates[code] = template
    return template


def _template_source(guild: Guild) -> Payload:
    return {"name": guild.name, "description": guild.description, "roles": [], "channels": []}


def _find_template(call: Call) -> Payload:
    template = call.world.extra_state.guild_templates.get(call.args["code"])
    if template is None or call.args.get("guild_id") not in (None, template["source_guild_id"]):
        raise not_found(10057, "Guild Template")
    return template


@ROUTES.answers("get_guild_template")
def _get_guild_template(call: Call) -> Any:
    return _find_template(call)


@ROUTES.answers("update_guild_template", "sync_guild_template")
def _update_or_sync_guild_template(call: Call) -> Any:
    call.require_permissions("manage_guild")
    template = _find_template(call)
    template.update({key: value for key, value in call.form.items() if key in ("name", "description")})
    if call.operation.method == "PUT":
        template["serialized_source_guild"] = _template_source(call.guild)
    template["updated_at"] = call.world.model.now_iso()
    return template


@ROUTES.answers("delete_guild_template")
def _delete_guild_template(call: Call) -> Any:
    call.require_permissions("manage_guild")
    return call.world.extra_state.guild_templates.pop(_find_template(call)["code"])
