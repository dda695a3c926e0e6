"""What a session may see of an event: intents, message content, member lists. Pure.

https://discord.com/developers/docs/events/gateway#gateway-intents
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from nescord_core.events import INTENTS_OF, EventType, Intents

__all__ = ["EncodedEvent", "censored", "encode", "guild_for", "needed_intents"]

DIRECT = (
    Intents.DIRECT_MESSAGES
    | Intents.DIRECT_MESSAGE_REACTIONS
    | Intents.DIRECT_MESSAGE_TYPING
    | Intents.DIRECT_MESSAGE_POLLS
)
MESSAGE_EVENTS = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE"})
MODERATION = "AUTO_MODERATION_ACTION_EXECUTION"
"""Shows what was written, so that a part of it needs MESSAGE_CONTENT
(https://discord.com/developers/docs/events/gateway-events#auto-moderation-action-execution).
"""
HIDDEN = {"content": "", "embeds": [], "attachments": [], "components": []}
MENTION = re.compile(r"<@!?(\d+)>")

encode = msgspec.json.Encoder().encode


def needed_intents(event: str, in_guild: bool) -> Intents:
    """Return the intents of which one brings the event; 0 means that it always comes."""
    if event not in EventType.__members__:
        return Intents(0)
    wanted = INTENTS_OF[EventType[event]]
    if not wanted & DIRECT:
        return wanted
    return wanted & ~DIRECT if in_guild else wanted & DIRECT


def censored(message: Mapping[str, Any], bot_id: str) -> Mapping[str, Any] | None:
    """Return the message as a bot without MESSAGE_CONTENT gets it, or None when it sees all of it.

    It sees what it sent, what mentions it and direct messages
    (https://discord.com/developers/docs/events/gateway#message-content-intent).
    """
    hidden = _hidden(message, bot_id)
    referenced = message.get("referenced_message")
    inner = censored(referenced, bot_id) if isinstance(referenced, Mapping) else None
    if hidden is None and inner is None:
        return None
    shown = dict(hidden if hidden is not None else message)
    if inner is not None:
        shown["referenced_message"] = inner
    return shown


def _hidden(message: Mapping[str, Any], bot_id: str) -> Mapping[str, Any] | None:
    author = message.get("author") or {}
    mentioned = any(user.get("id") == bot_id for user in message.get("mentions") or ())
    if author.get("id") == bot_id or mentioned or bot_id in MENTION.findall(message.get("content") or ""):
        return None
    shown = {**message, **{key: value for key, value in HIDDEN.items() if key in message}}
    shown.pop("poll", None)
    if snapshots := message.get("message_snapshots"):
        inner = [{**each, "message": {**each.get("message", {}), **HIDDEN}} for each in snapshots]
        shown["message_snapshots"] = inner
    return shown


def guild_for(
    guild: Mapping[str, Any], intents: Intents, large_threshold: int, bot_id: str
) -> dict[str, Any]:
    """Return GUILD_CREATE as this session gets it.

    Without GUILD_PRESENCES, and for large guilds, the members that come along are the bot itself and those in
    voice channels (https://discord.com/developers/docs/events/gateway-events#guild-create).
    """
    shown = dict(guild)
    count = int(shown.get("member_count") or len(shown.get("members") or ()))
    shown["large"] = count > large_threshold
    if shown["large"] or not intents & Intents.GUILD_PRESENCES:
        spoken = {state.get("user_id") for state in shown.get("voice_states") or ()} | {bot_id}
        shown["members"] = [each for each in shown.get("members") or () if each["user"]["id"] in spoken]
        shown["presences"] = []
    return shown


class EncodedEvent:
    """One event, encoded to JSON once for each shape that somebody asks for, and shared by all who do."""

    def __init__(self, event: str, payload: Mapping[str, Any], guild_id: int, bot_id: str) -> None:
        self.event = event
        self.payload = payload
        self.guild_id = guild_id
        self.bot_id = bot_id
        self.needed = needed_intents(event, bool(guild_id))
        self._full: bytes | None = None
        self._censored: bytes | None = None

    @classmethod
    def of_bytes(cls, event: str, full: bytes, hidden: bytes, guild_id: int) -> EncodedEvent:
        """Take an event that is JSON already; ``hidden`` is its shape without message content."""
        made = cls(event, {}, guild_id, "")
        made._full, made._censored = full, hidden
        return made

    def for_session(self, intents: Intents, large_threshold: int) -> bytes | None:
        """Return the JSON of ``d`` for a session with these intents, or None when it is not due the event."""
        if self.needed and not self.needed & intents:
            return None
        if self.event == "GUILD_CREATE" and "members" in self.payload:
            return encode(guild_for(self.payload, intents, large_threshold, self.bot_id))
        if self.event == MODERATION and not intents & Intents.MESSAGE_CONTENT:
            return encode({**self.payload, "content": "", "matched_content": ""})
        if self.event in MESSAGE_EVENTS and self.guild_id and not intents & Intents.MESSAGE_CONTENT:
            return self._without_content()
        return self._whole()

    def _whole(self) -> bytes:
        if self._full is None:
            self._full = encode(self.payload)
        return self._full

    def _without_content(self) -> bytes:
        if self._censored is None:
            shown = censored(self.payload, self.bot_id)
            self._censored = self._whole() if shown is None else encode(shown)
        return self._censored
