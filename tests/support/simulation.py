"""The rules of both sides together in one thread and virtual time, with a seeded network that misbehaves.

Discord, one ws with its session, outbox, overflow and partition, and replicas of main with their window of
finished events. Connections are slow, break, and are noticed late; ws and main crash; replicas drain; the
gateway drops sessions. What is promised is checked while it runs and at the end.
"""

from __future__ import annotations

import heapq
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from nescord_core.dispatch.dedupe import Dedupe
from nescord_core.dispatch.outbox import Entry, Outbox
from nescord_core.dispatch.partition import Partition, Stream
from nescord_core.dispatch.spill import Overflow, SpillLimits
from nescord_core.dispatch.spill_records import MAGIC, decode, encode
from nescord_core.envelope import Envelope
from nescord_core.gateway import signals as s
from nescord_core.gateway.backoff import Backoff
from nescord_core.gateway.opcodes import Op
from nescord_core.gateway.session import Resumable, Session, SessionRules, State
from nescord_core.gateway.watermark import Watermark

__all__ = ["MUTATIONS", "World", "check"]

MUTATIONS = (
    "ack on receipt",
    "no hold at hand-over",
    "watermark too high",
    "marks removed",
    "spool overtaken",
)
"""Faults put into the rules on purpose; each has to be found."""

Identity = tuple[str, int]

_RULES = SessionRules(invalid_wait=(0.01, 0.05), backoff=Backoff(0.01, 0.1))
_HELLO = json.dumps({"heartbeat_interval": 10**9}).encode()
_STEPS = 60_000
SEGMENT = 10
"""Events that a part of the disk brings back at once, at most."""


class HastyOutbox(Outbox):
    """Says of every session that all that came is done."""

    def watermarks(self) -> list[tuple[int, str, int]]:
        super().watermarks()
        risen = [track for track in self._latest.values() if track.highest > track.floors.get(0, -1)]
        for track in risen:
            track.floors[0] = track.highest
        return [(track.shard_id, track.session_id, track.highest) for track in risen]


class HastyPartition(Partition):
    """Moves lanes while something of them is in flight elsewhere."""

    def _rebalance(self, returned: Any = ()) -> None:
        super()._rebalance(returned)
        holds, self._holds = self._holds, {}
        for hold in holds.values():
            for entry in hold.waiting:
                self.assign(entry)


class HastyOverflow(Overflow):
    """Lets events pass those of their lane that are on disk."""

    def take(self, entry: Entry) -> bool:
        return self._outbox.events > self.limits.spill_events and super().take(entry)


class Wire:
    """One direction of a connection: nothing overtakes on it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.last = 0.0
        self.is_open = True

    def send(self, deliver: Callable[..., None], *what: Any) -> None:
        world = self.world
        self.last = max(self.last, world.now + world.delay())
        world.at(self.last, self._arrive, deliver, what)

    def _arrive(self, deliver: Callable[..., None], what: tuple[Any, ...]) -> None:
        if self.is_open:
            deliver(*what)


class Discord:
    """Sends numbered events of several guilds; keeps all of a session for a RESUME."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.session = ""
        self.log: dict[str, list[tuple[int, str, int, int]]] = {}
        self.numbers: Counter[int] = Counter()
        self.wire: Wire | None = None
        self.invalid = False
        self.identifies = 0

    def publish(self) -> None:
        world = self.world
        if self.session:
            guild = world.chance.randint(1, world.guilds)
            self.numbers[guild] += 1
            self._append("MESSAGE", guild, self.numbers[guild])
            world.left -= 1
        if world.left > 0:
            world.after(world.chance.expovariate(400), self.publish)

    def _append(self, kind: str, guild: int, number: int) -> None:
        log = self.log[self.session]
        log.append((len(log) + 1, kind, guild, number))
        if self.wire is not None:
            self._dispatch(*log[-1])

    def _dispatch(self, seq: int, kind: str, guild: int, number: int, d: bytes = b"") -> None:
        assert self.wire is not None
        self.wire.send(self.world.ws_frame, seq, kind, guild, number, d)

    def identify(self, wire: Wire) -> None:
        self.identifies += 1
        self.session, self.wire, self.invalid = f"s{self.identifies}", wire, False
        self.log[self.session] = [(1, "READY", 0, 0)]
        ready = {
            "session_id": self.session,
            "resume_gateway_url": "ws://resume",
            "application": {"id": "1"},
            "user": {"id": "1"},
        }
        self._dispatch(1, "READY", 0, 0, json.dumps(ready).encode())

    def resume(self, wire: Wire, session: str, seq: int) -> None:
        if self.invalid or session != self.session:
            self.invalid = False
            wire.send(self.world.ws_control, s.Frame(Op.INVALID_SESSION, d=b"false"))
            return
        self.wire = wire
        for event in self.log[session][seq:]:
            if event[1] != "RESUMED":  # it is about a connection, and not replayed on the next one
                self._dispatch(*event)
        self._append("RESUMED", 0, 0)


class Ws:
    """One process of ws. Its files and the persisted session belong to the world, and outlive it."""

    def __init__(self, world: World, saved: Resumable | None) -> None:
        self.world = world
        mutation = world.mutation
        self.outbox = (HastyOutbox if mutation == "watermark too high" else Outbox)(
            max_events=world.bound, max_bytes=1 << 40
        )
        self.partition = (HastyPartition if mutation == "no hold at hand-over" else Partition)()
        limits = SpillLimits(
            spill_events=world.bound // 2,
            spill_bytes=1 << 40,
            refill_events=world.bound * 3 // 4,
            refill_bytes=1 << 40,
            segment_bytes=world.chance.choice((400, 1300, 3600)),
            disk_bytes=1 << 40,
            backlog=max(world.bound // 8, 1),
        )
        overflow = HastyOverflow if mutation == "spool overtaken" else Overflow
        self.overflow = overflow(self.outbox, self.partition, limits)
        self.watermark = Watermark(saved.seq if saved else 0)
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
                self.watermark = Watermark()
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
        """Do what the shard and the sender do with an event."""
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
        ):  # the disk is far faster than a gateway, whose bursts these bounds are small for
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
        """Tell the shard how far all is done."""
        for _, session_id, seq in self.outbox.watermarks():
            if session_id == self.session.session_id:
                self.world.expect(seq > self.reported.get(session_id, -1), "a watermark went back")
                self.reported[session_id] = seq
                self.watermark.acknowledged(seq)

    def saved(self) -> Resumable | None:
        held = self.session.resumable()
        return None if held is None else Resumable(held.session_id, self.watermark.value, held.url)


class Main:
    """One process of a replica."""

    def __init__(self, world: World, address: str) -> None:
        self.world = world
        self.address = address
        self.is_alive = True
        self.is_leaving = False
        self.conns: dict[Conn, None] = {}  # ordered, unlike a set, so that a seed reproduces
        self.elsewhere: dict[Identity, tuple[Conn, int] | None] = {}
        self.unflushed: list[Identity] = []

    def finish(self, conn: Conn, number: int, identity: Identity) -> None:
        """All handlers of an event have ended."""
        if not self.is_alive:
            return
        self.world.finished.add(identity)
        self.unflushed.append(identity)
        where: tuple[Conn, int] | None = (conn, number)
        if not conn.main_open:
            self.flush()
            where = self.elsewhere.pop(identity, None)
        if where is not None:
            where[0].outstanding.pop(where[1], None)
            self.world.after(0.002, where[0].acknowledge, where[1])

    def flush(self) -> None:
        for session_id, seq in self.unflushed:
            self.world.flushed.add(0, session_id, seq)
        self.unflushed.clear()


class Conn:
    """A stream between a ws and a main; either side may notice later than the other that it is gone."""

    def __init__(self, world: World, ws: Ws, main: Main) -> None:
        self.world = world
        self.ws = ws
        self.main = main
        self.to_main, self.to_ws = Wire(world), Wire(world)
        self.main_open = self.ws_open = True
        self.is_quiet = self.is_draining = self.is_told = False
        self.outstanding: dict[int, Identity] = {}
        self.stream: Stream = ws.partition.attach(
            main.address, credit=world.chance.randint(2, 12), notify=lambda: world.mark_dirty(self)
        )
        ws.conns[self] = None
        main.conns[self] = None
        world.mark_dirty(self)

    def pump(self) -> None:
        """Send what may be sent."""
        while self.ws_open and self.ws is self.world.ws:
            first, batch = self.ws.partition.take(self.stream, max_events=4, max_bytes=1 << 20)
            if not batch:
                return
            marks = [entry.redelivered or entry.envelope.redelivered for entry in batch]
            if self.world.mutation == "marks removed":
                marks = [False] * len(batch)
            self.to_main.send(self._arrive, first, [entry.envelope for entry in batch], marks)

    def _arrive(self, first: int, envelopes: list[Envelope], marks: list[bool]) -> None:
        if self.main_open and self.main.is_alive:
            for number, (envelope, marked) in enumerate(zip(envelopes, marks, strict=True), first):
                self._take(number, envelope, marked)

    def _take(self, number: int, envelope: Envelope, marked: bool) -> None:
        """The receiver's rules."""
        world, identity = self.world, (envelope.session_id, envelope.seq)
        if marked and world.flushed.seen(0, *identity):
            world.after(0.001, self.acknowledge, number)
            return
        if marked and identity in self.main.elsewhere:
            self.main.elsewhere[identity] = (self, number)
            return
        if self.is_draining:
            self.to_ws.send(self._handed_back, number, False)
            return
        self.outstanding[number] = identity
        world.begin(envelope, marked)
        if world.mutation == "ack on receipt":
            self.to_ws.send(self._settle, number)
        world.after(world.chance.expovariate(150), self.main.finish, self, number, identity)

    def acknowledge(self, number: int) -> None:
        if self.main.is_alive and self.main_open:
            self.main.flush()
            self.to_ws.send(self._settle, number)

    def _settle(self, number: int) -> None:
        if self.ws_open and self.ws is self.world.ws:
            for entry in self.ws.partition.settle(self.stream, number, number):
                self.ws.outbox.done(entry)
            self.ws.report()

    def _handed_back(self, number: int, started: bool) -> None:
        if self.ws_open and self.ws is self.world.ws:
            self.ws.partition.give_back(self.stream, [number], started=started)

    # Leaving

    def drain(self) -> None:
        """Main takes no more on it."""
        self.is_draining = True
        self.to_ws.send(self._told_to_drain)

    def _told_to_drain(self) -> None:
        if self.ws_open and self.ws is self.world.ws:
            self.is_told = True
            self.ws.partition.drain(self.stream)
            self.to_main.send(self._quiet)
            self.world.after(self.world.delay(), self.world.dial, self.main.address)
            self.world.after(0.05, self.ws.partition.vacate, self.main.address)

    def _quiet(self) -> None:
        self.is_quiet = True

    def close(self) -> None:
        """The last word of main on it."""
        for number in list(self.outstanding):
            del self.outstanding[number]
            self.to_ws.send(self._handed_back, number, True)
        self.to_ws.send(self.lost_at_ws)
        self.main_open = False

    def lost_at_ws(self) -> None:
        if self.ws_open and self.ws is self.world.ws:
            self.ws_open = self.to_ws.is_open = False
            self.ws.conns.pop(self, None)
            self.ws.partition.lose(self.stream)
            if not self.is_told:
                self.world.after(self.world.delay(), self.world.dial, self.main.address)

    def lost_at_main(self) -> None:
        if self.main_open:
            self.main_open = self.to_main.is_open = False
            self.main.conns.pop(self, None)
            for identity in self.outstanding.values():
                self.main.elsewhere[identity] = None
            for identity, where in self.main.elsewhere.items():
                if where is not None and where[0] is self:
                    self.main.elsewhere[identity] = None
            self.outstanding.clear()


class World:
    """Everything, for one seed. `run` returns what was found wrong, empty when all is as promised."""

    def __init__(self, seed: int, mutation: str = "") -> None:
        self.chance = random.Random(seed)
        self.mutation = mutation
        self.now = 0.0
        self.agenda: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.steps = 0
        self.problems: list[str] = []
        self.guilds = self.chance.randint(1, 4)
        self.left = self.chance.randint(20, 70)
        self.bound = self.chance.choice((16, 24, 60, 400))
        self.slow = self.chance.choice((0.001, 0.004, 0.015))
        self.faults = self.chance.randint(0, 8)
        # A session that Discord drops after ws has crashed takes with it what only Discord had.
        self.drops_sessions = self.chance.random() < 0.3
        self.disk: list[dict[int, bytes]] = []
        self.finished: set[Identity] = set()
        self.flushed = Dedupe(10_000)
        self.received: set[Identity] = set()
        self.excused: set[Identity] = set()
        self.begun: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        self.dirty: dict[Conn, None] = {}
        self.discord = Discord(self)
        self.persisted: Resumable | None = None
        self.ws: Ws | None = None
        names = "abc"[: self.chance.randint(1, 3)]
        self.mains = {name: Main(self, name) for name in names}

    # Time

    def at(self, when: float, act: Callable[..., None], *what: Any) -> None:
        self.steps += 1
        heapq.heappush(self.agenda, (when, self.steps, act, what))

    def after(self, seconds: float, act: Callable[..., None], *what: Any) -> None:
        self.at(self.now + seconds, act, *what)

    def delay(self) -> float:
        return self.chance.random() * self.slow

    def run(self) -> list[str]:
        self.start_ws()
        self.after(0.02, self.discord.publish)
        self.after(0.05, self.persist)
        for _ in range(self.faults):
            self.after(self.chance.random() * 0.3, self.trouble)
        while self.agenda and not self.problems:
            self.now, _, act, what = heapq.heappop(self.agenda)
            act(*what)
            while self.dirty:
                self.dirty.popitem()[0].pump()
            ws = self.ws
            if ws is not None:
                bound = self.bound + SEGMENT + sum(conn.stream.credit for conn in ws.conns)
                self.expect(ws.outbox.events <= bound, "the memory of ws is not bounded")
            self.expect(self.steps < _STEPS, "it never settles")
        if not self.problems:
            self._look_back()
        return self.problems

    def mark_dirty(self, conn: Conn) -> None:
        self.dirty[conn] = None

    def expect(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self.problems.append(otherwise)

    # What happens

    def start_ws(self) -> None:
        self.ws = ws = Ws(self, self.persisted)
        ws.step(s.Start())
        for address in self.mains:
            self.after(self.delay(), self.dial, address)

    def dial(self, address: str) -> None:
        ws, main = self.ws, self.mains[address]
        if ws is None or any(conn.main is main and conn.ws_open for conn in ws.conns):
            return
        if not main.is_alive or main.is_leaving:
            self.after(0.01, self.dial, address)
            return
        Conn(self, ws, main)

    def ws_control(self, fact: s.Fact) -> None:
        if self.ws is not None:
            self.ws.step(fact)

    def ws_frame(self, seq: int, kind: str, guild: int, number: int, d: bytes) -> None:
        ws = self.ws
        if ws is None:
            return
        if kind in {"READY", "RESUMED"}:
            ws.step(s.Frame(Op.DISPATCH, seq, kind, d))
        elif ws.session.advance(seq):
            ws.put(kind, seq, guild, number, redelivered=ws.session.restored)

    def meaning(self, session_id: str, seq: int) -> tuple[int, int]:
        return self.discord.log[session_id][seq - 1][2:]

    def persist(self) -> None:
        ws = self.ws
        if ws is not None:
            self.persisted = ws.saved()
            if self.persisted is not None:
                self._check_persisted(self.persisted)
        if self.left > 0 or ws is None or ws.outbox.unfinished or ws.session.state is not State.CONNECTED:
            self.after(0.03, self.persist)

    def _check_persisted(self, saved: Resumable) -> None:
        for seq, kind, *_ in self.discord.log[saved.session_id][: saved.seq]:
            known = kind == "RESUMED" or (saved.session_id, seq) in self.finished
            self.expect(known, f"seq {seq} is not finished, and the next RESUME begins at {saved.seq}")

    def begin(self, envelope: Envelope, marked: bool) -> None:
        identity = (envelope.session_id, envelope.seq)
        already = self.flushed.seen(0, *identity)
        self.expect(not already, f"{identity} was finished for good and is handled again")
        if envelope.type == "MESSAGE":
            self.begun[envelope.guild_id].append((int(envelope.data), marked))

    # Trouble

    def trouble(self) -> None:
        ways = [
            self.crash_main,
            self.reload_main,
            self.reset_stream,
            self.drop_gateway,
            self.ask_to_reconnect,
        ]
        ways += [self.drop_session] if self.drops_sessions else [self.crash_ws]
        self.chance.choice(ways)()

    def _some_main(self) -> Main:
        return self.mains[self.chance.choice(sorted(self.mains))]

    def crash_main(self) -> None:
        main = self._some_main()
        main.is_alive = False
        for conn in main.conns:
            self.after(self.delay() * 3, conn.lost_at_ws)
        self.after(self.chance.random() * 0.1, self._replace, main)

    def _replace(self, main: Main) -> None:
        if self.mains[main.address] is main:
            self.mains[main.address] = Main(self, main.address)

    def reload_main(self) -> None:
        old = self._some_main()
        if not old.is_alive or old.is_leaving:
            return
        old.is_leaving = True
        self.mains[old.address] = Main(self, old.address)
        for conn in list(old.conns):
            conn.drain()
        self.after(0.005 + self.chance.random() * 0.05, self._leave, old, self.now + 0.1)

    def _leave(self, main: Main, deadline: float) -> None:
        """End when all is done and nothing can come any more, or when it took too long."""
        open_conns = [conn for conn in main.conns if conn.main_open]
        if main.is_alive and self.now < deadline:
            waits = main.elsewhere or any(conn.outstanding or not conn.is_quiet for conn in open_conns)
            if waits:
                self.after(0.01, self._leave, main, deadline)
                return
        if main.is_alive:
            main.flush()
            for conn in open_conns:
                conn.close()
            main.is_alive = False

    def reset_stream(self) -> None:
        conns = sorted(self.ws.conns, key=lambda conn: conn.main.address) if self.ws else []
        if conns:
            conn = self.chance.choice(conns)
            conn.to_main.is_open = conn.to_ws.is_open = False
            self.after(self.delay() * 3, conn.lost_at_ws)
            self.after(self.delay() * 3, conn.lost_at_main)

    def drop_gateway(self) -> None:
        ws = self.ws
        if (
            ws is not None
            and ws.wire is not None
            and ws.session.state not in {State.CONNECTING, State.WAITING}
        ):
            ws.hang_up()
            ws.step(s.Closed(None))

    def ask_to_reconnect(self) -> None:
        ws = self.ws
        if ws is not None and ws.wire is not None and ws.session.state is State.CONNECTED:
            frames = (s.Frame(Op.RECONNECT), s.Frame(Op.INVALID_SESSION, d=b"true"))
            ws.wire.send(self.ws_control, self.chance.choice(frames))

    def drop_session(self) -> None:
        """The next RESUME is refused; what ws has not received by then was never its to deliver."""
        self.discord.invalid = True
        self.drop_gateway()

    def crash_ws(self) -> None:
        ws = self.ws
        if ws is None:
            return
        self.ws = None
        ws.hang_up()
        self.dirty.clear()
        held = ws.session.session_id
        if self.chance.random() < 0.2 or self.persisted is None or self.persisted.session_id != held:
            self._lose_session_too(ws)
        for conn in ws.conns:
            self.after(self.delay() * 3, conn.lost_at_main)
        self.after(0.01 + self.chance.random() * 0.05, self.start_ws)

    def _lose_session_too(self, ws: Ws) -> None:
        """The session cannot be resumed, or was too young to be on disk: the spool is all there is."""
        self.discord.invalid = True
        files = [*ws.left, *ws.adopted.values(), *ws.files.values()]
        on_disk = {item.envelope[1:3] for data in files for item in decode(data)[0]}
        self.excused |= self.received - on_disk

    # The end

    def _look_back(self) -> None:
        ws = self.ws
        assert ws is not None
        self.expect(ws.outbox.unfinished == 0, "something is left in the outbox")
        self.expect(not ws.files, "files are left on disk")
        self.expect(ws.outbox.shed_by_shard == {}, "events were shed")
        self._look_for_losses(ws)
        for guild, pairs in self.begun.items():
            seen: set[int] = set()
            highest = 0
            for number, marked in pairs:
                if number in seen:
                    self.expect(marked, f"guild {guild}: {number} again without a mark")
                    continue
                self.expect(number > highest, f"guild {guild}: {number} after {highest}")
                seen.add(number)
                highest = number

    def _look_for_losses(self, ws: Ws) -> None:
        for session_id, log in self.discord.log.items():
            for seq, kind, *_ in log:
                identity = (session_id, seq)
                wanted = session_id == ws.session.session_id or identity in self.received
                excused = kind == "RESUMED" or identity in self.excused
                self.expect(not wanted or excused or identity in self.finished, f"{identity} is lost")


def check(seed: int, mutation: str = "") -> list[str]:
    """Run one seed; returns what is wrong."""
    return World(seed, mutation).run()
