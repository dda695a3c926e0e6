"""Applies the events of a guild to the JSON of its GUILD_CREATE.

Pure. ws uses it to keep a cached guild small, and a new main to bring one up to date. The rules are those of
https://discord.com/developers/docs/events/gateway-events and of discord.py's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

__all__ = ["FOLDED", "MEMBER_COUNT", "UNEXPECTED", "apply_event"]

UNEXPECTED = (LookupError, TypeError, AttributeError, ValueError, RecursionError, msgspec.MsgspecError)
"""Raised by decoding and applying JSON of an unexpected shape."""

MEMBER_COUNT = "MEMBER_COUNT"
"""Our own event: a member joined (1) or left (-1) while members are not cached."""

_Json = dict[str, Any]


def _own(item: _Json) -> str:
    return str(item["id"])


def _user(item: _Json) -> str:
    return str(item["user"]["id"])


def _of_user(item: _Json) -> str:
    return str(item["user_id"])


_KEYS: Mapping[str, Callable[[_Json], str]] = {
    "members": _user,
    "presences": _user,
    "voice_states": _of_user,
    "soundboard_sounds": lambda item: str(item["sound_id"]),
}


class _Guild:
    """A guild's JSON, its lists indexed by id while events are applied."""

    def __init__(self, raw: _Json) -> None:
        self.raw = raw
        self._tables: dict[str, dict[str, _Json]] = {}

    def table(self, name: str) -> dict[str, _Json]:
        found = self._tables.get(name)
        if found is None:
            key = _KEYS.get(name, _own)
            found = self._tables[name] = dict(_indexed(self.raw.get(name) or (), key))
        return found

    def put(self, name: str, item: _Json) -> None:
        self.table(name)[_KEYS.get(name, _own)(item)] = item

    def count(self, change: int) -> None:
        self.raw["member_count"] = max(0, (self.raw.get("member_count") or 0) + change)

    def result(self) -> _Json:
        for name, table in self._tables.items():
            self.raw[name] = list(table.values())
        return self.raw


def _indexed(items: Iterable[_Json], key: Callable[[_Json], str]) -> Iterator[tuple[str, _Json]]:
    """Yield items with their keys, without those that have none."""
    for item in items:
        with suppress(*UNEXPECTED):
            yield key(item), item


def apply_event(guild: _Json, changes: Iterable[tuple[str, bytes]]) -> _Json:
    """Apply events, given by type and raw ``d``, in order; return the guild, which is modified in place.

    An event of an unexpected shape changes nothing: one missing field must not cost the whole guild.
    """
    work = _Guild(guild)
    for kind, data in changes:
        with suppress(*UNEXPECTED):
            _RULES[kind](work, msgspec.json.decode(data))
    return work.result()


def _guild_update(guild: _Guild, data: _Json) -> None:
    kept = {"member_count", "joined_at", "large", "unavailable"}
    guild.raw.update({name: value for name, value in data.items() if name not in kept})
    for name in ("roles", "emojis", "stickers"):
        if name in data:
            guild._tables.pop(name, None)


def _put(name: str) -> Callable[[_Guild, _Json], None]:
    return lambda guild, data: guild.put(name, data)


def _drop(name: str, key: str = "id") -> Callable[[_Guild, _Json], None]:
    def drop(guild: _Guild, data: _Json) -> None:
        guild.table(name).pop(str(data[key]), None)

    return drop


def _replace(name: str) -> Callable[[_Guild, _Json], None]:
    def replace(guild: _Guild, data: _Json) -> None:
        guild._tables.pop(name, None)
        guild.raw[name] = data[name]

    return replace


def _channel_delete(guild: _Guild, data: _Json) -> None:
    channel = str(data["id"])
    guild.table("channels").pop(channel, None)
    threads = guild.table("threads")
    for each in [key for key, thread in threads.items() if str(thread.get("parent_id")) == channel]:
        del threads[each]


def _role(guild: _Guild, data: _Json) -> None:
    guild.put("roles", data["role"])


def _thread(guild: _Guild, data: _Json) -> None:
    if (data.get("thread_metadata") or {}).get("archived"):
        guild.table("threads").pop(str(data["id"]), None)
        return
    old = guild.table("threads").get(str(data["id"]), {})
    guild.put("threads", old | data)


def _thread_list(guild: _Guild, data: _Json) -> None:
    threads = guild.table("threads")
    parents = {str(each) for each in data.get("channel_ids") or ()}
    for each in [key for key, item in threads.items() if not parents or str(item["parent_id"]) in parents]:
        del threads[each]
    own = {str(each.get("id")): each for each in data.get("members") or ()}
    for thread in data["threads"]:
        member = own.get(str(thread["id"]))
        threads[str(thread["id"])] = thread | ({"member": member} if member else {})


def _thread_member(guild: _Guild, data: _Json) -> None:
    thread = guild.table("threads").get(str(data["id"]))
    if thread is not None:
        thread["member"] = data


def _thread_members(guild: _Guild, data: _Json) -> None:
    thread = guild.table("threads").get(str(data["id"]))
    if thread is not None and "member_count" in data:
        thread["member_count"] = data["member_count"]


def _member_add(guild: _Guild, data: _Json) -> None:
    guild.count(1)
    guild.put("members", data)


def _member_update(guild: _Guild, data: _Json) -> None:
    old = guild.table("members").get(_user(data), {})
    guild.put("members", old | data)


def _member_remove(guild: _Guild, data: _Json) -> None:
    guild.count(-1)
    guild.table("members").pop(_user(data), None)
    guild.table("presences").pop(_user(data), None)


def _members(guild: _Guild, data: _Json) -> None:
    for member in data["members"]:
        guild.put("members", member)
    for presence in data.get("presences") or ():
        guild.put("presences", presence)


def _presence(guild: _Guild, data: _Json) -> None:
    guild.put("presences", data)
    member = guild.table("members").get(_user(data))
    if member is not None:
        member["user"] = member["user"] | data["user"]


def _voice(guild: _Guild, data: _Json) -> None:
    if data.get("channel_id") is None:
        guild.table("voice_states").pop(_of_user(data), None)
    else:
        guild.put("voice_states", data)
    member = data.get("member")
    if member is not None and _of_user(data) in guild.table("members"):
        _member_update(guild, member)


def _count(guild: _Guild, data: Any) -> None:
    guild.count(int(data))


_RULES: Mapping[str, Callable[[_Guild, _Json], None]] = {
    "GUILD_UPDATE": _guild_update,
    "CHANNEL_CREATE": _put("channels"),
    "CHANNEL_UPDATE": _put("channels"),
    "CHANNEL_DELETE": _channel_delete,
    "THREAD_CREATE": _thread,
    "THREAD_UPDATE": _thread,
    "THREAD_DELETE": _drop("threads"),
    "THREAD_LIST_SYNC": _thread_list,
    "THREAD_MEMBER_UPDATE": _thread_member,
    "THREAD_MEMBERS_UPDATE": _thread_members,
    "GUILD_ROLE_CREATE": _role,
    "GUILD_ROLE_UPDATE": _role,
    "GUILD_ROLE_DELETE": _drop("roles", "role_id"),
    "GUILD_EMOJIS_UPDATE": _replace("emojis"),
    "GUILD_STICKERS_UPDATE": _replace("stickers"),
    "GUILD_MEMBER_ADD": _member_add,
    "GUILD_MEMBER_UPDATE": _member_update,
    "GUILD_MEMBER_REMOVE": _member_remove,
    "GUILD_MEMBERS_CHUNK": _members,
    "PRESENCE_UPDATE": _presence,
    "VOICE_STATE_UPDATE": _voice,
    "STAGE_INSTANCE_CREATE": _put("stage_instances"),
    "STAGE_INSTANCE_UPDATE": _put("stage_instances"),
    "STAGE_INSTANCE_DELETE": _drop("stage_instances"),
    "GUILD_SCHEDULED_EVENT_CREATE": _put("guild_scheduled_events"),
    "GUILD_SCHEDULED_EVENT_UPDATE": _put("guild_scheduled_events"),
    "GUILD_SCHEDULED_EVENT_DELETE": _drop("guild_scheduled_events"),
    "GUILD_SOUNDBOARD_SOUND_CREATE": _put("soundboard_sounds"),
    "GUILD_SOUNDBOARD_SOUND_UPDATE": _put("soundboard_sounds"),
    "GUILD_SOUNDBOARD_SOUND_DELETE": _drop("soundboard_sounds", "sound_id"),
    MEMBER_COUNT: _count,
}

FOLDED = frozenset(_RULES)
"""The events that can be applied to a guild."""
