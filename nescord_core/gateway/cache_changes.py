"""Extracts from events the names and ids by which cached REST responses are invalidated."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

__all__ = ["QUIET", "Change", "changes_of"]

QUIET = frozenset(
    {
        "APPLICATION_COMMAND_PERMISSIONS_UPDATE",
        "GUILD_AUDIT_LOG_ENTRY_CREATE",
        "GUILD_MEMBERS_CHUNK",
        "INTERACTION_CREATE",
        "RATE_LIMITED",
        "RESUMED",
        "TYPING_START",
        "VOICE_CHANNEL_EFFECT_SEND",
        "VOICE_SERVER_UPDATE",
    }
)
"""Events that change nothing a GET returns, or that only answer a request."""
Change = tuple[str, tuple[tuple[str, str], ...]]
"""An event's name and its ids by name. Hashable, so that 100 messages in a channel make one change."""


class _User(msgspec.Struct, gc=False):
    id: str = ""
    username: str | None = None
    avatar: msgspec.Raw = msgspec.Raw()
    global_name: msgspec.Raw = msgspec.Raw()

    @property
    def has_profile(self) -> bool:
        return self.username is not None or bool(self.avatar) or bool(self.global_name)


class _Ids(msgspec.Struct, gc=False):
    id: str | None = None
    guild_id: str | None = None
    channel_id: str | None = None
    parent_id: str | None = None
    user_id: str | None = None
    user: _User | None = None


_decoder = msgspec.json.Decoder(_Ids)
_NAMES = ("id", "guild_id", "channel_id", "parent_id", "user_id")


def changes_of(events: Iterable[tuple[str, bytes]]) -> list[Change]:
    """Return each distinct change, in order, for event names with their raw ``d``.

    An event that cannot be parsed counts as a change of everything: an unneeded request is cheaper than a
    stale response.
    """
    found: dict[Change, None] = {}
    for name, data in events:
        change = _change(name, data)
        if change is not None:
            found[change] = None
    return list(found)


def _change(name: str, data: bytes) -> Change | None:
    try:
        ids = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ("all", ())
    if ids.user is not None:
        if name == "PRESENCE_UPDATE" and not ids.user.has_profile:
            return None  # only an online status, which no GET returns
        ids.user_id = ids.user_id or ids.user.id
    # Rules for messages match by channel: without the message id, a busy channel makes a single change.
    names = ("guild_id", "channel_id") if name.startswith("MESSAGE_") else _NAMES
    pairs = ((key, getattr(ids, key)) for key in names)
    return (name, tuple((key, value) for key, value in pairs if value))
