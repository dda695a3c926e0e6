"""Messages beyond the model: nonces, fast history, search, the older pin routes, foreign webhook formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nescord_core.sandbox.calls import Answer, Call, Routes, not_found
from nescord_core.sandbox.model import model_answer
from nescord_core.sandbox.people import tail
from nescord_core.sandbox.simulation import BackendError, Message, channel_accessible, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
NONCES_KEPT = 10_000


@ROUTES.answers("create_message")
def _create(call: Call) -> Any:
    """Send a message. With enforce_nonce the same nonce returns the message already sent."""
    _refuse_empty(call)
    nonce, ledger = call.form.get("nonce"), call.world.ledger
    key = (call.id("channel_id"), str(nonce))
    if nonce is not None and call.form.get("enforce_nonce") and key in ledger.nonces:
        known = call.world.simulation.messages.get(key[0], {}).get(ledger.nonces[key])
        if known is not None:
            return {**call.world.message(known), "nonce": nonce}
    with call.world.nonce(nonce):
        sent = model_answer(call)
    if nonce is None:
        sent.pop("nonce", None)
        return sent
    ledger.nonces[key] = int(sent["id"])
    while len(ledger.nonces) > NONCES_KEPT:
        del ledger.nonces[next(iter(ledger.nonces))]
    return {**sent, "nonce": nonce}


def _refuse_empty(call: Call) -> None:
    parts = ("content", "embeds", "sticker_ids", "components", "poll", "message_reference", "embed")
    forward = (call.form.get("message_reference") or {}).get("type") == 1
    if call.files or forward or any(call.form.get(each) for each in parts if each != "message_reference"):
        return
    call.need_in_channel()
    raise BackendError(400, 50006, "Cannot send an empty message")


@ROUTES.answers("list_messages")
def _list(call: Call) -> Any:
    call.need_in_channel()
    world = call.world.simulation
    channel_id = call.id("channel_id")
    if not channel_accessible(world, channel_id, world.bot_user.id, history=True):
        return []
    limit = int(call.query.get("limit", 50))
    kept = world.messages[channel_id]
    shown = _window(call, kept, limit)
    for_user = world.bot_user.id
    return [dict(serializers.message_payload(world, each, for_user=for_user)) for each in shown]


def _window(call: Call, kept: dict[int, Message], limit: int) -> list[Message]:
    """Return the asked part of a channel's history, newest first, ephemeral messages left out."""
    if "around" in call.query:
        pivot = int(call.query["around"])
        older = [each for key, each in kept.items() if key <= pivot and not each.is_ephemeral]
        newer = [each for key, each in kept.items() if key > pivot and not each.is_ephemeral]
        half = limit // 2
        return [*older[-(limit - min(half, len(newer))) :], *newer[:half]][::-1]
    if "after" in call.query:
        after = int(call.query["after"])
        first = [each for key, each in kept.items() if key > after and not each.is_ephemeral]
        return first[:limit][::-1]
    if "before" in call.query:
        before = int(call.query["before"])
        older = [each for key, each in kept.items() if key < before and not each.is_ephemeral]
        return older[-limit:][::-1]
    newest = tail(kept, after=0, limit=limit + sum(1 for each in kept.values() if each.is_ephemeral))
    return [each for each in newest if not each.is_ephemeral][-limit:][::-1]


@ROUTES.answers("add_my_message_reaction")
def _react(call: Call) -> Any:
    if not _is_emoji(call, call.args["emoji_name"]):
        raise not_found(10014, "Emoji")
    return model_answer(call)


def _is_emoji(call: Call, text: str) -> bool:
    """Whether it is a unicode emoji, or ``name:id`` of a custom one that the bot can see."""
    _, custom, emoji_id = text.rpartition(":")
    if not custom:
        return not text.isascii() or text[:1].isdecimal()
    world = call.world.simulation
    known = [world.application_emojis, *(guild.emojis for guild in world.guilds.values())]
    return emoji_id.isdecimal() and any(int(emoji_id) in emojis for emojis in known)


@ROUTES.answers("deprecated_list_pins")
def _list_pins(call: Call) -> Any:
    call.need_in_channel("read_message_history")
    pinned = [each for each in call.world.simulation.messages[call.id("channel_id")].values() if each.pinned]
    return [call.world.message(each) for each in pinned]


@ROUTES.answers("deprecated_create_pin", "deprecated_delete_pin")
def _pin(call: Call) -> Any:
    call.need_in_channel("manage_messages")
    pinned = call.operation.method == "PUT"
    call.world.simulation.set_pinned(call.id("channel_id"), call.id("message_id"), pinned)


@ROUTES.answers("guild_search")
def _search(call: Call) -> Any:
    """Search a guild's messages by content, author and channel."""
    call.need("read_message_history")
    content = call.query.get("content", "").lower()
    author, channel = call.query.get("author_id"), call.query.get("channel_id")
    limit, offset = int(call.query.get("limit", 25)), int(call.query.get("offset", 0))
    found = [
        each
        for each in _of_guild(call)
        if content in each.content.lower()
        and author in (None, str(each.author_id))
        and channel in (None, str(each.channel_id))
    ]
    found.sort(key=lambda each: each.id, reverse=True)
    shown = [[call.world.message(each)] for each in found[offset : offset + limit]]
    return {"messages": shown, "doing_deep_historical_index": False, "total_results": len(found)}


def _of_guild(call: Call) -> Iterable[Message]:
    world = call.world.simulation
    for channel_id in call.guild.channel_ids:
        if channel_accessible(world, channel_id, world.bot_user.id, history=True):
            yield from (each for each in world.messages[channel_id].values() if not each.is_ephemeral)


@ROUTES.answers("thread_search")
def _thread_search(call: Call) -> Any:
    call.need_in_channel("read_message_history")
    world = call.world.simulation
    name = call.query.get("name", "").lower()
    threads = [
        each
        for each in world.channels.values()
        if each.is_thread and each.parent_id == call.id("channel_id") and name in (each.name or "").lower()
    ]
    shown = serializers.thread_list_payload(world, threads, has_more=False)
    return {**shown, "total_results": len(threads)}


@ROUTES.answers("execute_slack_compatible_webhook", "execute_github_compatible_webhook")
def _foreign_webhook(call: Call) -> Any:
    """Take what Slack or GitHub would send; GitHub's event is told by its action alone."""
    world = call.world.simulation
    hook = world.webhooks.get(world.webhook_tokens.get(call.args["webhook_token"], 0))
    if hook is None or hook.id != call.id("webhook_id"):
        raise BackendError(404, 10015, "Unknown Webhook")
    slack = call.operation.operation_id == "execute_slack_compatible_webhook"
    text = call.form.get("text") if slack else f"GitHub: {call.form.get('action') or 'event'}"
    world.create_message(
        hook.channel_id,
        hook.webhook_user_id,
        text or "",
        webhook_id=hook.id,
        author_name=call.form.get("username"),
    )
    return Answer(200, "ok") if slack else Answer(204)


@ROUTES.answers("get_webhook_by_token", "update_webhook_by_token")
def _webhook_by_token(call: Call) -> Any:
    """Show a webhook to one who has its token: with the token, without the user who made it.

    https://discord.com/developers/docs/resources/webhook#get-webhook-with-token
    """
    shown = {**model_answer(call), "token": call.args["webhook_token"]}
    shown.pop("user", None)
    return shown
