"""One process of ws in the simulation: the shard, the sender and the spool without their I/O."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from nescord_core.dispatch.sender.spool.overflow import SpillLimits
from nescord_core.dispatch.sender.spool.records import MAGIC, decode, encode
from nescord_core.envelope import Envelope
from nescord_core.gateway.resume_point import ResumePoint
from nescord_core.gateway.session import signals as s
from nescord_core.gateway.session.backoff import Backoff
from nescord_core.gateway.session.machine import Session
from nescord_core.gateway.session.opcodes import Op
from nescord_core.gateway.session.states import Resumable, SessionRules, State
from support.dispatch.simulation import mutations
from support.dispatch.simulation.gateway import Wire

if TYPE_CHECKING:
    from support.dispatch.simulation.conn import Conn
    from support.dispatch.simulation.world import World

__all__ = ["Ws"]

_RULES = SessionRules(invalid_wait=(0.01, 0.05), soon=(0.01, 0.02), backoff=Backoff(0.01, 0.1))
_HELLO = json.dumps({"heartbeat_interval": 41_250}).encode()


class Ws:
    """One process of ws. Its files and the saved session belong to the world, and outlive it."""

    def __init__(self, world: World, saved: Resumable | None) -> None:
        self.world = world
        self.began = world.now
        mutation = world.mutation
        self.outbox = mutations.outbox(mutation)(max_events=world.bound, max_bytes=1 << 40)
        self.partition = mutations.partition(mutation)()
        limits = SpillLimits(
            spill_events=world.bound // 2,
            spill_bytes=1 << 40,
            refill_events=world.bound * 3 // 4,
            refill_bytes=1 << 40,
            segment_bytes=world.chance.choice((400, 1300, 3600)),
            disk_bytes=1 << 40,
            backlog=max(world.bound // 8, 1),
        )
        self.overflow = mutations.overflow(mutation)(self.outbox, self.partition, limits)
        self.watermark = ResumePoint(saved.seq if saved else 0)
        self.session = Session(
            (0, 1), token="t", intents=0, gateway_url="ws://main", rules=_RULES, saved=saved
        )
        self.wire: Wire | None = None
        self.files: dict[int, bytes] = {}
        self.left = [found for files in world.disk for found in files.values()]
        world.disk.append(self.files)
        self.adopted: dict[int, bytes] = {}
        self.conns: dict[Conn, None] = {}  # ordered, unlike a set, so that a seed reproduces
        self.reading = False
        self.reported: dict[str, int] = {}

    # The gateway

    def step(self, fact: s.Fact) -> None:
        world, session = self.world, self.session
        for effect in session.handle(fact, world.now, world.chance.random()):
            self._apply(effect)
        if session.state is State.WAITING and session.deadline is not None:
            world.at(session.deadline + 1e-6, self._tick)

    def _tick(self) -> None:
        if self is self.world.ws and self.session.state is State.WAITING:
            self.step(s.Tick())

    def _apply(self, effect: s.Effect) -> None:
        world = self.world
        match effect:
            case s.Connect():
                self.wire = wire = Wire(world)
                wire.send(world.ws_control, s.Connected())
                wire.send(world.ws_control, s.Frame(Op.HELLO, d=_HELLO))
            case s.RequestIdentify():
                assert self.wire is not None
                self.wire.send(world.ws_control, s.IdentifyGranted())
            case s.Send(Op.IDENTIFY, _):
                assert self.wire is not None
                world.discord.identify(self.wire)
            case s.Send(Op.RESUME, data):
                assert self.wire is not None
                d = json.loads(data)["d"]
                world.discord.resume(self.wire, d["session_id"], d["seq"])
            case s.Close() | s.Abort():
                self.hang_up()
            case s.Report(s.Milestone.READY):
                self.watermark = ResumePoint()
            case s.Deliver(kind, seq, _, redelivered):
                guild, number = world.meaning(self.session.session_id or "", seq)
                self.put(kind, seq, guild, number, redelivered=redelivered)

    def hang_up(self) -> None:
        if self.wire is not None:
            self.wire.is_open = False
            if self.world.discord.wire is self.wire:
                self.world.discord.wire = None
            self.wire = None

    def put(self, kind: str, seq: int, guild: int, number: int, *, redelivered: bool) -> None:
        """Process an event as the shard and the sender do."""
        session_id = self.session.session_id or ""
        self.watermark.delivered(seq)
        envelope = Envelope(
            0, session_id, seq, kind, guild, guild, str(number).encode(), self.world.now, redelivered
        )
        if self.left:
            self._decide(session_id)
        entry = self.outbox.put(envelope)
        assert entry is not None, "the session lets nothing through twice"
        if self.overflow.take(entry):
            self._wake()
        else:
            self.partition.assign(entry)
        if (
            self.outbox.overfull
        ):  # the disk is far faster than the gateway, for whose bursts these limits are low
            self._write()
        self.world.received.add((session_id, seq))

    # The disk

    def _decide(self, session_id: str) -> None:
        self.overflow.close_generation()
        for data in self.left:
            wanted = [item for item in decode(data)[0] if item.envelope.session_id != session_id]
            names = Counter(item.envelope[:2] for item in wanted)
            if names:
                self.adopted[self.overflow.adopt(names, len(data)).number] = MAGIC + encode(wanted)
        self.overflow.close_generation()
        self.left.clear()
        self.world.disk = [self.adopted, self.files]
        if self.overflow.active:
            self._wake()

    def _wake(self) -> None:
        if not self.reading:
            self.reading = True
            self.world.after(0.004, self._spool)

    def _spool(self) -> None:
        if self is not self.world.ws:
            return
        overflow = self.overflow
        self._expend()
        if (segment := overflow.readable()) is not None:
            data = self.adopted.get(segment.number, self.files.get(segment.number, b""))
            overflow.restore(segment, decode(data)[0])
        if self.world.chance.random() < 0.5:
            self._write()
        self.reading = not overflow.idle
        if self.reading:
            self.world.after(0.004, self._spool)

    def _write(self) -> None:
        for segment in self.overflow.unwritten():
            items = list(segment.buffered)
            self.files[segment.number] = self.files.get(segment.number, MAGIC) + encode(items)
            self.overflow.written(segment, len(items), 1)

    def _expend(self) -> None:
        for number in self.overflow.expendable():
            self.files.pop(number, None)
            self.adopted.pop(number, None)

    def report(self) -> None:
        """Report the watermarks to the shard."""
        for _, session_id, seq in self.outbox.watermarks():
            if session_id == self.session.session_id:
                self.world.expect(seq > self.reported.get(session_id, -1), "a watermark went back")
                self.reported[session_id] = seq
                self.watermark.acknowledged(seq)

    def saved(self) -> Resumable | None:
        held = self.session.resumable()
        return None if held is None else Resumable(held.session_id, self.watermark.value, held.url)
