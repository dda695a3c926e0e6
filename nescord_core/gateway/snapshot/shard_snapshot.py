"""Caches what a new main needs to know of a shard, from the events that pass.

Pure. A guild is stored as its compressed GUILD_CREATE and the raw events since, which are folded into it once
they outgrow it: an event stays cheap and a guild stays small. A new main gets both as stored; nothing is
rendered for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

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
_MEMBER_DELTA = {"GUILD_MEMBER_ADD": b"1", "GUILD_MEMBER_REMOVE": b"-1"}
_TRACKED = _SHARD | FOLDED
_MAX_GUILD_BYTES = 512 * 1024 * 1024

_GUILD_RECORD = "PICTURE"

Change = tuple[str, bytes]


class GuildSnapshot(NamedTuple):
    """A guild as sent to a new main: ``base`` (compressed JSON), then the events since."""

    guild_id: int
    base: bytes
    changes: tuple[Change, ...]


class Record(NamedTuple):
    """A journal entry: an event, or a whole guild if ``kind`` is PICTURE."""

    kind: str
    session_id: str
    seq: int
    guild_id: int
    data: bytes


def encode_record(record: Record) -> bytes:
    """Serialize a record."""
    return msgspec.msgpack.encode(record)


def decode_record(data: bytes) -> Record:
    """Deserialize a record."""
    return msgspec.msgpack.decode(data, type=Record)


class _Id(msgspec.Struct):
    id: str | int


class _WithUser(msgspec.Struct):
    user: _Id | None = None


class _Unavailable(msgspec.Struct):
    unavailable: bool | None = False
    member_count: Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)] | None = 0


@dataclass(slots=True)
class _Record:
    base: bytes
    size: int
    changes: list[Change] = field(default_factory=list)
    changed: int = 0
    members: int = 0


def restore(snapshot: GuildSnapshot) -> dict[str, Any]:
    """Return the guild as a GUILD_CREATE sent now would show it."""
    raw = zstandard.ZstdDecompressor().decompress(snapshot.base, max_output_size=_MAX_GUILD_BYTES)
    guild: dict[str, Any] = msgspec.json.decode(raw)
    return apply_event(guild, snapshot.changes)


class ShardSnapshot:
    """The cached state of one shard, up to and including event (``session_id``, ``seq``).

    ``ready`` is None until READY has arrived: until then the state is incomplete. ``departed`` maps guilds
    that the bot has left to the seq of their GUILD_DELETE, until that is `acknowledged`
    (protocol.md, 29).
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
        """Bytes that the guilds take, not counting Python's objects."""
        return sum(len(record.base) + record.changed for record in self._guilds.values())

    @property
    def members(self) -> int:
        """The total number of members of all guilds."""
        return sum(record.members for record in self._guilds.values())

    def __len__(self) -> int:
        return len(self._guilds)

    def apply(self, session_id: str, seq: int, kind: str, guild_id: int, data: bytes) -> bool:
        """Update the state from an event, and return whether to journal it.

        It is cheap for events that do not change the state. An event that a RESUME repeats changes nothing.
        """
        if session_id == self.session_id and seq <= self.seq and self.ready is not None:
            return False
        if session_id != self.session_id and kind != "READY":
            # The session survived a restart of ws; without its READY nothing is known about it.
            self.session_id, self.seq, self.ready = session_id, seq, None
        self.seq = seq
        if kind in _TRACKED:
            self._apply(session_id, kind, guild_id, data)
            return self.ready is not None
        return False

    def forget(self, guild_id: int) -> None:
        """Treat a guild as unavailable because one of its events could not be applied.

        Its next GUILD_CREATE, or a new session, restores it.
        """
        if self._guilds.pop(guild_id, None) is not None:
            self.unavailable.add(guild_id)

    def records(self) -> Iterator[Record]:
        """Yield the records that rebuild this snapshot when replayed."""
        if self.ready is None:
            return
        missing = [{"id": str(each), "unavailable": True} for each in self.unavailable]
        ready = msgspec.json.encode(self.ready | {"guilds": missing})
        yield Record("READY", self.session_id, self.seq, 0, ready)
        for guild_id, record in self._guilds.items():
            data = msgspec.msgpack.encode((record.base, record.size, record.changes, record.members))
            yield Record(_GUILD_RECORD, self.session_id, self.seq, guild_id, data)

    def replay(self, record: Record) -> None:
        """Apply a record from the journal."""
        if record.kind != _GUILD_RECORD:
            self.apply(*self._apply_arguments(record))
            return
        base, size, changes, members = msgspec.msgpack.decode(
            record.data, type=tuple[bytes, int, list[Change], int]
        )
        changed = sum(len(data) for _, data in changes)
        self._guilds[record.guild_id] = _Record(base, size, changes, changed, members)

    @staticmethod
    def _apply_arguments(record: Record) -> tuple[str, int, str, int, bytes]:
        return record.session_id, record.seq, record.kind, record.guild_id, record.data

    def acknowledged(self, session_id: str, seq: int) -> None:
        """Forget departed guilds whose GUILD_DELETE has been handled."""
        if self.departed and session_id == self.session_id:
            self.departed = {guild_id: at for guild_id, at in self.departed.items() if at > seq}

    def guild_ids(self) -> list[int]:
        """Return every guild id a replica may know: available, unavailable, or just departed."""
        return [*self._guilds, *self.unavailable, *self.departed]

    def guild(self, guild_id: int) -> GuildSnapshot | None:
        """Return the current state of a guild, None if it is not available."""
        record = self._guilds.get(guild_id)
        if record is None:
            return None
        return GuildSnapshot(guild_id, record.base, tuple(record.changes))

    def guilds(self) -> Iterator[GuildSnapshot]:
        """Yield every available guild."""
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
                self._remove(guild_id, bool(msgspec.json.decode(data, type=_Unavailable).unavailable))
            case _:
                self._change(guild_id, kind, data)

    def _begin(self, session_id: str, ready: dict[str, Any]) -> None:
        self.session_id = session_id
        guilds = {int(each["id"]) for each in ready.pop("guilds", None) or ()}
        own_id = str(ready["user"]["id"])
        ready.pop("session_id", None)
        ready.pop("resume_gateway_url", None)
        self.ready, self.unavailable, self._own_id = ready, guilds, own_id
        self._guilds.clear()
        self.departed.clear()

    def _add(self, guild_id: int, data: bytes) -> None:
        data.decode()  # decoding only the header does not check the texts of the rest
        header = msgspec.json.decode(data, type=_Unavailable)
        if header.unavailable:
            self._remove(guild_id, True)
            return
        self.unavailable.discard(guild_id)
        self.departed.pop(guild_id, None)
        settings = self._settings
        if settings.members and settings.presences and settings.voice_states and settings.threads:
            # Stored undecoded: decoding 500 guilds would fragment the heap.
            self._guilds[guild_id] = _Record(self._compressor.compress(data), len(data))
        else:
            self._guilds[guild_id] = self._record(self._without_excluded(msgspec.json.decode(data)))
        self._guilds[guild_id].members = header.member_count or 0

    def _remove(self, guild_id: int, unavailable: bool) -> None:
        self._guilds.pop(guild_id, None)
        (self.unavailable.add if unavailable else self.unavailable.discard)(guild_id)
        if not unavailable:
            self.departed[guild_id] = self.seq

    def _change(self, guild_id: int, kind: str, data: bytes) -> None:
        record = self._guilds.get(guild_id)
        change = self._stored_form(kind, data)
        if record is None or change is None:
            return
        record.members = max(0, record.members + int(_MEMBER_DELTA.get(kind, b"0")))
        record.changes.append(change)
        record.changed += len(change[1])
        if record.changed > max(_FOLD_BYTES, record.size):
            folded = self._record(restore(GuildSnapshot(guild_id, record.base, tuple(record.changes))))
            folded.members = record.members
            self._guilds[guild_id] = folded

    def _stored_form(self, kind: str, data: bytes) -> Change | None:
        """Return the change to store for an event, or None."""
        settings = self._settings
        if kind == "PRESENCE_UPDATE" and not settings.presences:
            return None
        if kind == "VOICE_STATE_UPDATE" and not settings.voice_states:
            return None
        if kind.startswith("THREAD_") and not settings.threads:
            return None
        if kind in _MEMBERS and not settings.members and not self._is_own(data):
            return (MEMBER_COUNT, _MEMBER_DELTA[kind]) if kind in _MEMBER_DELTA else None
        return kind, data

    def _is_own(self, data: bytes) -> bool:
        user = msgspec.json.decode(data, type=_WithUser).user
        return user is not None and str(user.id) == self._own_id

    def _without_excluded(self, guild: dict[str, Any]) -> dict[str, Any]:
        """Drop the kinds of data that the settings exclude."""
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
