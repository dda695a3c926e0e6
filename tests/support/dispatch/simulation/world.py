"""The whole simulation for one seed, and the promises it checks."""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from nescord_core.dispatch.receiver.dedupe import Dedupe
from nescord_core.dispatch.receiver.intake import Identity as FullIdentity
from nescord_core.dispatch.receiver.intake import identity_of
from nescord_core.dispatch.sender.spool.records import decode
from nescord_core.envelope import Envelope
from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.opcodes import Op
from nescord_core.gateway.session.states import State
from support.dispatch.simulation.conn import Conn
from support.dispatch.simulation.gateway import Discord
from support.dispatch.simulation.main import Main
from support.dispatch.simulation.trouble import Trouble
from support.dispatch.simulation.ws import Saved, Ws

__all__ = ["World", "check"]

Identity = tuple[str, int]

_STEPS = 100_000
SEGMENT = 10
"""The maximum number of events that a segment restores at once."""


class World:
    """The whole simulation. `run` returns the violations found; empty if every promise held."""

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
        # Enough for what ws and the wire hold at 400 events a second, and few enough for the spool to matter.
        self.replayed = self.chance.choice((30, 60))
        self.slow = self.chance.choice((0.001, 0.004, 0.015))
        self.faults = self.chance.randint(0, 8)
        # A session that Discord drops after ws has crashed takes the events that only Discord had with it.
        self.drops_sessions = self.chance.random() < 0.3
        self.disk: list[dict[int, bytes]] = []
        """The files of every process of ws there was."""
        # Handlers: how many at a time, and the guilds in which one has to end before the next starts.
        self.concurrency = self.chance.choice((1, 3, 100))
        self.ordered = {guild for guild in range(1, self.guilds + 1) if self.chance.random() < 0.4}
        self.alone: dict[tuple[Main, int], Envelope] = {}
        self.deaths: list[set[FullIdentity]] = []
        self.finished: set[Identity] = set()
        self.flushed = Dedupe(10_000)
        self.received: set[Identity] = set()
        self.excused: set[Identity] = set()
        self.begun: dict[int, list[tuple[int, bool, Identity]]] = defaultdict(list)
        self.dirty: dict[Conn, None] = {}
        self.discord = Discord(self)
        self.persisted: Saved | None = None
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
            self.after(self.chance.random() * 0.3, Trouble(self).strike)
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

    # Events

    def start_ws(self) -> None:
        self.ws = ws = Ws(self, self.persisted)
        ws.step(s.Start())
        for address in self.mains:
            self.after(self.delay(), self.dial, address)

    def dial(self, address: str) -> None:
        ws, main = self.ws, self.mains[address]
        if ws is None or any(conn.main is main and conn.ws_open for conn in ws.conns):
            return
        if not main.is_alive or main.is_leaving or main.is_frozen:
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
            self._check_persisted(self.persisted)
        if self.is_busy():
            self.after(0.03, self.persist)

    def on_disk(self) -> set[Identity]:
        """Return the events that outlive ws."""
        return {
            (item.envelope.session_id, item.envelope.seq)
            for files in self.disk
            for number, data in files.items()
            for item in decode(number, data).items
        }

    def persist_now(self) -> None:
        """Save a position that has moved a long way, as a cluster does."""
        if self.ws is not None:
            self.persisted = self.ws.saved()
            self._check_persisted(self.persisted)

    def is_busy(self) -> bool:
        """Whether more is to come."""
        ws = self.ws
        return (
            self.left > 0 or ws is None or ws.outbox.unfinished > 0 or ws.session.state is not State.CONNECTED
        )

    def _check_persisted(self, saved: Saved | None) -> None:
        if saved is None:
            return
        on_disk = self.on_disk()
        for seq, kind, *_ in self.discord.log[saved.session_id][: saved.seq]:
            identity = (saved.session_id, seq)
            known = kind == "RESUMED" or identity in self.finished or identity in on_disk
            self.expect(known, f"seq {seq} is not finished, and the next RESUME begins at {saved.seq}")

    # Reports of the mains

    def is_ordered(self, key: int) -> bool:
        return key in self.ordered

    def accept(self, envelope: Envelope) -> None:
        """An unmarked event may lie in the buffers of a frozen process; it must not start."""
        known = envelope.redelivered and self.flushed.seen(*identity_of(envelope))
        self.expect(not known, f"{identity_of(envelope)} was finished for good and comes again")

    def begin(self, main: Main, envelope: Envelope, *, exclusive: bool) -> None:
        before = self.alone.get((main, envelope.key))
        self.expect(
            before is None, f"{envelope.seq} of guild {envelope.key} began beside one that is ordered"
        )
        if exclusive:
            self.alone[main, envelope.key] = envelope
        if envelope.type == "MESSAGE":
            identity = (envelope.session_id, envelope.seq)
            self.begun[envelope.guild_id].append((int(envelope.data), envelope.redelivered, identity))

    def end(self, main: Main, envelope: Envelope) -> None:
        if self.alone.get((main, envelope.key)) is envelope:
            del self.alone[main, envelope.key]

    # Final checks

    def _look_back(self) -> None:
        ws = self.ws
        assert ws is not None
        self.expect(ws.outbox.unfinished == 0, "something is left in the outbox")
        self.expect(not any(self.disk), "files are left on disk")
        self.expect(ws.outbox.shed_by_shard == {}, "events were shed")
        self._look_for_losses(ws)
        for guild, pairs in self.begun.items():
            seen: set[int] = set()
            highest = 0
            for number, marked, identity in pairs:
                if number in seen:
                    self.expect(marked, f"guild {guild}: {number} again without a mark")
                    continue
                # An event lost with ws and its session may still start where it was in flight, beside the
                # next session's events: that process does not know about the crash.
                is_orphan = identity in self.excused
                self.expect(number > highest or is_orphan, f"guild {guild}: {number} after {highest}")
                seen.add(number)
                highest = max(highest, number)

    def _look_for_losses(self, ws: Ws) -> None:
        for session_id, log in self.discord.log.items():
            for seq, kind, *_ in log:
                identity = (session_id, seq)
                wanted = session_id == ws.session.session_id or identity in self.received
                excused = kind == "RESUMED" or identity in self.excused
                self.expect(not wanted or excused or identity in self.finished, f"{identity} is lost")


def check(seed: int, mutation: str = "") -> list[str]:
    """Run one seed; return its violations."""
    return World(seed, mutation).run()
