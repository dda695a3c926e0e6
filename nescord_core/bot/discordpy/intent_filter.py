"""Filters events by the client's own intents, as ws may have been started with more.

Pure. https://discord.com/developers/docs/events/gateway#gateway-intents
"""

from __future__ import annotations

from typing import Any

from nescord_core.events import INTENTS_OF, EventType, Intents

__all__ = ["filtered", "filtered_guild", "is_allowed"]

_Json = dict[str, Any]

_DIRECT = (
    Intents.DIRECT_MESSAGES
    | Intents.DIRECT_MESSAGE_REACTIONS
    | Intents.DIRECT_MESSAGE_TYPING
    | Intents.DIRECT_MESSAGE_POLLS
)
_EMPTY: _Json = {"content": "", "embeds": [], "attachments": [], "components": []}
_GUILDS = frozenset({"GUILD_CREATE", "GUILD_DELETE"})
"""A client receives these for all its guilds, whatever its intents: READY lists them anyway."""


def is_allowed(kind: str, data: _Json, *, intents: int, own_id: str) -> bool:
    """Return whether a client with these intents receives an event."""
    if kind in _GUILDS or kind not in EventType.__members__:
        return True
    if kind == "GUILD_MEMBER_UPDATE" and str((data.get("user") or {}).get("id")) == own_id:
        return True
    wanted = INTENTS_OF[EventType[kind]]
    if wanted & _DIRECT:
        wanted = wanted & ~_DIRECT if data.get("guild_id") else wanted & _DIRECT
    return not wanted or bool(wanted & intents)


def filtered(kind: str, data: _Json, *, intents: int, own_id: str) -> _Json:
    """Return an event's data as such a client receives it."""
    if kind == "GUILD_CREATE":
        return filtered_guild(data, intents=intents)
    hidden = kind in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} and not intents & Intents.MESSAGE_CONTENT
    return _without_content(data, own_id) if hidden and data.get("guild_id") else data


def filtered_guild(guild: _Json, *, intents: int) -> _Json:
    """Remove presences, voice states and scheduled events that the client has no intent for."""
    for name, intent in (
        ("presences", Intents.GUILD_PRESENCES),
        ("voice_states", Intents.GUILD_VOICE_STATES),
        ("guild_scheduled_events", Intents.GUILD_SCHEDULED_EVENTS),
    ):
        if not intents & intent and guild.get(name):
            guild = guild | {name: []}
    return guild


def _without_content(message: _Json, own_id: str) -> _Json:
    """Remove a message's content, unless the bot wrote it or is mentioned in it."""
    visible = message
    mentioned = any(str(each.get("id")) == own_id for each in message.get("mentions") or ())
    if not mentioned and str((message.get("author") or {}).get("id")) != own_id:
        visible = message | {name: value for name, value in _EMPTY.items() if name in message}
        visible.pop("poll", None)
        if snapshots := message.get("message_snapshots"):
            inner = [each | {"message": (each.get("message") or {}) | _EMPTY} for each in snapshots]
            visible["message_snapshots"] = inner
    if isinstance(referenced := message.get("referenced_message"), dict):
        visible = visible | {"referenced_message": _without_content(referenced, own_id)}
    return visible
