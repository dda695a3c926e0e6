"""Makes and changes what the model has only in part: the rest of its fields is kept beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from nescord_core.sandbox.http.calls import Call, Routes, invalid
from nescord_core.sandbox.http.images import with_images
from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.world.extra_fields import extra_fields_of, keep_extra_fields
from nescord_core.sandbox.world.simcord.model import BackendError

__all__ = ["ROUTES"]

ROUTES = Routes()
CHANNEL = frozenset(
    {
        "default_auto_archive_duration",
        "default_forum_layout",
        "default_reaction_emoji",
        "default_sort_order",
        "default_tag_setting",
        "default_thread_rate_limit_per_user",
        "flags",
        "nsfw",
        "video_quality_mode",
    }
)
GUILD = frozenset(
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
NEVER_NULL = frozenset({"features", "flags", "premium_progress_bar_enabled", "system_channel_flags"})
ROLE = frozenset({"icon", "unicode_emoji", "colors"})
EVENT = frozenset({"image", "recurrence_rule"})
OWN_FEATURES = frozenset({"COMMUNITY", "DISCOVERABLE", "INVITES_DISABLED", "RAID_ALERTS_DISABLED"})
"""Features that a guild's own people switch
(https://discord.com/developers/docs/resources/guild#guild-object-mutable-guild-features)."""
LONGEST_TIMEOUT = timedelta(days=28)
TEXT, ANNOUNCEMENT = 0, 5
COMMUNITY_NEEDS = ("rules_channel_id", "public_updates_channel_id")

Payload = dict[str, Any]


def _apart(call: Call, names: Collection[str]) -> tuple[Payload, Call]:
    """Return a body's fields of these names, images stored, and the call without them."""
    kept = {name: value for name, value in call.form.items() if name in names}
    rest = {name: value for name, value in call.form.items() if name not in names}
    return with_images(call, kept), replace(call, body=rest)


def _changed(
    call: Call, thing: object, names: Collection[str], attributes: Mapping[str, Any] | None = None
) -> Any:
    kept, rest = _apart(call, names)
    kept = {name: value for name, value in kept.items() if value is not None or name not in NEVER_NULL}
    if attributes:
        rest = replace(rest, body={key: value for key, value in rest.form.items() if key not in attributes})
    _note(call, thing, {**kept, **(attributes or {})})
    with keep_extra_fields(thing, kept, attributes):
        return model_answer(rest)


def _note(call: Call, thing: object, fields: Mapping[str, Any]) -> None:
    """Note what changes, for the entry in the audit log."""
    before = {**vars(thing), **extra_fields_of(thing)}
    call.world.simulation.noted_changes += [
        {"key": name, "old_value": before.get(name), "new_value": value}
        for name, value in fields.items()
        if before.get(name) != value
    ]


# Guilds


@ROUTES.answers("update_guild")
def _guild(call: Call) -> Any:
    if call.form.get("features") is not None:
        wanted = [each for each in call.form["features"] if each is not None]
        call = replace(call, body={**call.form, "features": wanted})
        _check_features(call)
    return _changed(call, call.guild, GUILD)


def _check_features(call: Call) -> None:
    wanted = set(call.form["features"])
    had = set(vars(call.guild).get("kept", {}).get("features") or ())
    if foreign := sorted((wanted ^ had) - OWN_FEATURES):
        raise invalid("features", "GUILD_FEATURE_INVALID", f"{foreign[0]} is not yours to change.")
    lacking = [each for each in COMMUNITY_NEEDS if not (call.form.get(each) or getattr(call.guild, each))]
    if "COMMUNITY" in wanted and lacking:
        raise invalid(lacking[0], "BASE_TYPE_REQUIRED", "This field is required")


# Channels and threads


@ROUTES.answers("update_channel")
def _update_channel(call: Call) -> Any:
    """Change a channel. The document lets a name be empty, because a group's may be; a guild's may not."""
    if call.form.get("name") == "":
        raise invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    channel = call.world.simulation.get_channel(call.id("channel_id"))
    own = {name: call.form[name] for name in ("type", "position") if call.form.get(name) is not None}
    if own.get("type", channel.type) != channel.type and {own["type"], channel.type} != {TEXT, ANNOUNCEMENT}:
        raise invalid("type", "CHANNEL_TYPE_INVALID", "Only text and announcement channels can be converted.")
    return _changed(call, channel, CHANNEL, own)


@ROUTES.answers("create_guild_channel")
def _create_channel(call: Call) -> Any:
    kept, made = _apart(call, CHANNEL | {"available_tags"})
    fields = {name: value for name, value in kept.items() if value is not None}
    # The model has tags, though not at a channel's start; each gets its id from us.
    new_id = call.world.simulation.snowflake
    tags = [{**each, "id": str(new_id())} for each in fields.pop("available_tags", ()) if each]
    with call.world.simulation.adopting("CHANNEL_CREATE", fields, {"available_tags": tags} if tags else {}):
        shown = model_answer(made)
    return {**shown, "available_tags": tags} if tags else shown


@ROUTES.answers("create_thread", "create_thread_from_message")
def _create_thread(call: Call) -> Any:
    """Start a thread. Those in announcement channels are announcement threads (type 10) on Discord."""
    wanted = {
        name: call.form[name]
        for name in ("rate_limit_per_user", "invitable")
        if call.form.get(name) is not None
    }
    if wanted.get("rate_limit_per_user"):
        call.need_in_channel("manage_threads")
    with call.world.simulation.thread_options(wanted):
        return model_answer(call)


# Roles


@ROUTES.answers("create_guild_role")
def _create_role(call: Call) -> Any:
    kept, rest = _role(call)
    with call.world.simulation.adopting("GUILD_ROLE_CREATE", kept):
        return {**model_answer(rest), **kept}


@ROUTES.answers("update_guild_role")
def _update_role(call: Call) -> Any:
    role = call.world.simulation.get_role(call.guild.id, call.id("role_id"))
    kept, rest = _role(call)
    _note(call, role, {name: value for name, value in kept.items() if name != "colors"})
    with keep_extra_fields(role, kept):
        return model_answer(rest)


def _role(call: Call) -> tuple[Payload, Call]:
    """Return the kept fields of a role, and the call with its colour as the model has it."""
    kept, rest = _apart(call, ROLE)
    colors, color = kept.pop("colors", None), call.form.get("color")
    if colors is not None:
        tertiary, secondary = colors.get("tertiary_color"), colors.get("secondary_color")
        if tertiary is not None and secondary is None:
            raise invalid("colors", "BASE_TYPE_REQUIRED", "A holographic role needs all three colours.")
        color = colors.get("primary_color") or 0
        kept["colors"] = {
            "primary_color": color,
            "secondary_color": secondary,
            "tertiary_color": tertiary,
        }
        rest = replace(rest, body={**rest.form, "color": color})
    elif color is not None:
        kept["colors"] = {"primary_color": color, "secondary_color": None, "tertiary_color": None}
    return kept, rest


# Members and the bot itself


@ROUTES.answers("update_guild_member")
def _member(call: Call) -> Any:
    """Change a member. Of the flags only BYPASSES_VERIFICATION (4) is changed by others."""
    member = call.world.simulation.get_member(call.guild.id, call.id("user_id"))
    _check_timeout(call)
    if call.form.get("flags") is not None:
        _need_one(call, "manage_guild", "manage_roles", "moderate_members")
    kept, rest = _apart(call, {"flags"})
    flags = {"flags": (kept["flags"] or 0) & 4} if "flags" in kept else {}
    _note(call, member, flags)
    with keep_extra_fields(member, flags):
        return model_answer(rest)


def _check_timeout(call: Call) -> None:
    until = call.form.get("communication_disabled_until")
    if until is None:
        return
    moment = datetime.fromisoformat(until.replace("Z", "+00:00"))
    if moment > call.world.simulation.clock.now() + LONGEST_TIMEOUT:
        message = "User communication disabled timestamp is invalid"
        raise invalid("communication_disabled_until", "INVALID_COMMUNICATION_DISABLED_TIMESTAMP", message)


def _need_one(call: Call, *permissions: str) -> None:
    for each in permissions[:-1]:
        try:
            call.need(each)
        except BackendError:
            continue
        return
    call.need(permissions[-1])


@ROUTES.answers("update_my_guild_member")
def _my_member(call: Call) -> Any:
    member = call.world.simulation.get_member(call.guild.id, call.world.application_id)
    kept, rest = _apart(call, {"avatar", "banner", "bio"})
    kept.pop("bio", None)  # shown in profiles only, which bots cannot read
    with keep_extra_fields(member, {"banner": kept["banner"]} if "banner" in kept else {}):
        if "avatar" in kept:
            member.avatar = kept["avatar"]
        shown = model_answer(rest)
        if kept and "nick" not in rest.form:
            call.world.simulation.announce_member_update(call.guild.id, member.user_id)
    return shown


@ROUTES.answers("update_my_user")
def _my_user(call: Call) -> Any:
    world, bot = call.world.simulation, call.world.simulation.bot_user
    kept, rest = _apart(call, {"avatar", "banner"})
    if "avatar" in kept:
        bot.avatar = kept["avatar"]
    with keep_extra_fields(bot, {"banner": kept["banner"]} if "banner" in kept else {}):
        if rest.form.get("username") is not None:
            return model_answer(rest)
        world.edit_bot_profile(bot.name)
    return call.world.bot_user


# Webhooks


@ROUTES.answers("create_webhook", "update_webhook", "update_webhook_by_token")
def _webhook(call: Call) -> Any:
    kept, rest = _apart(call, {"avatar"})
    if _forbidden_name(call.form.get("name")):
        raise invalid("name", "USERNAME_INVALID_CONTAINS", 'Username cannot contain "clyde" or "discord"')
    shown = model_answer(rest)
    world = call.world.simulation
    hook = world.webhooks[int(shown["id"])]
    if "avatar" in kept:
        world.users[hook.webhook_user_id].avatar = kept["avatar"]
        vars(hook)["kept"] = kept
        shown = {**shown, **kept}
    if "webhook_token" in call.args:
        # One who has the token sees it again, and not who made the webhook.
        shown = {**shown, "token": call.args["webhook_token"]}
        shown.pop("user", None)
    return shown


def _forbidden_name(name: str | None) -> bool:
    return name is not None and any(each in name.lower() for each in ("clyde", "discord"))


# Scheduled events


@ROUTES.answers("create_guild_scheduled_event")
def _create_event(call: Call) -> Any:
    kept, rest = _apart(call, EVENT)
    fields = _event_fields(kept)
    with call.world.simulation.adopting("GUILD_SCHEDULED_EVENT_CREATE", fields):
        return {**model_answer(rest), **fields}


@ROUTES.answers("update_guild_scheduled_event")
def _update_event(call: Call) -> Any:
    world = call.world.simulation
    event = world.get_scheduled_event(call.guild.id, call.id("guild_scheduled_event_id"))
    kept, rest = _apart(call, EVENT)
    with keep_extra_fields(event, _event_fields(kept)):
        return model_answer(rest)


def _event_fields(kept: Payload) -> Payload:
    rule = kept.get("recurrence_rule")
    if rule is None:
        return kept
    optional = ("end", "by_weekday", "by_n_weekday", "by_month", "by_month_day", "by_year_day", "count")
    return {**kept, "recurrence_rule": {**dict.fromkeys(optional), **rule}}
