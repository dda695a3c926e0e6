"""Who is in a guild: adding, banning, pruning, requests to join, and the bot's own integration."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from nescord_core.sandbox.http.calls import Answer, Call, Routes, ids_in, invalid, not_found
from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.routes.applications import partial_application
from nescord_core.sandbox.world.automod import MOST_RULES
from nescord_core.sandbox.world.simcord.model import BackendError, Member, serializers
from nescord_core.snowflake import DISCORD_EPOCH_MS

__all__ = ["ROUTES"]

ROUTES = Routes()
PRUNED = 21
MOST_BANNED_AT_ONCE = 200
Payload = dict[str, Any]


# Members


@ROUTES.answers("add_guild_member")
def _add_member(call: Call) -> Any:
    """Add a user with a token that the user granted with the scope guilds.join."""
    world, guild, user_id = call.world.simulation, call.guild, call.id("user_id")
    call.need("create_instant_invite")
    world.get_user(user_id)
    grant = call.world.extra_state.grants.get(str(call.form.get("access_token")))
    if grant is None or grant.user_id != user_id or "guilds.join" not in grant.scopes:
        raise BackendError(403, 50025, "Invalid OAuth2 access token")
    if user_id in guild.bans:
        raise BackendError(403, 40007, "The user is banned from this guild.")
    if user_id in guild.members:
        return Answer(204)
    for name, permission in (("nick", "manage_nicknames"), ("roles", "manage_roles")):
        if call.form.get(name):
            call.need(permission)
    roles = [int(each) for each in call.form.get("roles") or ()]
    member = world.add_member(guild.id, user_id, roles=roles, nick=call.form.get("nick"), announce=False)
    member.mute, member.deaf = bool(call.form.get("mute")), bool(call.form.get("deaf"))
    shown = dict(serializers.member_payload(world, guild, member))
    world.emit("GUILD_MEMBER_ADD", {**shown, "guild_id": str(guild.id)})
    return Answer(201, shown)


# Bans


@ROUTES.answers("ban_user_from_guild")
def _ban(call: Call) -> Any:
    seconds = _seconds(call)
    body = {key: value for key, value in call.form.items() if not key.startswith("delete_message")}
    model_answer(replace(call, body=body))
    _delete_messages(call, [call.id("user_id")], seconds)
    return Answer(204)


@ROUTES.answers("bulk_ban_users_from_guild")
def _bulk_ban(call: Call) -> Any:
    """Ban many: none at all banned is an error, as Discord has it (500000)."""
    if len(call.form.get("user_ids") or ()) > MOST_BANNED_AT_ONCE:
        message = f"Must be {MOST_BANNED_AT_ONCE} or fewer in length."
        raise invalid("user_ids", "BASE_TYPE_MAX_LENGTH", message)
    done = model_answer(call)
    if not done["banned_users"]:
        raise BackendError(400, 500000, "Failed to ban users")
    _delete_messages(call, [int(each) for each in done["banned_users"]], _seconds(call))
    return done


def _seconds(call: Call) -> int:
    days = call.form.get("delete_message_days") or 0
    return int(call.form.get("delete_message_seconds") or days * 86_400)


def _delete_messages(call: Call, user_ids: Collection[int], seconds: int) -> None:
    """Delete what the banned wrote in the last ``seconds``, told as bulk deletes."""
    if not seconds:
        return
    world = call.world.simulation
    since = int((world.clock.now() - timedelta(seconds=seconds)).timestamp() * 1000) - DISCORD_EPOCH_MS
    for channel_id in (*call.guild.channel_ids, *call.guild.thread_ids):
        kept = world.messages.get(channel_id, {})
        gone = [each.id for each in kept.values() if each.author_id in user_ids and each.id >> 22 >= since]
        if not gone:
            continue
        for message_id in gone:
            del kept[message_id]
        ids = [str(each) for each in gone]
        world.emit(
            "MESSAGE_DELETE_BULK",
            {"ids": ids, "channel_id": str(channel_id), "guild_id": str(call.guild.id)},
        )


# Prune: nobody's last visit is known, so that everybody counts as inactive


@ROUTES.answers("preview_prune_guild")
def _preview_prune(call: Call) -> Any:
    call.need("kick_members", "manage_guild")
    return {"pruned": len(_prunable(call, call.values("include_roles")))}


@ROUTES.answers("prune_guild")
def _prune(call: Call) -> Any:
    call.need("kick_members", "manage_guild")
    world = call.world.simulation
    members = _prunable(call, call.form.get("include_roles"))
    for each in members:
        world.remove_member(call.guild.id, each.user_id)
    days = str(call.form.get("days") or 7)
    options = {"delete_member_days": days, "members_removed": str(len(members))}
    world.record_audit_log(call.guild.id, PRUNED, options=options, reason=call.reason)
    return {"pruned": None if call.form.get("compute_prune_count") is False else len(members)}


def _prunable(call: Call, include_roles: str | Sequence[str] | None) -> list[Member]:
    """Return the members without roles, or with none but these."""
    spared = set(ids_in("include_roles", include_roles))
    kept = {call.world.application_id, call.guild.owner_id}
    return [
        each
        for each in call.guild.members.values()
        if each.user_id not in kept and not set(each.role_ids) - spared
    ]


@ROUTES.answers("create_auto_moderation_rule")
def _create_rule(call: Call) -> Any:
    """Make a rule, of which a guild has only so many of each kind."""
    kind = call.form.get("trigger_type")
    same = sum(each.trigger_type == kind for each in call.guild.auto_mod_rules.values())
    most = MOST_RULES.get(kind or 0, 1)
    if same >= most:
        message = f"Maximum number of rules of this type ({most}) has been exceeded"
        problem = {"code": "AUTO_MODERATION_MAX_RULES_OF_TYPE_EXCEEDED", "message": message}
        raise BackendError(400, 50035, "Invalid Form Body", errors={"_errors": [problem]})
    return model_answer(call)


# Requests to join


@ROUTES.answers("get_guild_join_requests")
def _join_requests(call: Call) -> Any:
    call.need("kick_members")
    status = call.query.get("status")
    after, before = int(call.query.get("after", 0)), int(call.query.get("before", 0)) or 1 << 64
    kept = call.world.extra_state.join_requests.get(call.guild.id, {})
    found = [each for each in kept.values() if status in (None, each["application_status"])]
    page = [each for each in found if after < int(each["id"]) < before]
    limit = int(call.query.get("limit", 100))
    nearest = page[-limit:] if "before" in call.query and "after" not in call.query else page[:limit]
    return {"total": len(found), "guild_join_requests": nearest}


@ROUTES.answers("action_guild_join_request")
def _act_on_join_request(call: Call) -> Any:
    call.need("kick_members")
    if call.form.get("action") not in ("APPROVED", "REJECTED"):
        raise invalid("action", "BASE_TYPE_CHOICES", "Value must be one of {'APPROVED', 'REJECTED'}.")
    request = call.world.extra_state.join_requests.get(call.guild.id, {}).get(call.id("request_id"))
    if request is None:
        raise not_found(10101, "Guild Join Request")
    if request["application_status"] != "SUBMITTED":
        raise BackendError(400, 150000, "This join request was answered already.")
    return call.world.answer_join_request(
        call.guild.id, request, str(call.form["action"]), call.form.get("rejection_reason")
    )


# Integrations


@ROUTES.answers("list_guild_integrations")
def _integrations(call: Call) -> Any:
    """Show the bot's own integration, the only one there is."""
    call.need("manage_guild")
    return [_integration(call)]


def _integration(call: Call) -> Payload:
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
def _delete_integration(call: Call) -> Any:
    """Remove an integration; removing the bot's own takes it out of the guild."""
    call.need("manage_guild")
    if call.id("integration_id") != call.world.application_id:
        raise not_found(10005, "Integration")
    guild_id, world = call.guild.id, call.world.simulation
    gone = {"id": call.args["integration_id"], "guild_id": str(guild_id)}
    world.emit("INTEGRATION_DELETE", {**gone, "application_id": gone["id"]})
    world.remove_guild(guild_id)
    return Answer(204)
