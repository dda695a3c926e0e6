"""Mutated events in the middle of good ones, all the way from a websocket message to what main would read.

The path is ws's own: inflate, session, routing, invalidations, snapshot, outbox, spool records, wire. Nothing
may raise; every good event arrives, in order; an odd one arrives or is set aside, and is counted.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nescord_core.dispatch.protocol.frames import FrameReader, FrameWriter
from nescord_core.dispatch.sender.outbox import Outbox
from nescord_core.dispatch.sender.spool.records import decode, encode
from nescord_core.envelope import Envelope
from nescord_core.gateway.cache_changes import changes_of
from nescord_core.gateway.envelopes import EventSink, Intake
from nescord_core.gateway.resume_point import ResumePoint
from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.inflate import inflater
from nescord_core.gateway.session.machine import Session
from nescord_core.gateway.session.states import State
from nescord_core.gateway.snapshot.guild_events import FOLDED
from nescord_core.gateway.snapshot.shard_snapshot import restore
from nescord_core.gateway.stats import ShardCounters
from nescord_core.services.ws.snapshots import ShardSnapshots
from nescord_core.settings import SnapshotSettings, WsSettings
from support.gateway.session_rig import RULES

__all__ = ["Report", "run"]

GUILD, CHANNEL, USER = "7", "8", "5"
PLAIN = (
    "MESSAGE_CREATE",
    "TYPING_START",
    "INTERACTION_CREATE",
    "GUILD_CREATE",
    "GUILD_DELETE",
    "READY",
    "USER_UPDATE",
)
TYPES = tuple(sorted({*PLAIN, *FOLDED} - {"MEMBER_COUNT"}))
MEMBER: dict[str, Any] = {"user": {"id": USER, "username": "u"}, "roles": [], "guild_id": GUILD}
THING: dict[str, Any] = {
    "id": CHANNEL,
    "guild_id": GUILD,
    "channel_id": CHANNEL,
    "user_id": USER,
    "sound_id": "3",
    "role_id": "4",
    "role": {"id": "4", "name": "r"},
    "emojis": [{"id": "6", "name": "e"}],
    "stickers": [],
    "threads": [{"id": "9", "parent_id": CHANNEL}],
    "members": [MEMBER],
    "member": MEMBER,
    "thread_metadata": {"archived": False},
    "member_count": 2,
    **MEMBER,
}
CREATE: dict[str, Any] = {
    "id": GUILD,
    "member_count": 1,
    "unavailable": False,
    "members": [MEMBER],
    "roles": [{"id": "4"}],
    "channels": [{"id": CHANNEL}],
    "threads": [],
    "emojis": [],
    "voice_states": [],
    "presences": [],
}
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1 << 63, 1 << 64, -(1 << 70), 1e308),
    *("", "-5", "x" * 3000, "\x00\x1b[2J", "18446744073709551616", "\U0001f600"),
    *([], [None], {}, {"id": None}, [[[]]], {"user": None}),
)


@dataclass
class Report:
    """What came of a run."""

    good: int = 0
    odd: int = 0
    aside: int = 0
    reconnects: int = 0
    problems: list[str] = field(default_factory=list)


def run(seed: int, events: int, state_dir: Path) -> Report:
    """Feed so many events, every third of them mutated, to one shard."""
    return _Path(random.Random(seed), state_dir).run(events)


class _Path:
    def __init__(self, chance: random.Random, state_dir: Path) -> None:
        self.chance = chance
        self.report = Report()
        self.now = 0.0
        self.sessions = 0
        self.arrived: list[Envelope] = []
        which = {name: chance.random() < 0.8 for name in ("members", "presences", "voice_states", "threads")}
        settings = WsSettings(
            token="t", intents=0, state_dir=state_dir, snapshot=SnapshotSettings(enabled=True, **which)
        )
        self.world = ShardSnapshots(settings, shard_ids=[0], shard_count=1, stats=list)
        self.outbox = Outbox(max_events=1 << 30, max_bytes=1 << 40)
        self.session = Session((0, 1), token="t", intents=0, gateway_url="wss://main", rules=RULES)
        self.connect()
        self.intake = Intake(
            self.session,
            ShardCounters(),
            ResumePoint(),
            wanted=None,
            sink=EventSink(self.world.watching(self.arrived.append), set_aside=self.set_aside),
        )
        self.compress = chance.choice(("zlib-stream", "none"))
        self.deflate = zlib.compressobj()
        self.read = self.intake.reader(inflater(self.compress), self.take_fact)

    def connect(self) -> None:
        """Take the session to CONNECTED."""
        session = self.session
        if session.deadline is not None:
            self.now = max(self.now, session.deadline)
        self.handle(s.Start() if session.state is State.NEW else s.Tick())
        self.handle(s.Connected())
        self.handle(s.Frame(10, None, None, b'{"heartbeat_interval":41250}'))
        if session.session_id is None:
            self.handle(s.IdentifyGranted())
            self.sessions += 1
            ready = b'{"session_id":"%d","user":{"id":"1"}}' % self.sessions
            self.handle(s.Frame(0, 1, "READY", ready))
        else:
            self.handle(s.Frame(0, session.seq + 1, "RESUMED", b"{}"))

    def handle(self, fact: s.Fact) -> list[s.Effect]:
        return self.session.handle(fact, self.now, 0.5)

    def set_aside(self, _envelope: Envelope, why: str) -> None:
        self.report.aside += 1
        if not why:
            self.report.problems.append("set aside without a reason")

    def take_fact(self, fact: s.Fact) -> None:
        for effect in self.handle(fact):
            if isinstance(effect, s.Deliver):
                self.intake.deliver(effect.type, effect.seq, effect.d, effect.redelivered)
        if self.session.state is State.WAITING:
            self.report.reconnects += 1
            self.connect()
            self.deflate = zlib.compressobj()
            self.read = self.intake.reader(inflater(self.compress), self.take_fact)

    def run(self, events: int) -> Report:
        for number in range(events):
            kind = self.chance.choice(TYPES)
            data = _plain(kind)
            if number % 3 == 1:
                self.report.odd += 1
                self.feed(self.mutated(kind, data))
            else:
                self.report.good += 1
                before = len(self.arrived)
                seq = self.session.seq + 1
                self.feed(_text(kind, seq, json.dumps(data).encode()))
                if [each.seq for each in self.arrived[before:]] != [seq]:
                    self.report.problems.append(f"event {number} ({kind}, seq {seq}) did not arrive")
        self.check_the_rest()
        return self.report

    def feed(self, text: bytes) -> None:
        """Hand a message to the connection, as the websocket does."""
        if self.compress == "zlib-stream":
            text = self.deflate.compress(text) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
            self.read(text, False)
        else:
            self.read(text, True)

    def mutated(self, kind: str, data: dict[str, Any]) -> bytes:
        chance, seq = self.chance, self.session.seq + 1
        way = chance.randrange(7)
        if way == 0:
            return _text(kind, chance.choice((0, -4, 1 << 62, 1 << 64, seq + 5_000_000)), b"{}")
        if way == 1:
            deep = b"[" * 2500 + b"]" * 2500
            return _text(kind, seq, b'{"guild_id":"7","x":' + deep + b"}")
        if way == 2:
            return _text(kind, seq, json.dumps(chance.choice(ODD_VALUES)).encode())
        if way == 3:
            return _text("".join(chance.choices("ABC_", k=chance.randrange(1, 40))), seq, b"{}")
        text = bytearray(_text(kind, seq, json.dumps(self.changed(data)).encode()))
        if way == 4:
            for _ in range(chance.randrange(1, 4)):
                text[chance.randrange(len(text))] = chance.randrange(256)
        return bytes(text)

    def changed(self, value: Any) -> Any:
        """Change, drop or add something, somewhere within."""
        chance = self.chance
        if isinstance(value, dict) and value and chance.random() < 0.85:
            key = chance.choice(list(value))
            if chance.random() < 0.3:
                return {name: each for name, each in value.items() if name != key}
            return value | {key: self.changed(value[key])}
        if isinstance(value, list) and value and chance.random() < 0.6:
            return [self.changed(value[0]), *value[1:]]
        return chance.choice(ODD_VALUES)

    def check_the_rest(self) -> None:
        """Take everything that arrived through the rest of the path."""
        changes_of((each.type, each.data) for each in self.arrived)
        for guild in self.world._shards[0].guilds():
            restore(guild)
        list(self.world._shards[0].records())
        self.world.head(0)
        self.world.close()
        for part in _parts(self.arrived, 64):
            self.check_part(part)

    def check_part(self, part: list[Envelope]) -> None:
        entries = [entry for each in part if (entry := self.outbox.put(each)) is not None]
        problems = self.report.problems
        if len(entries) != len(part):
            problems.append("the outbox took an event for one that it had")
        found: list[Envelope] = []
        take: Callable[[int, Envelope], None] = lambda _number, envelope: found.append(envelope)  # noqa: E731
        message = FrameWriter().frame(1, entries)
        FrameReader().read(message.FromString(message.SerializeToString()).events, take)
        if found != part:
            problems.append("the wire changed an event")
        stored, damaged = decode(1, b"".join(encode(1, entries)))
        if damaged or [each.envelope for each in stored] != part:
            problems.append("the spool changed an event")


def _plain(kind: str) -> dict[str, Any]:
    if kind == "READY":
        return {"session_id": "one", "user": {"id": "1"}, "guilds": [{"id": GUILD, "unavailable": True}]}
    return CREATE if kind == "GUILD_CREATE" else THING | ({"id": GUILD} if kind.startswith("GUILD_") else {})


def _text(kind: str, seq: int, d: bytes) -> bytes:
    return b'{"t":"%b","s":%d,"op":0,"d":%b}' % (kind.encode(), seq, d)


def _parts(items: list[Envelope], size: int) -> Iterator[list[Envelope]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
