"""Messages, their reactions, pins and polls.

https://discord.com/developers/docs/resources/message
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Routes, invalid_field, not_found
from nescord_core.sandbox.http.pagination import own_id, page_by_id
from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.people.members import newest_messages
from nescord_core.sandbox.world.simcord.model import (
    BackendError,
    Message,
    channel_accessible,
    serializers,
)
from nescord_core.snowflake import DISCORD_EPOCH_MS

__all__ = ["ROUTES"]

ROUTES = Routes()
MAX_NONCES = 10_000
TWO_WEEKS = timedelta(days=14)
MAX_REACTIONS = 20
IS_CROSSPOST = 1 << 1
NO_LIMIT = 1 << 31

ROUTES.answered_by(
    model_answer,
    "get_message",
    "update_message",
    "delete_message",
    "list_pins",
    "create_pin",
    "delete_pin",
    "delete_my_message_reaction",
    "delete_user_message_reaction",
    "delete_all_message_reactions",
    "delete_all_message_reactions_by_emoji",
    "poll_expire",
)


@ROUTES.answers("create_message")
def _create_message(call: Call) -> Any:
    """Send a message; with ``enforce_nonce``, a nonce that was used returns the message sent with it."""
    _refuse_empty(call)
    call = _check_reply(call)
    nonce, extra_state = call.form.get("nonce"), call.world.extra_state
    key = (call.id("channel_id"), str(nonce))
    if nonce is not None and call.form.get("enforce_nonce") and key in extra_state.nonces:
        known = call.world.model.messages.get(key[0], {}).get(extra_state.nonces[key])
        if known is not None:
            return {**call.world.message(known), "nonce": nonce}
    with call.world.nonce(nonce):
        sent = model_answer(call)
    if nonce is None:
        sent.pop("nonce", None)
        return sent
    extra_state.nonces[key] = int(sent["id"])
    while len(extra_state.nonces) > MAX_NONCES:
        del extra_state.nonces[next(iter(extra_state.nonces))]
    return {**sent, "nonce": nonce}


def _check_reply(call: Call) -> Call:
    """Refuse a reply to an unknown message; with ``fail_if_not_exists`` false, make it a plain message."""
    reference = call.form.get("message_reference")
    if not reference or reference.get("type") == 1:
        return call
    messages = call.world.model.messages.get(call.id("channel_id"), {})
    if int(reference.get("message_id") or 0) in messages:
        return call
    if reference.get("fail_if_not_exists", True):
        call.require_channel_permissions()
        raise invalid_field("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return replace(
        call, body={name: value for name, value in call.form.items() if name != "message_reference"}
    )


def _refuse_empty(call: Call) -> None:
    parts = ("content", "embeds", "sticker_ids", "components", "poll", "message_reference", "embed")
    forward = (call.form.get("message_reference") or {}).get("type") == 1
    if call.files or forward or any(call.form.get(each) for each in parts if each != "message_reference"):
        return
    call.require_channel_permissions()
    raise BackendError(400, 50006, "Cannot send an empty message")


@ROUTES.answers("list_messages")
def _list_messages(call: Call) -> Any:
    call.require_channel_permissions()
    model = call.world.model
    channel_id = call.id("channel_id")
    if not channel_accessible(model, channel_id, model.bot_user.id, history=True):
        return []
    limit = int(call.query.get("limit", 50))
    messages = model.messages[channel_id]
    payload = _window(call, messages, limit)
    for_user = model.bot_user.id
    return [dict(serializers.message_payload(model, each, for_user=for_user)) for each in payload]


def _window(call: Call, messages: dict[int, Message], limit: int) -> list[Message]:
    """Return the requested part of a channel's history, newest first, without ephemeral messages."""
    if "around" in call.query:
        pivot = int(call.query["around"])
        older = [each for key, each in messages.items() if key <= pivot and not each.is_ephemeral]
        newer = [each for key, each in messages.items() if key > pivot and not each.is_ephemeral]
        half = limit // 2
        return [*older[-(limit - min(half, len(newer))) :], *newer[:half]][::-1]
    if "after" in call.query:
        after = int(call.query["after"])
        first = [each for key, each in messages.items() if key > after and not each.is_ephemeral]
        return first[:limit][::-1]
    if "before" in call.query:
        before = int(call.query["before"])
        older = [each for key, each in messages.items() if key < before and not each.is_ephemeral]
        return older[-limit:][::-1]
    newest = newest_messages(
        messages, after=0, limit=limit + sum(1 for each in messages.values() if each.is_ephemeral)
    )
    return [each for each in newest if not each.is_ephemeral][-limit:][::-1]


@ROUTES.answers("bulk_delete_messages")
def _bulk_delete_messages(call: Call) -> Any:
    """Delete several messages, none older than two weeks."""
    oldest = int((call.world.model.clock.now() - TWO_WEEKS).timestamp() * 1000) - DISCORD_EPOCH_MS
    if any(int(each) >> 22 < oldest for each in call.form.get("messages") or ()):
        call.require_channel_permissions("manage_messages")
        raise BackendError(400, 50034, "You can only bulk delete messages that are under 14 days old.")
    return model_answer(call)


@ROUTES.answers("crosspost_message")
def _crosspost_message(call: Call) -> Any:
    """Publish a message to every channel that follows this one."""
    payload = model_answer(call)
    model, channel_id = call.world.model, call.id("channel_id")
    message = model.get_message(channel_id, call.id("message_id"))
    source = model.get_channel(channel_id)
    reference = {
        "type": 0,
        "channel_id": str(channel_id),
        "message_id": str(message.id),
        "guild_id": str(source.guild_id),
    }
    for hook in list(model.webhooks.values()):
        if extra_fields_of(hook).get("source_channel", {}).get("id") == str(channel_id):
            copy = model.prepare_message(
                hook.channel_id,
                hook.webhook_user_id,
                message.content,
                embeds=message.embeds,
                attachments=message.attachments,
                webhook_id=hook.id,
                flags=IS_CROSSPOST,
            )
            copy.reference = reference
            model.commit_message(copy)
    return payload


# Reactions and polls


@ROUTES.answers("add_my_message_reaction")
def _add_my_message_reaction(call: Call) -> Any:
    if not _is_known_emoji(call, call.args["emoji_name"]):
        raise not_found(10014, "Emoji")
    message = call.world.model.messages.get(call.id("channel_id"), {}).get(call.id("message_id"))
    if message is not None:
        kinds = {each.emoji for each in message.reactions if each.user_ids}
        if len(kinds) >= MAX_REACTIONS and call.args["emoji_name"] not in kinds:
            raise BackendError(400, 30010, f"Maximum number of reactions reached ({MAX_REACTIONS})")
    return model_answer(call)


def _is_known_emoji(call: Call, text: str) -> bool:
    """Return whether it is a unicode emoji, or ``name:id`` of a custom one that the bot can see."""
    _, custom, emoji_id = text.rpartition(":")
    if not custom:
        return not text.isascii() or text[:1].isdecimal()
    model = call.world.model
    known = [model.application_emojis, *(guild.emojis for guild in model.guilds.values())]
    return emoji_id.isdecimal() and any(int(emoji_id) in emojis for emojis in known)


@ROUTES.answers("list_message_reactions_by_emoji")
def _list_message_reactions_by_emoji(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/message#get-reactions."""
    return page_by_id(call, model_answer(call), own_id, default_limit=25)


@ROUTES.answers("get_answer_voters")
def _get_answer_voters(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/poll#get-answer-voters."""
    whole = model_answer(replace(call, query={"limit": str(NO_LIMIT)}))
    return {"users": page_by_id(call, whole["users"], own_id, default_limit=25)}


# The deprecated routes of pins


@ROUTES.answers("deprecated_list_pins")
def _deprecated_list_pins(call: Call) -> Any:
    call.require_channel_permissions("read_message_history")
    pinned = [each for each in call.world.model.messages[call.id("channel_id")].values() if each.pinned]
    return [call.world.message(each) for each in pinned]


@ROUTES.answers("deprecated_create_pin", "deprecated_delete_pin")
def _deprecated_pin_or_unpin(call: Call) -> Any:
    call.require_channel_permissions("manage_messages")
    pinned = call.operation.method == "PUT"
    call.world.model.set_pinned(call.id("channel_id"), call.id("message_id"), pinned)
