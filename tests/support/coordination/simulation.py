"""Hosts, their store and the network between them in virtual time: everything that can go wrong, by seed.

The hosts are the real rules (`Member`, `FencedRecord`), each with a clock of its own rate. `Simulation.run`
raises Violation when two hosts may act for the same block or a fence falls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from nescord_core.coordination.rules import lease as l
from nescord_core.coordination.rules.fenced_record import FencedRecord
from nescord_core.coordination.rules.member import (
    AskMembers,
    Drain,
    Effect,
    HostKey,
    Member,
    Request,
    Start,
    Stop,
)
from nescord_core.coordination.rules.view import BlockRecord, HostRecord
from nescord_core.coordination.store import Change, Removed, Written
from support.coordination.simulated_hosts import Faults, Link, SimHost
from support.coordination.simulated_network import HEARTBEATS_MISSED, Network

__all__ = ["TAKEOVER", "Simulation"]

ACT, SAVE, TICK = 0.5, 1.3, 0.25
TAKEOVER = 15.0
"""Seconds within which a dead host's blocks have to be held again."""


class Simulation(Network):
    """One run. ``blocks`` are spread over ``hosts``."""

    def __init__(
        self, seed: int, *, hosts: int = 3, blocks: int = 5, faults: Faults | None = None, rates: float = 0.01
    ) -> None:
        super().__init__(seed, faults or Faults(), hosts=hosts, rates=rates)
        self.blocks = blocks
        self.starts = self.stops = self.moves = 0
        self._cut: set[frozenset[str]] = set()
        self._acted: dict[int, int] = defaultdict(int)
        self._sealed: dict[int, int] = defaultdict(int)
        self.store.sessions.watchers.append(self._record_written)

    # What tests do

    def begin(self) -> None:
        """Start every host."""
        for host in self.hosts.values():
            self.start(host)

    def start(self, host: SimHost) -> None:
        host.incarnation += 1
        record = HostRecord(f"{host.name}-{host.incarnation}", max(self.blocks, 1))
        host.member = Member(host.name, record, self.blocks, self.faults.terms, takes_back=True)
        self.faults.prepare(host.member)
        host.running, host.records, host.inbox = {}, {}, []
        host.connection, host.is_paused = 0, False
        self._note(f"{host.name} starts")
        self._every(TICK, host, self._tick)
        self._every(ACT, host, self._act_all)
        self._every(SAVE, host, self._save_all)
        self._connect(host)

    def kill(self, host: SimHost) -> None:
        self._note(f"{host.name} is killed")
        host.member = None
        host.running = {}
        self._clients.pop(host.connection, None)
        host.connection = 0

    def pause(self, host: SimHost) -> None:
        self._note(f"{host.name} is paused")
        host.is_paused = True

    def resume(self, host: SimHost) -> None:
        """Continue: it first does what it was about to do, then learns what has happened."""
        self._note(f"{host.name} goes on")
        if not host.is_paused or host.member is None:
            return
        host.is_paused = False
        for block, record in list(host.records.items()):  # the deadline was asked before the pause
            self._write_record(host, block, record, record.write())
        self._act_all(host)
        inbox, host.inbox = host.inbox, []
        for deliver in inbox:
            deliver()

    def cut(self, host: SimHost, *, up: bool, down: bool) -> None:
        self._note(f"{host.name}'s link to the store: up {up}, down {down}")
        host.link = Link(up, down)
        host.silent_since = self.time

    def cut_peers(self, one: str, other: str) -> None:
        self._note(f"{one} and {other} do not reach each other")
        self._cut.add(frozenset((one, other)))

    def heal_peers(self) -> None:
        self._cut.clear()

    def stop_store(self, *, wipe: bool = False) -> None:
        self._note("the store is away" + (" and has lost everything" if wipe else ""))
        self.store.is_up = False
        if wipe:
            self.store.wipe()
        for connection, host in list(self._clients.items()):
            self._later(self._latency(), partial(self._broken, host, connection))
        self._clients.clear()

    def start_store(self) -> None:
        self._note("the store is back")
        self.store.is_up = True

    def leave(self, host: SimHost) -> None:
        self._note(f"{host.name} leaves")
        if host.member is not None:
            self._apply(host, host.member.leave(host.now(self.time)))

    def unheld(self) -> list[int]:
        """Return the blocks for which no living host may act now."""
        held = {
            block
            for host in self.hosts.values()
            if host.member is not None and not host.is_paused
            for block in host.running
            if host.member.may_act(block, host.now(self.time))
        }
        return [block for block in range(self.blocks) if block not in held]

    # What a host does

    def _tick(self, host: SimHost) -> None:
        member = host.member
        assert member is not None
        if host.connection and not host.link.down and self.time - host.silent_since > HEARTBEATS_MISSED:
            self._broken(host, host.connection)
        self._apply(host, member.tick(host.now(self.time)))

    def _see(self, host: SimHost, change: Change) -> None:
        member, now = host.member, host.now(self.time)
        assert member is not None
        match change:
            case Written(entry):
                record, view = self.store.value(entry), member.view
                if isinstance(record, HostRecord):
                    view.host_seen(entry.key, record, entry.revision, now)
                elif isinstance(record, BlockRecord):
                    view.block_seen(int(entry.key), record, entry.revision, now)
            case Removed(key, _) if key in self.hosts:
                member.view.host_removed(key, now)
            case Removed(key, revision):
                member.view.block_removed(int(key), revision, now)

    def _apply(self, host: SimHost, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Request(key, ask, record):
                    name = host.name if isinstance(key, HostKey) else str(key)
                    answer = partial(self._answered, host, key)
                    self._ask_store(host, self.store.leases, name, ask, record, answer)
                case Start(block, fence):
                    self._started(host, block, fence)
                case Stop(block, outcome):
                    self._note(f"{host.name} stops block {block}: {outcome.value}")
                    self.stops += 1
                    host.running.pop(block, None)
                    host.records.pop(block, None)
                case Drain(block, target):
                    self.moves += 1
                    self._note(f"{host.name} drains block {block} for {target}")
                    self._later(
                        self.random.uniform(0.05, 0.8), partial(self._drained, host, host.incarnation, block)
                    )
                case AskMembers(members):
                    for name in members:
                        self._ask_member(host, self.hosts[name])

    def _answered(self, host: SimHost, key: int | HostKey, fact: l.Fact, found: object) -> None:
        if host.member is not None:
            self._apply(host, host.member.answered(key, fact, host.now(self.time)))

    def _started(self, host: SimHost, block: int, fence: int) -> None:
        self.starts += 1
        self._note(f"{host.name} starts block {block} with fence {fence}")
        host.running[block] = fence
        host.records[block] = FencedRecord(fence)
        self._act(host, block)
        self._save(host, block)

    def _drained(self, host: SimHost, incarnation: int, block: int) -> None:
        if host.member is None or host.incarnation != incarnation:
            return
        if host.is_paused:
            host.inbox.append(partial(self._drained, host, incarnation, block))
            return
        if host.running.pop(block, None) is not None:
            host.records.pop(block, None)
            self._apply(host, host.member.drained(block))

    def _ask_member(self, host: SimHost, other: SimHost) -> None:
        incarnation, asked_at = host.incarnation, host.now(self.time)
        if frozenset((host.name, other.name)) in self._cut:
            return

        def ask() -> None:
            if other.is_paused:
                other.inbox.append(ask)
                return
            says = other.member is not None and other.member.connection.answers

            def hear() -> None:
                if host.member is not None and host.incarnation == incarnation:
                    if host.is_paused:
                        host.inbox.append(hear)
                        return
                    host.member.heard(other.name, asked_at, store_answers=says)

            self._later(self.random.uniform(0.001, 0.02), hear)

        self._later(self.random.uniform(0.001, 0.02), ask)

    def _act_all(self, host: SimHost) -> None:
        for block in list(host.running):
            self._act(host, block)

    def _act(self, host: SimHost, block: int) -> None:
        """Read a message, connect, resume: whatever only the holder may do."""
        assert host.member is not None
        if not self.faults.acts_by_timer and not host.member.may_act(block, host.now(self.time)):
            return
        fence = host.running[block]
        if fence < self._acted[block]:
            self.fail(f"{host.name} acts for block {block} with fence {fence} after {self._acted[block]}")
        self._acted[block] = fence
        for other in self.hosts.values():
            if (
                other is not host
                and other.member is not None
                and block in other.running
                and (other.member.may_act(block, other.now(self.time)))
            ):
                self.fail(f"{host.name} and {other.name} may both act for block {block}")

    def _save_all(self, host: SimHost) -> None:
        for block in list(host.running):
            self._save(host, block)

    def _save(self, host: SimHost, block: int) -> None:
        record = host.records.get(block)
        assert host.member is not None
        if record is not None and host.member.may_act(block, host.now(self.time)):
            self._write_record(host, block, record, record.write())

    def _write_record(
        self, host: SimHost, block: int, record: FencedRecord, ask: l.Write | l.Look | None
    ) -> None:
        if ask is None:
            return
        key = f"sessions.{block}"

        def answered(fact: l.Fact, found: object) -> None:
            again = record.handle(fact, found if isinstance(found, int) else 0)
            if host.records.get(block) is record:
                self._write_record(host, block, record, again)

        self._ask_store(host, self.store.sessions, key, ask, record.fence, answered)

    def _record_written(self, change: Change) -> None:
        if isinstance(change, Written):
            block, fence = int(change.entry.key.rpartition(".")[2]), self.store.value(change.entry)
            assert isinstance(fence, int)
            if fence < self._sealed[block]:
                self.fail(
                    f"the record of block {block} is written with fence {fence} after {self._sealed[block]}"
                )
            self._sealed[block] = fence
