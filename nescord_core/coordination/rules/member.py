"""One host among several: which blocks it claims, keeps, moves and lets go.

A block is a number of shards that one process holds. Every member sees the same keys and decides alike; the
store decides between two that claim at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from nescord_core.coordination.rules import lease as l
from nescord_core.coordination.rules.connection import Connection
from nescord_core.coordination.rules.lease import Lease, LeaseState, Outcome
from nescord_core.coordination.rules.placement import next_move, place
from nescord_core.coordination.rules.terms import Terms
from nescord_core.coordination.rules.testimony import Testimony
from nescord_core.coordination.rules.view import BlockRecord, HostRecord, View

__all__ = ["AskMembers", "Drain", "Effect", "HostKey", "Member", "Request", "Start", "Stop"]


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key of this host's own record; the key of a block is its number."""


Key = int | HostKey


@dataclass(frozen=True, slots=True)
class Request:
    """Ask the store, and report its answer to `Member.answered`. ``record`` is what to write."""

    key: Key
    ask: l.Write | l.Erase | l.Look
    record: BlockRecord | HostRecord


@dataclass(frozen=True, slots=True)
class Start:
    """Hold this block. Everything done for it carries the fence."""

    block: int
    fence: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Finish and keep this block's sessions for ``target``, then call `Member.drained`."""

    block: int
    target: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Let go of this block at once: close its connections, write nothing."""

    block: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class AskMembers:
    """Ask these members whether the store answers them, and report to `Member.heard`."""

    members: tuple[str, ...]


Effect = Request | Start | Drain | Stop | AskMembers


class Member:
    """The rules of one host. Call `tick` at least four times a second, and whenever something has happened.

    ``takes_back``: no process of an earlier run of this host is left, so that what it held is free.
    """

    def __init__(
        self, name: str, record: HostRecord, blocks: int, terms: Terms, *, takes_back: bool = False
    ) -> None:
        self.name = name
        self.terms = terms
        self.view = View(terms, blocks)
        self.connection = Connection(terms)
        self.testimony = Testimony(terms)
        self._record = record
        self._number = blocks
        self._takes_back = takes_back
        self._host = Lease(terms)
        self._blocks: dict[int, Lease] = {}
        self._targets: dict[int, str | None] = {}
        self._ask_at = float("-inf")
        self._plan_at = float("-inf")

    # What the driver and the shards ask

    @property
    def is_leaving(self) -> bool:
        """Whether `leave` was called."""
        return self._record.is_leaving

    @property
    def held(self) -> dict[int, int]:
        """The blocks held, with their fences."""
        return {block: lease.fence for block, lease in self._blocks.items() if lease.is_held}

    def deadline(self, block: int) -> float:
        """Return until when this host may act for a block, as of now."""
        lease = self._block(block)
        return max(lease.until, self._kept_until()) if lease.is_held else float("-inf")

    def may_act(self, block: int, now: float) -> bool:
        """Whether this host may read, connect or write for a block; asked before each such act."""
        lease = self._block(block)
        return lease.is_held and (now < lease.until or now < self._kept_until())

    # What happens

    def connected(self, now: float) -> None:
        """The watch is in sync, and the store answers."""
        self.view.synced(now)
        self.connection.connected(now)

    def gap(self) -> None:
        """The store does not answer."""
        self.view.begin()
        self.connection.gap()

    def heard(self, member: str, asked_at: float, *, store_answers: bool) -> None:
        """Take a member's answer to the question whether the store answers it."""
        self.testimony.heard(member, asked_at, store_answers=store_answers)

    def answered(self, key: Key, fact: l.Fact, now: float) -> list[Effect]:
        """Take the store's answer to a request."""
        if isinstance(fact, l.Lost):
            self.gap()
        lease = self._host if isinstance(key, HostKey) else self._block(key)
        return list(self._translated(key, lease.handle(fact, now)))

    def drained(self, block: int) -> list[Effect]:
        """The block's sessions are kept and its connections closed: give the lease up."""
        return list(self._translated(block, self._block(block).release()))

    def leave(self, now: float) -> list[Effect]:
        """Hand all blocks over; once none is left, `tick` gives this host's own key up."""
        self._record = replace(self._record, is_leaving=True)
        effects = list(self._translated(HostKey(), self._host.rewrite(now)))
        targets = place(self.held, self._held_by_others(now), self._number, self._capacities(now))
        for block in self.held:
            effects += self._drain(block, targets.get(block), now)
        return effects

    def tick(self, now: float) -> list[Effect]:
        """Renew, end, claim, move: whatever is due."""
        self.connection.tick(now)
        if self.connection.answers and self.view.in_sync:
            self.view.is_current(now)
        effects: list[Effect] = list(self._translated(HostKey(), self._host.tick(now)))
        for block, lease in self._blocks.items():
            if lease.is_held:
                kept_until = lease.until if now < lease.until else self._kept_until()
                effects += self._translated(block, lease.tick(now, kept_until))
        if self.connection.answers and self.view.in_sync:
            effects += self._own_key(now)
            effects += self._claims(now)
            effects += self._move(now)
        elif not self.connection.answers and now >= self._ask_at:
            self._ask_at = now + self.terms.ask_every
            effects.append(AskMembers(tuple(self._others())))
        return effects

    def _own_key(self, now: float) -> Iterator[Effect]:
        if self._host.state is LeaseState.IDLE and not self.is_leaving:
            over = self.view.host_revision(self.name, now) if self._takes_back else 0
            yield from self._translated(HostKey(), self._host.claim(now, over=over))
        elif (
            self._host.is_held
            and self.is_leaving
            and not any(lease.state is not LeaseState.IDLE for lease in self._blocks.values())
        ):
            yield from self._translated(HostKey(), self._host.release())

    def _claims(self, now: float) -> Iterator[Effect]:
        if self.is_leaving or not self._host.is_held:
            return
        if self._takes_back:
            for block, revision in self.view.left_by(self.name, self._record.instance, now).items():
                if self._block(block).state is LeaseState.IDLE:
                    yield from self._translated(block, self._block(block).claim(now, over=revision))
        if not self.connection.may_claim(now):
            return
        free = self.view.free(now)
        if not free:
            return
        capacities = self._capacities(now)
        placed = place(free, self._holders(now), self._number, capacities)
        spare = self._record.capacity - sum(
            lease.state is not LeaseState.IDLE for lease in self._blocks.values()
        )
        for block, since in sorted(free.items()):
            if spare <= 0:
                return
            lease = self._block(block)
            if lease.state is LeaseState.IDLE and self._is_next(block, since, placed, now):
                spare -= 1
                yield from self._translated(block, lease.claim(now))

    def _is_next(self, block: int, since: float, placed: dict[int, str], now: float) -> bool:
        """Whether it is this host's turn to claim a free block; after a while, everybody's."""
        return self.name == (self.view.promised_to(block) or placed.get(block)) or (
            now - max(since, self.connection.may_claim_from) >= self.terms.free_for
        )

    def _move(self, now: float) -> list[Effect]:
        """Begin one move towards an even share, if nothing else is going on."""
        if (
            now < self._plan_at
            or self.is_leaving
            or self._targets
            or not self.connection.may_claim(now)
            or now - self.view.changed_at < self.terms.move_every
            or self.view.free(now)
        ):
            return []
        self._plan_at = now + self.terms.plan_every
        records = self.view.holders(now)
        if any(record.moving_to for record in records.values()):
            return []
        move = next_move({block: record.host for block, record in records.items()}, self._capacities(now))
        if move is None or move.source != self.name or not self._block(move.block).is_held:
            return []
        return self._drain(move.block, move.target, now)

    def _drain(self, block: int, target: str | None, now: float) -> list[Effect]:
        self._targets[block] = target
        return [*self._translated(block, self._block(block).rewrite(now)), Drain(block, target)]

    def _translated(self, key: Key, effects: list[l.Effect]) -> Iterator[Effect]:
        for effect in effects:
            match effect:
                case l.Began(fence) if isinstance(key, int):
                    yield Start(key, fence)
                case l.Ended(outcome) if isinstance(key, int):
                    self._targets.pop(key, None)
                    if outcome is not Outcome.RELEASED:
                        yield Stop(key, outcome)
                case l.Write() | l.Erase() | l.Look():
                    yield Request(key, effect, self._record if isinstance(key, HostKey) else self._said(key))

    def _block(self, block: int) -> Lease:
        lease = self._blocks.get(block)
        if lease is None:
            lease = self._blocks[block] = Lease(self.terms)
        return lease

    def _said(self, block: int) -> BlockRecord:
        return BlockRecord(self.name, self._record.instance, self._targets.get(block))

    def _kept_until(self) -> float:
        return self.testimony.kept_until(self._others())

    def _others(self) -> list[str]:
        return [name for name in self.view.members() if name != self.name]

    def _capacities(self, now: float) -> dict[str, int]:
        known = self.view.capacities(now)
        if self._host.is_held and not self.is_leaving:
            known[self.name] = self._record.capacity
        else:
            known.pop(self.name, None)
        return known

    def _holders(self, now: float) -> dict[int, str]:
        return {block: record.host for block, record in self.view.holders(now).items()}

    def _held_by_others(self, now: float) -> dict[int, str]:
        return {block: host for block, host in self._holders(now).items() if host != self.name}
