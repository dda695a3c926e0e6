"""What a fresh main needs to know of a shard, kept while the events pass.

Pure. A guild is its GUILD_CREATE, compressed, and the raw events since; those are applied to it once they
outweigh it, so that an event costs little and a guild stays small. Nothing is rendered for a new main: it
gets guilds and events as they lie here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import zstandard

from nescord_core.gateway.snapshot.guild_events import FOLDED, MEMBER_COUNT, apply_event
from nescord_core.settings import SnapshotSettings

__all__ = ["GuildSnapshot", "Record", "ShardSnapshot", "decode_record", "encode_record", "restore"]

_FOLD_BYTES = 16 * 1024
_SHARD = frozenset({"READY", "USER_UPDATE", "GUILD_CREATE", "GUILD_DELETE"})
_MEMBERS = frozenset(
    {"GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE", "GUILD_MEMBERS_CHUNK"}
)
_COUNTED = {"GUILD_MEMBER_ADD": b"1", "GUILD_MEMBER_REMOVE": b"-1"}
_KEPT = _SHARD | FOLDED
_MAX_GUILD_BYTES = 512 * 1024 * 1024

_PICTURE = "PICTURE"

Change = tuple[str, bytes]


class GuildSnapshot(NamedTuple):
    """A guild as it goes to a new main: ``base`` (compressed JSON), then the events since."""

    guild_id: int
    base: bytes
    changes: tuple[Change, ...]


class Record(NamedTuple):
    """An event as it is written down, or (``kind`` is PICTURE) a guild."""

    kind: str
    session_id: str
    seq: int
    guild_id: int
    data: bytes


def encode_record(record: Record) -> bytes:
    """Return the record as bytes."""
    return msgspec.msgpack.encode(record)


def decode_record(data: bytes) -> Record:
    """Return the record that was encoded."""
    return msgspec.msgpack.decode(data, type=Record)


class _Id(msgspec.Struct):
    id: str | int


class _WithUser(msgspec.Struct):
    user: _Id | None = None


class _Unavailable(msgspec.Struct):
    unavailable: bool = False
    member_count: int = 0


@dataclass(slots=True)
class _Record:
    base: bytes
    size: int
    changes: list[Change] = field(default_factory=list)
    changed: int = 0
    members: int = 0


def restore(picture: GuildSnapshot) -> dict[str, Any]:
    """Return the guild as a GUILD_CREATE of this moment would show it."""
    raw = zstandard.ZstdDecompressor().decompress(picture.base, max_output_size=_MAX_GUILD_BYTES)
    guild: dict[str, Any] = msgspec.json.decode(raw)
    return apply_event(guild, picture.changes)


class ShardSnapshot:
    """The world of one shard. ``session_id`` and ``seq`` say up to which event it holds (fact 29).

    ``ready`` is None until READY has passed: then what is here is no whole picture. ``departed`` are guilds
    that the bot has left, by id with the seq of their GUILD_DELETE, until `acknowledged`.
    """

    def __init__(self, settings: SnapshotSettings) -> None:
        self.session_id = ""
        self.seq = 0
        self.ready: dict[str, Any] | None = None
        self.unavailable: set[int] = set()
        self.departed: dict[int, int] = {}
        self._settings = settings
        self._own_id = ""
        self._guilds: dict[int, _Record] = {}
        self._compressor = zstandard.ZstdCompressor(level=3)

    @property
    def size(self) -> int:
        """What the guilds take, without Python's own objects around them."""
        return sum(len(record.base) + record.changed for record in self._guilds.values())

    @property
    def members(self) -> int:
        """How many members the guilds have together."""
        return sum(record.members for record in self._guilds.values())

    def __len__(self) -> int:
        return len(self._guilds)

    def apply(self, session_id: str, seq: int, kind: str, guild_id: int, data: bytes) -> bool:
        """Take note of an event that passes; cheap for those that change nothing here.

        One that comes a second time, because the session was resumed, changes nothing. Returns whether it is
        to be written down.
        """
        if session_id == self.session_id and seq <= self.seq and self.ready is not None:
            return False
        if session_id != self.session_id and kind != "READY":
            # Of a session that went on after a restart of ws: without its READY nothing is known of it.
            self.session_id, self.seq, self.ready = session_id, seq, None
        self.seq = seq
        if kind in _KEPT:
            self._apply(session_id, kind, guild_id, data)
            return self.ready is not None
        return False

    def records(self) -> Iterator[Record]:
        """Yield what makes this snapshot when it is replayed."""
        if self.ready is None:
            return
        missing = [{"id": str(each), "unavailable": True} for each in self.unavailable]
        ready = msgspec.json.encode(self.ready | {"guilds": missing})
        yield Record("READY", self.session_id, self.seq, 0, ready)
        for guild_id, record in self._guilds.items():
            data = msgspec.msgpack.encode((record.base, record.size, record.changes, record.members))
            yield Record(_PICTURE, self.session_id, self.seq, guild_id, data)

    def replay(self, record: Record) -> None:
        """Take in what was written down."""
        if record.kind != _PICTURE:
            self.apply(*self._in_order(record))
            return
        base, size, changes, members = msgspec.msgpack.decode(
            record.data, type=tuple[bytes, int, list[Change], int]
        )
        changed = sum(len(data) for _, data in changes)
        self._guilds[record.guild_id] = _Record(base, size, changes, changed, members)

    @staticmethod
    def _in_order(record: Record) -> tuple[str, int, str, int, bytes]:
        return record.session_id, record.seq, record.kind, record.guild_id, record.data

    def acknowledged(self, session_id: str, seq: int) -> None:
        """Every event of a session up to this one was handled."""
        if self.departed and session_id == self.session_id:
            self.departed = {guild_id: at for guild_id, at in self.departed.items() if at > seq}

    def guild_ids(self) -> list[int]:
        """Return every guild that somebody may hold: there, unavailable, or just departed."""
        return [*self._guilds, *self.unavailable, *self.departed]

    def guild(self, guild_id: int) -> GuildSnapshot | None:
        """Return a guild as of now, None if it is not there."""
        record = self._guilds.get(guild_id)
        if record is None:
            return None
        return GuildSnapshot(guild_id, record.base, tuple(record.changes))

    def guilds(self) -> Iterator[GuildSnapshot]:
        """Yield every guild that is there."""
        for guild_id, record in self._guilds.items():
            yield GuildSnapshot(guild_id, record.base, tuple(record.changes))

    def _apply(self, session_id: str, kind: str, guild_id: int, data: bytes) -> None:
        match kind:
            case "READY":
                self._begin(session_id, msgspec.json.decode(data))
            case "USER_UPDATE":
                if self.ready is not None:
                    self.ready["user"] |= msgspec.json.decode(data)
            case "GUILD_CREATE":
                self._add(guild_id, data)
            case "GUILD_DELETE":
                self._remove(guild_id, msgspec.json.decode(data, type=_Unavailable).unavailable)
            case _:
                self._change(guild_id, kind, data)

    def _begin(self, session_id: str, ready: dict[str, Any]) -> None:
        self.session_id = session_id
        self.unavailable = {int(each["id"]) for each in ready.pop("guilds", ())}
        ready.pop("session_id", None)
        ready.pop("resume_gateway_url", None)
        self.ready = ready
        self._own_id = str(ready["user"]["id"])
        self._guilds.clear()
        self.departed.clear()

    def _add(self, guild_id: int, data: bytes) -> None:
        seen = msgspec.json.decode(data, type=_Unavailable)
        if seen.unavailable:
            self._remove(guild_id, True)
            return
        self.unavailable.discard(guild_id)
        self.departed.pop(guild_id, None)
        settings = self._settings
        if settings.members and settings.presences and settings.voice_states and settings.threads:
            # As it came: what is made of 500 guilds on the way would leave its holes in the memory.
            self._guilds[guild_id] = _Record(self._compressor.compress(data), len(data))
        else:
            self._guilds[guild_id] = self._record(self._reduced(msgspec.json.decode(data)))
        self._guilds[guild_id].members = seen.member_count

    def _remove(self, guild_id: int, unavailable: bool) -> None:
        self._guilds.pop(guild_id, None)
        (self.unavailable.add if unavailable else self.unavailable.discard)(guild_id)
        if not unavailable:
            self.departed[guild_id] = self.seq

    def _change(self, guild_id: int, kind: str, data: bytes) -> None:
        record = self._guilds.get(guild_id)
        change = self._wanted(kind, data)
        if record is None or change is None:
            return
        record.members += int(_COUNTED.get(kind, b"0"))
        record.changes.append(change)
        record.changed += len(change[1])
        if record.changed > max(_FOLD_BYTES, record.size):
            folded = self._record(restore(GuildSnapshot(guild_id, record.base, tuple(record.changes))))
            folded.members = record.members
            self._guilds[guild_id] = folded

    def _wanted(self, kind: str, data: bytes) -> Change | None:
        """Return what to keep of an event, None for nothing."""
        settings = self._settings
        if kind == "PRESENCE_UPDATE" and not settings.presences:
            return None
        if kind == "VOICE_STATE_UPDATE" and not settings.voice_states:
            return None
        if kind.startswith("THREAD_") and not settings.threads:
            return None
        if kind in _MEMBERS and not settings.members and not self._is_own(data):
            return (MEMBER_COUNT, _COUNTED[kind]) if kind in _COUNTED else None
        return kind, data

    def _is_own(self, data: bytes) -> bool:
        user = msgspec.json.decode(data, type=_WithUser).user
        return user is not None and str(user.id) == self._own_id

    def _reduced(self, guild: dict[str, Any]) -> dict[str, Any]:
        """Leave out the kinds of data that are not to be kept."""
        settings = self._settings
        if not settings.presences:
            guild["presences"] = []
        if not settings.voice_states:
            guild["voice_states"] = []
        if not settings.threads:
            guild["threads"] = []
        if not settings.members:
            members = guild.get("members") or ()
            guild["members"] = [each for each in members if str(each["user"]["id"]) == self._own_id]
        return guild

    def _record(self, guild: dict[str, Any]) -> _Record:
        raw = msgspec.json.encode(guild)
        return _Record(self._compressor.compress(raw), len(raw))
