"""Filters events by intents: which arrive, and what they show of message content and members. Pure.

https://discord.com/developers/docs/events/gateway#gateway-intents
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from nescord_core.events import INTENTS_OF, EventType, Intents

__all__ = ["EncodedEvent", "encode", "guild_create_for", "redact", "required_intents"]

DIRECT_INTENTS = (
    Intents.DIRECT_MESSAGES
    | Intents.DIRECT_MESSAGE_REACTIONS
    | Intents.DIRECT_MESSAGE_TYPING
    | Intents.DIRECT_MESSAGE_POLLS
)
MESSAGE_EVENTS = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE"})
AUTOMOD_ACTION = "AUTO_MODERATION_ACTION_EXECUTION"
"""The event that shows a moderated message's text only with MESSAGE_CONTENT
(https://discord.com/developers/docs/events/gateway-events#auto-moderation-action-execution).
"""
EMPTY_CONTENT = {"content": "", "embeds": [], "attachments": [], "components": []}
MENTION = re.compile(r"<@!?(\d+)>")

encode = msgspec.json.Encoder().encode


def required_intents(event: str, in_guild: bool) -> Intents:
    """Return the intents of which the event needs one; 0 for an event that always arrives."""
    if event not in EventType.__members__:
        return Intents(0)
    intents = INTENTS_OF[EventType[event]]
    if not intents & DIRECT_INTENTS:
        return intents
    return intents & ~DIRECT_INTENTS if in_guild else intents & DIRECT_INTENTS


def redact(message: Mapping[str, Any], bot_id: str) -> Mapping[str, Any] | None:
    """Return the message as a bot without MESSAGE_CONTENT gets it, or None if nothing is removed.

    The bot sees the content of its own messages, of messages that mention it, and of direct messages
    (https://discord.com/developers/docs/events/gateway#message-content-intent).
    """
    redacted = _redact_own(message, bot_id)
    referenced = message.get("referenced_message")
    inner = redact(referenced, bot_id) if isinstance(referenced, Mapping) else None
    if redacted is None and inner is None:
        return None
    payload = dict(redacted if redacted is not None else message)
    if inner is not None:
        payload["referenced_message"] = inner
    return payload


def _redact_own(message: Mapping[str, Any], bot_id: str) -> Mapping[str, Any] | None:
    author = message.get("author") or {}
    mentioned = any(user.get("id") == bot_id for user in message.get("mentions") or ())
    if author.get("id") == bot_id or mentioned or bot_id in MENTION.findall(message.get("content") or ""):
        return None
    payload = {**message, **{key: value for key, value in EMPTY_CONTENT.items() if key in message}}
    payload.pop("poll", None)
    if snapshots := message.get("message_snapshots"):
        inner = [{**each, "message": {**each.get("message", {}), **EMPTY_CONTENT}} for each in snapshots]
        payload["message_snapshots"] = inner
    return payload


def guild_create_for(
    guild: Mapping[str, Any], intents: Intents, large_threshold: int, bot_id: str
) -> dict[str, Any]:
    """Return GUILD_CREATE for a session with these intents.

    Without GUILD_PRESENCES, and for large guilds, it has only the bot itself and the members in voice
    channels (https://discord.com/developers/docs/events/gateway-events#guild-create).
    """
    payload = dict(guild)
    count = int(payload.get("member_count") or len(payload.get("members") or ()))
    payload["large"] = count > large_threshold
    if payload["large"] or not intents & Intents.GUILD_PRESENCES:
        kept_ids = {state.get("user_id") for state in payload.get("voice_states") or ()} | {bot_id}
        payload["members"] = [each for each in payload.get("members") or () if each["user"]["id"] in kept_ids]
        payload["presences"] = []
    return payload


class EncodedEvent:
    """One event, encoded to JSON at most once for each shape, and shared by all sessions with that shape."""

    def __init__(self, event: str, payload: Mapping[str, Any], guild_id: int, bot_id: str) -> None:
        self.event = event
        self.payload = payload
        self.guild_id = guild_id
        self.bot_id = bot_id
        self.required = required_intents(event, bool(guild_id))
        self._full_json: bytes | None = None
        self._redacted_json: bytes | None = None

    @classmethod
    def from_json(cls, event: str, full: bytes, redacted: bytes, guild_id: int) -> EncodedEvent:
        """Make an event from its JSON; ``redacted`` is its JSON without message content."""
        made = cls(event, {}, guild_id, "")
        made._full_json, made._redacted_json = full, redacted
        return made

    def for_session(self, intents: Intents, large_threshold: int) -> bytes | None:
        """Return the JSON of ``d`` for a session with these intents, or None if it does not get the event."""
        if self.required and not self.required & intents:
            return None
        if self.event == "GUILD_CREATE" and "members" in self.payload:
            return encode(guild_create_for(self.payload, intents, large_threshold, self.bot_id))
        if self.event == AUTOMOD_ACTION and not intents & Intents.MESSAGE_CONTENT:
            return encode({**self.payload, "content": "", "matched_content": ""})
        if self.event in MESSAGE_EVENTS and self.guild_id and not intents & Intents.MESSAGE_CONTENT:
            return self._redacted()
        return self._full()

    def _full(self) -> bytes:
        if self._full_json is None:
            self._full_json = encode(self.payload)
        return self._full_json

    def _redacted(self) -> bytes:
        if self._redacted_json is None:
            payload = redact(self.payload, self.bot_id)
            self._redacted_json = self._full() if payload is None else encode(payload)
        return self._redacted_json
