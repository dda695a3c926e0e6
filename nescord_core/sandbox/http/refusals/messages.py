"""Messages: where they can be sent, what voice messages and polls need, system messages, pins.

https://discord.com/developers/docs/resources/message
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.refusals.table import (
    Refusals,
    bot_may,
    refuse,
    visible_channel,
    visible_message,
)
from nescord_core.sandbox.world.simcord.model import Channel

__all__ = ["REFUSALS"]

REFUSALS = Refusals()
DM = 1
WITHOUT_MESSAGES = frozenset({4, 14, 15, 16})
"""Categories, directories and forums."""
SYSTEM_TYPES = frozenset(range(64)) - {0, 19, 20, 23}
"""Message types except default, reply and the two that interactions send."""
UNDELETABLE = frozenset({1, 2, 3, 4, 5, 14, 15, 16, 17, 21})
"""https://discord.com/developers/docs/resources/message#message-object-message-types."""
VOICE_MESSAGE = 1 << 13
FORWARD = 1
MAX_PINS = 250
MAX_FILES = 10


@REFUSALS.before("create_message")
def _refuse_channel_without_messages(call: Call) -> None:
    channel = visible_channel(call)
    if channel is None:
        return
    if channel.type in WITHOUT_MESSAGES:
        raise refuse(50008)
    if channel.type == DM and not _shares_guild(call, channel):
        raise refuse(50278)


def _shares_guild(call: Call, channel: Channel) -> bool:
    guilds = call.world.model.guilds.values()
    users = [call.world.model.users[each] for each in channel.recipient_ids]
    return any(each.bot or any(each.id in guild.members for guild in guilds) for each in users)


@REFUSALS.before("create_message")
def _refuse_reply_without_history(call: Call) -> None:
    reference, channel = call.form.get("message_reference"), visible_channel(call)
    if not reference or reference.get("type") == FORWARD or channel is None or channel.guild_id is None:
        return
    if not bot_may(call, channel, "read_message_history"):
        raise refuse(160002)


@REFUSALS.before("create_message")
def _refuse_stickers(call: Call) -> None:
    """Refuse unknown stickers, and those of other guilds, which bots cannot send."""
    channel = visible_channel(call)
    for sticker_id in call.form.get("sticker_ids") or ():
        owner = _guild_of_sticker(call, int(sticker_id))
        if owner is None:
            raise refuse(50081)
        if channel is not None and channel.guild_id != owner:
            raise refuse(50600)


def _guild_of_sticker(call: Call, sticker_id: int) -> int | None:
    return next((each.id for each in call.world.model.guilds.values() if sticker_id in each.stickers), None)


# Files and voice messages


def _messages_in(call: Call) -> Iterator[Mapping[str, Any]]:
    """Return the messages of a body: itself, an interaction's response, a post's first message."""
    return (each for each in (call.form, call.form.get("data"), call.form.get("message")) if each)


@REFUSALS.before(
    "create_message",
    "execute_webhook",
    "create_interaction_response",
    "create_thread",
    "update_message",
    "update_webhook_message",
    "update_original_webhook_message",
)
def _refuse_too_many_files(call: Call) -> None:
    kept = [
        each
        for message in _messages_in(call)
        for each in message.get("attachments") or ()
        if int(each.get("id") or 0) >= MAX_FILES
    ]
    if len(call.files) + len(kept) > MAX_FILES:
        raise refuse(30015)


@REFUSALS.before("create_message", "execute_webhook", "create_interaction_response")
def _refuse_voice_message(call: Call) -> None:
    for message in _messages_in(call):
        if int(message.get("flags") or 0) & VOICE_MESSAGE:
            _check_voice_message(call, message)


def _check_voice_message(call: Call, message: Mapping[str, Any]) -> None:
    """https://discord.com/developers/docs/resources/message#voice-messages."""
    if any(message.get(each) for each in ("content", "embeds", "components", "sticker_ids", "poll")):
        raise refuse(50159)
    if len(call.files) != 1 or not _is_audio(call.files[0].filename):
        raise refuse(50160)
    metadata = (message.get("attachments") or [{}])[0]
    if metadata.get("waveform") is None or metadata.get("duration_secs") is None:
        raise refuse(50161)
    channel = visible_channel(call) if "channel_id" in call.args else None
    if (
        channel is not None
        and channel.guild_id is not None
        and not bot_may(call, channel, "send_voice_messages")
    ):
        raise refuse(50173)


def _is_audio(filename: str) -> bool:
    return filename.lower().endswith((".ogg", ".oga", ".opus", ".mp3", ".m4a", ".wav", ".flac", ".aac"))


@REFUSALS.before("update_message")
def _refuse_edit(call: Call) -> None:
    message = visible_message(call)
    if message is None or message.author_id != call.world.application_id:
        return
    if message.type in SYSTEM_TYPES:
        raise refuse(50021)
    if message.flags & VOICE_MESSAGE:
        raise refuse(50162)
    if message.poll is not None:
        raise refuse(520003)
    stickers = call.form.get("sticker_ids")
    if stickers is not None and {int(each) for each in stickers} != {each.id for each in message.stickers}:
        raise refuse(50080)


# System messages, pins, polls


@REFUSALS.before("delete_message")
def _refuse_undeletable(call: Call) -> None:
    if (message := visible_message(call)) is not None and message.type in UNDELETABLE:
        raise refuse(50021)


@REFUSALS.before("create_pin", "deprecated_create_pin")
def _refuse_pin(call: Call) -> None:
    message = visible_message(call)
    if message is None:
        return
    if message.type in SYSTEM_TYPES:
        raise refuse(50021)
    pinned = sum(each.pinned for each in call.world.model.messages[message.channel_id].values())
    if pinned >= MAX_PINS and not message.pinned:
        raise refuse(30003)


@REFUSALS.before("crosspost_message")
def _refuse_to_publish(call: Call) -> None:
    if (message := visible_message(call)) is not None and message.type in SYSTEM_TYPES:
        raise refuse(50068)


@REFUSALS.before("poll_expire")
def _refuse_end_of_poll(call: Call) -> None:
    message = visible_message(call)
    if message is None or message.author_id != call.world.application_id:
        return
    if message.poll is None:
        raise refuse(520006)
    if message.poll.finalized:
        raise refuse(520001)


@REFUSALS.before("create_message", "execute_webhook", "create_interaction_response")
def _refuse_emoji_of_poll(call: Call) -> None:
    answers = [
        each
        for message in _messages_in(call)
        for each in (message.get("poll") or {}).get("answers") or ()
        if each
    ]
    emojis = ((each.get("poll_media") or {}).get("emoji") or {} for each in answers)
    ids = [int(each["id"]) for each in emojis if each.get("id")]
    if ids and not all(_knows_emoji(call, each) for each in ids):
        raise refuse(520004)


def _knows_emoji(call: Call, emoji_id: int) -> bool:
    model = call.world.model
    return emoji_id in model.application_emojis or any(
        emoji_id in guild.emojis for guild in model.guilds.values()
    )
