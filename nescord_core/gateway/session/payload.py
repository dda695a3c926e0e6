"""Reads only what routing needs of a gateway payload: op, s, t, and the ids that order an event.

A dispatch's ``d`` stays raw JSON all the way to the bot; it is never decoded or re-encoded here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple, TypeGuard

import msgspec

from nescord_core.gateway.session.opcodes import SESSION_EVENTS

__all__ = [
    "UNREADABLE",
    "Payload",
    "PayloadError",
    "ReadyFacts",
    "Route",
    "Salvaged",
    "decode",
    "encode",
    "heartbeat_interval",
    "read_event",
    "read_payload",
    "ready_facts",
    "route",
    "salvage",
]


class PayloadError(Exception):
    """A payload is not the JSON that the gateway sends."""


class Payload(msgspec.Struct, gc=False):
    """One message: ``d`` is raw JSON; ``s`` and ``t`` are None for all but dispatches."""

    op: int
    d: msgspec.Raw = msgspec.Raw(b"null")
    s: int | None = None
    t: str | None = None


Id = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
"""A snowflake. The wire and the spool use 64 bits; an event with any other id is not ordered."""

Route = tuple[int, int]
"""(key, guild id): what an event is ordered by, and its guild or 0."""


class _InGuild(msgspec.Struct, gc=False):
    guild_id: Id | None = None
    channel_id: Id | None = None


class _Event(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    op: int
    s: int
    t: str
    d: _InGuild


class _IsGuild(msgspec.Struct, gc=False):
    id: Id = 0


class _IsChannel(msgspec.Struct, gc=False):
    guild_id: Id | None = None
    id: Id | None = None


class ReadyFacts(NamedTuple):
    """The session's data in READY; ``resume_gateway_url`` is as Discord sent it.

    ``guilds`` are their ids, None if READY does not list them.
    """

    session_id: str
    resume_gateway_url: str | None = None
    application_id: str = ""
    guilds: tuple[int, ...] | None = None


class _Ready(msgspec.Struct, gc=False):
    """Only the session id is required; everything else may have any shape."""

    session_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    resume_gateway_url: object = None
    application: object = None
    guilds: object = None


class _Hello(msgspec.Struct):
    heartbeat_interval: float


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What `read_payload` raises for anything but the JSON that the gateway sends, or JSON nested too deep."""

_SALVAGED_HEAD = re.compile(
    rb'\s*\{\s*"t"\s*:\s*"([A-Z0-9_]{1,64})"\s*,\s*"s"\s*:\s*(\d{1,19})\s*,\s*"op"\s*:\s*0\s*,\s*"d"\s*:'
)
_SESSION_ID = re.compile(rb'"session_id"\s*:\s*"([A-Za-z0-9_-]{1,256})"')

SHORTEST_BEAT, LONGEST_BEAT = 0.05, 86_400.0
"""Seconds. Other intervals would flood the gateway with heartbeats, or never detect a dead connection."""


class Salvaged(NamedTuple):
    """The readable parts of a dispatch that cannot be parsed; ``d`` is unchecked."""

    type: str
    seq: int
    d: bytes


read_payload = msgspec.json.Decoder(Payload).decode
"""Read op, s, t and the raw ``d``; a bound method, since it runs for every event."""

# Ids are strings of digits on the wire: strict=False converts them without a detour through Python.
_read_event = msgspec.json.Decoder(_Event, strict=False).decode
_read_in_guild = msgspec.json.Decoder(_InGuild, strict=False).decode
_is_guild = msgspec.json.Decoder(_IsGuild, strict=False)
_is_channel = msgspec.json.Decoder(_IsChannel, strict=False)
_ready = msgspec.json.Decoder(_Ready)
_hello = msgspec.json.Decoder(_Hello)


def _of_guild(d: bytes | msgspec.Raw) -> Route:
    guild_id = _is_guild.decode(d).id
    return guild_id, guild_id


def _of_channel(d: bytes | msgspec.Raw) -> Route:
    channel = _is_channel.decode(d)
    return channel.guild_id or channel.id or 0, channel.guild_id or 0


_ITSELF: Mapping[str, Callable[[bytes | msgspec.Raw], Route]] = {
    "GUILD_CREATE": _of_guild,
    "GUILD_UPDATE": _of_guild,
    "GUILD_DELETE": _of_guild,
    "CHANNEL_CREATE": _of_channel,
    "CHANNEL_UPDATE": _of_channel,
    "CHANNEL_DELETE": _of_channel,
}
"""Events whose ``id`` is that of the guild or channel."""


_ON_THEIR_OWN = SESSION_EVENTS | _ITSELF.keys() | {""}
_D, _HEAD = b',"op":0,"d":{', 128


def read_event(text: bytes) -> tuple[str, int, bytes, int, int] | None:
    """Return name, seq, raw ``d``, key and guild id in one pass, or None if a full parse is needed.

    Nearly every payload is an event with ``op`` and ``d`` as the last of its four members, as Discord writes
    them: the raw ``d`` is then the rest of the text, and one decode finds the ids as well. `read_payload` and
    `route` handle the rest, with the same result.
    """
    at = text.find(_D, 0, _HEAD)
    # Without s and t, or with other members, _read_event fails; with a member after ``d``, the end differs.
    if at < 0 or not text.endswith(b"}}"):
        return None
    try:
        event = _read_event(text)
    except UNREADABLE:
        return None
    kind, ids = event.t, event.d
    if kind in _ON_THEIR_OWN:
        return None
    guild = ids.guild_id
    if guild:
        return kind, event.s, text[at + 12 : -1], guild, guild
    return kind, event.s, text[at + 12 : -1], ids.channel_id or 0, 0


def decode(data: bytes) -> Payload:
    """Read op, s, t and the raw ``d``. Raises PayloadError."""
    try:
        return read_payload(data)
    except UNREADABLE as error:
        raise PayloadError(str(error)) from error


def route(event: str, d: bytes | msgspec.Raw) -> Route:
    """Return (key, guild id) of a dispatch; (0, 0) when its ``d`` has neither guild nor channel.

    A guild's own events carry the guild id as ``id``. A direct message is ordered by its channel. A ``d`` of
    an unexpected shape is still an event, so it is delivered unordered rather than dropped.
    """
    try:
        itself = _ITSELF.get(event)
        if itself is not None:
            return itself(d)
        found = _read_in_guild(d)
        guild = found.guild_id
        return (guild, guild) if guild else (found.channel_id or 0, 0)
    except UNREADABLE:
        return 0, 0


def salvage(text: bytes) -> Salvaged | None:
    """Read type and seq of a dispatch whose ``d`` cannot be parsed; None if the text does not start like one.

    Discord writes t, s, op and d in this order.
    """
    head = _SALVAGED_HEAD.match(text)
    if head is None:
        return None
    return Salvaged(head[1].decode(), int(head[2]), text[head.end() :].rstrip().removesuffix(b"}"))


def ready_facts(d: bytes) -> ReadyFacts:
    """Parse READY. Raises PayloadError if it has no usable session id."""
    try:
        ready = _ready.decode(d)
    except UNREADABLE as error:
        found = _SESSION_ID.search(d)
        if found is None:
            raise PayloadError(f"READY: {error}") from error
        return ReadyFacts(found[1].decode())
    url, application = ready.resume_gateway_url, ready.application
    own_id = application.get("id") if isinstance(application, dict) else None
    return ReadyFacts(
        ready.session_id,
        url if isinstance(url, str) else None,
        own_id if isinstance(own_id, str) else "",
        _guild_ids(ready.guilds),
    )


def _guild_ids(guilds: object) -> tuple[int, ...] | None:
    """Return the ids of a list of guilds; an entry of any other shape gets a number of its own below 0."""
    if not isinstance(guilds, list):
        return None
    ids = (guild.get("id") if isinstance(guild, dict) else None for guild in guilds)
    return tuple(int(each) if _is_id(each) else -at for at, each in enumerate(ids, 1))


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit()


def heartbeat_interval(d: bytes) -> float | None:
    """Return Hello's interval in seconds; None when it has no usable one."""
    try:
        interval = _hello.decode(d).heartbeat_interval / 1000
    except (*UNREADABLE, OverflowError):
        return None
    return interval if SHORTEST_BEAT <= interval <= LONGEST_BEAT else None


def encode(op: int, d: object) -> bytes:
    """Return a payload as bytes."""
    return msgspec.json.encode({"op": int(op), "d": d})
