"""One process of ws in the simulation: the shard, the sender and the spool without their I/O."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nescord_core.dispatch.sender.spool.files import Leftover
from nescord_core.dispatch.sender.spool.leftovers import Leftovers
from nescord_core.dispatch.sender.spool.overflow import SpillLimits
from nescord_core.dispatch.sender.spool.records import Recorded, decode, encode
from nescord_core.envelope import Envelope
from nescord_core.gateway.resume_point import ResumePoint
from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.backoff import Backoff
from nescord_core.gateway.session.machine import Session
from nescord_core.gateway.session.opcodes import Op
from nescord_core.gateway.session.states import Resumable, SessionRules, State
from support.dispatch.simulation import mutations
from support.dispatch.simulation.gateway import Wire

if TYPE_CHECKING:
    from support.dispatch.simulation.conn import Conn
    from support.dispatch.simulation.world import World

__all__ = ["Saved", "Ws"]

_RULES = SessionRules(invalid_wait=(0.01, 0.05), soon=(0.01, 0.02), backoff=Backoff(0.01, 0.1))
_HELLO = json.dumps({"heartbeat_interval": 41_250}).encode()


class Saved(NamedTuple):
    """What is saved of a session."""

    session_id: str
    seq: int
    acknowledged: int
    url: str | None


class Ws:
    """One process of ws. Its files and the saved session belong to the world, and outlive it."""

    def __init__(self, world: World, saved: Saved | None) -> None:
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
        self.behind = mutations.write_behind(mutation)(self.outbox, self.overflow, self._replayable)
        self.leftovers = Leftovers(self.outbox, self.overflow, self._remove)
        self.watermark = ResumePoint(saved.seq, acknowledged=saved.acknowledged) if saved else ResumePoint()
        self.session = Session(
            (0, 1),
            token="t",
            intents=0,
            gateway_url="ws://main",
            rules=_RULES,
            saved=Resumable(saved.session_id, saved.seq, saved.url) if saved else None,
        )
        self.wire: Wire | None = None
        self.files: dict[int, bytes] = {}
        self.leftovers.found(_leftovers(world.disk))
        world.disk.append(self.files)
        self.conns: dict[Conn, None] = {}  # ordered, unlike a set, so that a seed reproduces
        self.reading = False
        self.reported: dict[str, int] = {}
        if saved is not None:
            self.outbox.open(0, saved.session_id, saved.seq)
            self.leftovers.resume(0, saved.session_id, seq=saved.seq, acknowledged=saved.acknowledged)
            self._wake()

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
        if self.leftovers.undecided:
            self.leftovers.decide(0, session_id)
        entry = self.outbox.put(envelope)
        assert entry is not None, "the session lets nothing through twice"
        if not self.overflow.take(entry):
            self.partition.assign(entry)
        self._wake()
        if (
            self.outbox.overfull
        ):  # the disk is far faster than the gateway, for whose bursts these limits are low
            self._write()
        self.world.received.add((session_id, seq))

    # The disk

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
            path = self.leftovers.path_of(segment.number)
            if path is None:
                items = decode(segment.number, self.files.get(segment.number, b"")).items
            else:
                items = decode(int(path.name), self._file(path)).items
            overflow.restore(segment, items)
        if self.world.chance.random() < 0.5:
            self._write()
        self._write_behind()
        self.reading = not (overflow.idle and self.behind.is_idle)
        if self.reading:
            self.world.after(0.004, self._spool)

    def _write(self) -> None:
        for segment in self.overflow.unwritten():
            items = list(segment.buffered)
            self._append(segment.number, items)
            self.overflow.written(segment, len(items), 1)
        self._secure()

    def _write_behind(self) -> None:
        for write in self.behind.due():
            self._append(write.backup.number, write.entries)
            self.behind.written(write, 1)
        self._secure()

    def _append(self, number: int, items: Sequence[Recorded]) -> None:
        self.files[number] = self.files.get(number, b"") + b"".join(encode(number, items))

    def _secure(self) -> None:
        """Report what is safe to the shard, and save it at once if the saved position is far behind."""
        session_id = self.session.session_id
        for _, of, seq in self.behind.risen():
            if of == session_id:
                self.watermark.secured(seq)
        saved = self.world.persisted
        is_current = saved is not None and saved.session_id == session_id
        if saved and is_current and self.watermark.received - saved.seq > self.world.replayed // 2:
            self.world.persist_now()

    def _replayable(self, _shard_id: int, session_id: str) -> int:
        return self.world.replayed if session_id == self.session.session_id else 0

    def _expend(self) -> None:
        for number in [*self.behind.expendable(), *self.overflow.expendable()]:
            if not self.leftovers.finished(number):
                self.files.pop(number, None)

    def _file(self, path: Path) -> bytes:
        return self.world.disk[int(path.parent.name)][int(path.name)]

    def _remove(self, path: Path) -> None:
        del self.world.disk[int(path.parent.name)][int(path.name)]

    def report(self) -> None:
        """Report the watermarks to the shard."""
        for _, session_id, seq in self.outbox.watermarks():
            if session_id == self.session.session_id:
                self.world.expect(seq > self.reported.get(session_id, -1), "a watermark went back")
                self.reported[session_id] = seq
                self.watermark.acknowledged(seq)

    def saved(self) -> Saved | None:
        held = self.session.resumable()
        if held is None:
            return None
        return Saved(held.session_id, self.watermark.value, self.watermark.done, held.url)


def _leftovers(disk: list[dict[int, bytes]]) -> list[Leftover]:
    """Examine the files of earlier processes as the spool does."""
    return [
        Leftover.of(Path(f"{process}/{number}"), decode(number, data).items, process=process)
        for process, files in enumerate(disk)
        for number, data in files.items()
    ]
