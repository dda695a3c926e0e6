"""Builds gateway commands and assembles their responses. Pure.

https://discord.com/developers/docs/events/gateway-events#send-events
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import msgspec

from nescord_core.payloads import GuildMembersChunk, Member, Presence

__all__ = [
    "MAX_NONCE_BYTES",
    "MAX_USER_IDS",
    "Chunks",
    "Command",
    "Members",
    "Opcode",
    "channel_info",
    "guild_members",
    "presence",
    "soundboard_sounds",
    "user_id_parts",
    "voice_state",
]

MAX_PAYLOAD_BYTES = 4096
MAX_USER_IDS = 100
MAX_NONCE_BYTES = 32
STATUSES = ("online", "dnd", "idle", "invisible", "offline")
CHANNEL_FIELDS = ("status", "voice_start_time")
_MAX_ID = (1 << 64) - 1


class Opcode(IntEnum):
    """The commands that a bot may send."""

    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    REQUEST_GUILD_MEMBERS = 8
    REQUEST_SOUNDBOARD_SOUNDS = 31
    REQUEST_CHANNEL_INFO = 43


@dataclass(frozen=True, slots=True)
class Command:
    """A command ready to send; ``data`` is the JSON of ``d``."""

    op: Opcode
    data: bytes


class Members(list[Member]):
    """Members of a guild, as requested.

    ``not_found`` has the ``user_ids`` without a member; ``presences`` is filled on request.
    """

    def __init__(
        self,
        members: Iterable[Member] = (),
        *,
        not_found: Iterable[int] = (),
        presences: Iterable[Presence] = (),
    ) -> None:
        super().__init__(members)
        self.not_found = list(not_found)
        self.presences = list(presences)


@dataclass(slots=True)
class Chunks:
    """Collects the GUILD_MEMBERS_CHUNK events of one request; duplicates count once."""

    _chunks: dict[int, GuildMembersChunk] = field(default_factory=dict)

    def add(self, chunk: GuildMembersChunk) -> bool:
        """Add a chunk; return whether all have arrived."""
        self._chunks[chunk.chunk_index] = chunk
        return len(self._chunks) >= chunk.chunk_count

    def members(self) -> Members:
        """Return everything received so far, in the order of the chunks."""
        ordered = [self._chunks[index] for index in sorted(self._chunks)]
        return Members(
            (member for chunk in ordered for member in chunk.members),
            not_found=(int(each) for chunk in ordered for each in chunk.not_found or ()),
            presences=(each for chunk in ordered for each in chunk.presences or ()),
        )


def presence(status: str, activities: Sequence[Mapping[str, Any]], since: int | None, afk: bool) -> Command:
    """Build opcode 3. Raises ValueError for values for which Discord would close the connection."""
    if status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}, not {status!r}.")
    for activity in activities:
        if not isinstance(activity, Mapping) or "name" not in activity:
            raise ValueError(f"an activity is a dict with at least `name` (and `type`), not {activity!r}.")
    full = [{"type": 0, **activity} for activity in activities]
    return _command(
        Opcode.PRESENCE_UPDATE, {"status": status, "activities": full, "since": since, "afk": afk}
    )


def voice_state(guild_id: int, channel_id: int | None, self_mute: bool, self_deaf: bool) -> Command:
    """Build opcode 4; without a channel the bot leaves."""
    return _command(
        Opcode.VOICE_STATE_UPDATE,
        {
            "guild_id": _id("guild_id", guild_id),
            "channel_id": None if channel_id is None else _id("channel_id", channel_id),
            "self_mute": self_mute,
            "self_deaf": self_deaf,
        },
    )


def guild_members(
    guild_id: int, query: str, limit: int, user_ids: Sequence[int] | None, presences: bool, nonce: str
) -> Command:
    """Build opcode 8, with ``user_ids`` (at most 100) or a name prefix, empty for the whole guild."""
    if len(nonce.encode()) > MAX_NONCE_BYTES:
        raise ValueError(f"a nonce has at most {MAX_NONCE_BYTES} bytes; Discord would ignore {nonce!r}.")
    data: dict[str, Any] = {"guild_id": _id("guild_id", guild_id), "presences": presences, "nonce": nonce}
    if user_ids is not None:
        if query or limit:
            raise ValueError("user_ids cannot be combined with query or limit.")
        if len(user_ids) > MAX_USER_IDS:
            raise ValueError(f"at most {MAX_USER_IDS} user_ids per request, not {len(user_ids)}.")
        data["user_ids"] = [_id("user_ids", each) for each in user_ids]
    else:
        if not 0 <= limit <= 100 or (query and not limit):
            raise ValueError(f"limit must be 1 to 100 with a query, or 0 for the whole guild, not {limit}.")
        data.update(query=query, limit=limit)
    return _command(Opcode.REQUEST_GUILD_MEMBERS, data)


def user_id_parts(user_ids: Iterable[int]) -> Iterator[list[int]]:
    """Split ids into parts of one request each, dropping duplicates."""
    unique = list(dict.fromkeys(user_ids))
    for start in range(0, len(unique), MAX_USER_IDS):
        yield unique[start : start + MAX_USER_IDS]


def soundboard_sounds(guild_ids: Sequence[int]) -> Command:
    """Build opcode 31, for guilds of one shard."""
    return _command(
        Opcode.REQUEST_SOUNDBOARD_SOUNDS, {"guild_ids": [_id("guild_ids", each) for each in guild_ids]}
    )


def channel_info(guild_id: int, fields: Sequence[str]) -> Command:
    """Build opcode 43."""
    if not fields or not set(fields) <= set(CHANNEL_FIELDS):
        raise ValueError(f"fields must be some of {', '.join(CHANNEL_FIELDS)}, not {', '.join(fields)!r}.")
    return _command(
        Opcode.REQUEST_CHANNEL_INFO, {"guild_id": _id("guild_id", guild_id), "fields": list(fields)}
    )


def _id(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MAX_ID:
        raise ValueError(f"{name} must be an id (int), not {value!r}.")
    return str(value)


def _command(op: Opcode, data: Mapping[str, Any]) -> Command:
    encoded = msgspec.json.encode(data)
    size = len(encoded) + len(b'{"op":43,"d":}')
    if size > MAX_PAYLOAD_BYTES:
        raise ValueError(
            f"a gateway command has at most {MAX_PAYLOAD_BYTES} bytes, this one (opcode {op}) has {size};"
            " Discord would close the connection (4002)."
        )
    return Command(op, encoded)
