"""Bans and auto moderation. Prune is in `members`.

https://discord.com/developers/docs/resources/auto-moderation
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Response, Routes, invalid_field
from nescord_core.sandbox.http.pagination import id_of_user, page_by_id
from nescord_core.sandbox.world.automod import MAX_RULES
from nescord_core.sandbox.world.simcord.model import BackendError
from nescord_core.snowflake import DISCORD_EPOCH_MS

__all__ = ["ROUTES"]

ROUTES = Routes()
MAX_BULK_BAN = 200

ROUTES.answered_by(
    model_answer,
    "get_guild_ban",
    "unban_user_from_guild",
    "list_auto_moderation_rules",
    "get_auto_moderation_rule",
    "update_auto_moderation_rule",
    "delete_auto_moderation_rule",
)


@ROUTES.answers("list_guild_bans")
def _list_guild_bans(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/guild#get-guild-bans."""
    return page_by_id(call, model_answer(call), id_of_user, default_limit=1000)


@ROUTES.answers("ban_user_from_guild")
def _ban_user(call: Call) -> Any:
    seconds = _delete_message_seconds(call)
    body = {key: value for key, value in call.form.items() if not key.startswith("delete_message")}
    model_answer(replace(call, body=body))
    _delete_recent_messages(call, [call.id("user_id")], seconds)
    return Response(204)


@ROUTES.answers("bulk_ban_users_from_guild")
def _bulk_ban_users(call: Call) -> Any:
    """Ban several users; if none could be banned, it is Discord's error 500000."""
    if len(call.form.get("user_ids") or ()) > MAX_BULK_BAN:
        message = f"Must be {MAX_BULK_BAN} or fewer in length."
        raise invalid_field("user_ids", "BASE_TYPE_MAX_LENGTH", message)
    done = model_answer(call)
    if not done["banned_users"]:
        raise BackendError(400, 500000, "Failed to ban users")
    _delete_recent_messages(call, [int(each) for each in done["banned_users"]], _delete_message_seconds(call))
    return done


def _delete_message_seconds(call: Call) -> int:
    days = call.form.get("delete_message_days") or 0
    return int(call.form.get("delete_message_seconds") or days * 86_400)


def _delete_recent_messages(call: Call, user_ids: Collection[int], seconds: int) -> None:
    """Delete the messages of banned users from the last ``seconds``, announced as bulk deletes."""
    if not seconds:
        return
    model = call.world.model
    since = int((model.clock.now() - timedelta(seconds=seconds)).timestamp() * 1000) - DISCORD_EPOCH_MS
    for channel_id in (*call.guild.channel_ids, *call.guild.thread_ids):
        messages = model.messages.get(channel_id, {})
        deleted = [
            each.id for each in messages.values() if each.author_id in user_ids and each.id >> 22 >= since
        ]
        if not deleted:
            continue
        for message_id in deleted:
            del messages[message_id]
        ids = [str(each) for each in deleted]
        model.emit(
            "MESSAGE_DELETE_BULK",
            {"ids": ids, "channel_id": str(channel_id), "guild_id": str(call.guild.id)},
        )


@ROUTES.answers("create_auto_moderation_rule")
def _create_auto_moderation_rule(call: Call) -> Any:
    """Create a rule, unless the guild has the most rules of that trigger type already."""
    kind = call.form.get("trigger_type")
    same = sum(each.trigger_type == kind for each in call.guild.auto_mod_rules.values())
    most = MAX_RULES.get(kind or 0, 1)
    if same >= most:
        message = f"Maximum number of rules of this type ({most}) has been exceeded"
        problem = {"code": "AUTO_MODERATION_MAX_RULES_OF_TYPE_EXCEEDED", "message": message}
        raise BackendError(400, 50035, "Invalid Form Body", errors={"_errors": [problem]})
    return model_answer(call)
