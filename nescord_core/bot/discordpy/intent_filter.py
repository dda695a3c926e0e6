"""What a client sees of an event: no more than its own intents bring, however many ws was started with.

Pure. https://discord.com/developers/docs/events/gateway#gateway-intents
"""

from __future__ import annotations

from typing import Any

from nescord_core.events import INTENTS_OF, EventType, Intents

__all__ = ["is_allowed", "reduced", "reduced_guild"]

_Json = dict[str, Any]

_DIRECT = (
    Intents.DIRECT_MESSAGES
    | Intents.DIRECT_MESSAGE_REACTIONS
    | Intents.DIRECT_MESSAGE_TYPING
    | Intents.DIRECT_MESSAGE_POLLS
)
_EMPTY: _Json = {"content": "", "embeds": [], "attachments": [], "components": []}
_GUILDS = frozenset({"GUILD_CREATE", "GUILD_DELETE"})
"""What a client is in it is told of in READY at least, whatever its intents."""


def is_allowed(kind: str, data: _Json, *, intents: int, own_id: str) -> bool:
    """Tell whether a client with these intents gets an event."""
    if kind in _GUILDS or kind not in EventType.__members__:
        return True
    if kind == "GUILD_MEMBER_UPDATE" and str((data.get("user") or {}).get("id")) == own_id:
        return True
    wanted = INTENTS_OF[EventType[kind]]
    if wanted & _DIRECT:
        wanted = wanted & ~_DIRECT if data.get("guild_id") else wanted & _DIRECT
    return not wanted or bool(wanted & intents)


def reduced(kind: str, data: _Json, *, intents: int, own_id: str) -> _Json:
    """Return an event's data as such a client gets it."""
    if kind == "GUILD_CREATE":
        return reduced_guild(data, intents=intents)
    hidden = kind in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} and not intents & Intents.MESSAGE_CONTENT
    return _without_content(data, own_id) if hidden and data.get("guild_id") else data


def reduced_guild(guild: _Json, *, intents: int) -> _Json:
    """Leave out of a guild who is online and who is in voice, where the client did not ask for it."""
    for name, intent in (
        ("presences", Intents.GUILD_PRESENCES),
        ("voice_states", Intents.GUILD_VOICE_STATES),
        ("guild_scheduled_events", Intents.GUILD_SCHEDULED_EVENTS),
    ):
        if not intents & intent and guild.get(name):
            guild = guild | {name: []}
    return guild


def _without_content(message: _Json, own_id: str) -> _Json:
    """A bot sees the content of what it sent and of what mentions it."""
    shown = message
    mentioned = any(str(each.get("id")) == own_id for each in message.get("mentions") or ())
    if not mentioned and str((message.get("author") or {}).get("id")) != own_id:
        shown = message | {name: value for name, value in _EMPTY.items() if name in message}
        shown.pop("poll", None)
        if snapshots := message.get("message_snapshots"):
            inner = [each | {"message": (each.get("message") or {}) | _EMPTY} for each in snapshots]
            shown["message_snapshots"] = inner
    if isinstance(answered := message.get("referenced_message"), dict):
        shown = shown | {"referenced_message": _without_content(answered, own_id)}
    return shown
