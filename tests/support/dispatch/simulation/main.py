"""One process of main in the simulation: the intake's rules, and the runtime's handling of handlers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nescord_core.bot.ordering import EventOrder
from nescord_core.dispatch.receiver.intake import Delivery, Identity, Intake
from support.dispatch.simulation import mutations

if TYPE_CHECKING:
    from support.dispatch.simulation.conn import Conn
    from support.dispatch.simulation.world import World

__all__ = ["Main"]

_ALONE = 0.02


class _Window:
    """The finished events: those of this process, and those that all processes have written."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._own: set[Identity] = set()
        self._unwritten: list[Identity] = []

    def seen(self, shard_id: int, session_id: str, seq: int) -> bool:
        identity = (shard_id, session_id, seq)
        return identity in self._own or self._world.flushed.seen(*identity)

    def add(self, shard_id: int, session_id: str, seq: int) -> None:
        self._own.add((shard_id, session_id, seq))
        self._unwritten.append((shard_id, session_id, seq))
        self._world.finished.add((session_id, seq))

    def flush(self) -> None:
        for identity in self._unwritten:
            self._world.flushed.add(*identity)
        self._unwritten.clear()


class _Evidence:
    """What was running at crashes; the world records it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add(self, identity: Identity) -> None:
        """Do nothing: at a crash the world asks the intake itself."""

    def retract(self, identity: Identity) -> None:
        """Do nothing, as above."""

    def crashes(self, identity: Identity) -> int:
        return sum(identity in death for death in self._world.deaths)


@dataclass(eq=False)
class _Run:
    """An event whose handler runs, or will."""

    delivery: Delivery
    exclusive: bool
    number: int = 0
    begun: bool = False
    given_back: bool = False


class Main:
    """A replica's process. While it is frozen, everything that happens to it is queued."""

    def __init__(self, world: World, address: str) -> None:
        self.world = world
        self.address = address
        self.is_alive = True
        self.is_leaving = False
        self.conns: dict[Conn, None] = {}  # ordered, unlike a set, so that a seed reproduces
        self.window = _Window(world)
        self.intake = Intake(
            finished=self.window,
            started=_Evidence(world),
            accept=self._accept,
            alone=lambda delivery: self.after(_ALONE, self.intake.release, delivery),
            set_aside=lambda envelope: None,  # it counts as finished
            withdraw=self._withdraw,
        )
        self.order: EventOrder[_Run] = mutations.order(world.mutation)(world.concurrency)
        self._started = 0
        self.running: dict[_Run, None] = {}
        self._is_stopped = False
        self._missed: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._next: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    # Time

    @property
    def is_frozen(self) -> bool:
        return self._is_stopped or bool(self._missed)

    def do(self, act: Callable[..., None], *what: Any) -> None:
        """Queue an action of this process, after everything it has missed."""
        if self.is_frozen:
            self._missed.append((act, what))
        elif self.is_alive:
            act(*what)

    def after(self, seconds: float, act: Callable[..., None], *what: Any) -> None:
        self.world.after(seconds, self.do, act, *what)

    def soon(self, act: Callable[..., None], *what: Any) -> None:
        """Queue an action ahead of unread messages and timers."""
        self.world.after(0.0, self._soon, act, what)

    def _soon(self, act: Callable[..., None], what: tuple[Any, ...]) -> None:
        if self._is_stopped:
            self._next.append((act, what))
        elif self.is_alive:
            act(*what)

    def freeze(self) -> None:
        self._is_stopped = True

    def thaw(self) -> None:
        """Process what happened meanwhile, in order and not all at once."""
        self._is_stopped = False
        while self._next and self.is_alive:
            act, what = self._next.popleft()
            act(*what)
        self._catch_up()

    def _catch_up(self) -> None:
        if self._is_stopped or not self.is_alive:
            return
        for _ in range(min(len(self._missed), self.world.chance.randint(1, 4))):
            act, what = self._missed.popleft()
            act(*what)
        if self._missed:
            self.world.after(0.0005, self._catch_up)

    # Handlers

    def _accept(self, delivery: Delivery) -> None:
        self.world.accept(delivery.envelope)
        run = _Run(delivery, exclusive=self.world.is_ordered(delivery.envelope.key))
        if self.world.mutation == "ack on receipt":
            delivery.stream.acknowledge_early(delivery.number)
        if self.order.arrive(run, delivery.envelope.key, exclusive=run.exclusive):
            self._start(run)

    def _start(self, run: _Run) -> None:
        self.running[run] = None
        self._started += 1
        run.number = self._started
        self.intake.mark_started(run.delivery)
        self.soon(self._first_step, run)

    def _first_step(self, run: _Run) -> None:
        if run.given_back:
            return
        if not run.begun and not run.delivery.stream.may_begin(run.number):
            self.intake.unmark_started(run.delivery)
            run.delivery.stream.when_sure(run.number, lambda marked: self._sure(run, marked))
            return
        run.begun = True
        self.world.begin(self, run.delivery.envelope, exclusive=run.exclusive)
        self.after(self.world.chance.expovariate(150), self._end, run)

    def _sure(self, run: _Run, marked: bool) -> None:
        if marked:
            envelope = run.delivery.envelope._replace(redelivered=True)
            run.delivery = run.delivery._replace(envelope=envelope)
        self.intake.mark_started(run.delivery)
        self.soon(self._first_step, run)

    def _end(self, run: _Run) -> None:
        if run.given_back:
            return
        del self.running[run]
        self.world.end(self, run.delivery.envelope)
        self.intake.done(run.delivery)
        self._release(run)

    def _release(self, run: _Run) -> None:
        for following in self.order.ended(run.delivery.envelope.key, exclusive=run.exclusive):
            self._start(following)

    def _withdraw(self, conn: object) -> list[Delivery]:
        gone = self.order.withdraw(lambda run: run.delivery.stream is conn)
        stopped = [run for run in self.running if run.delivery.stream is conn and not run.begun]
        for run in stopped:
            run.given_back = True
            del self.running[run]
        for run in stopped:
            self._release(run)
        return [run.delivery for run in (*gone, *stopped)]

    # Shutdown

    def crash(self) -> None:
        self.is_alive = False
        self._missed.clear()
        self.world.deaths.append(set(self.intake.running()))

    def drain(self) -> None:
        self.is_leaving = True
        self.intake.return_waiting()
        for conn in list(self.conns):
            conn.drain()
        self.after(0.005, self._give_back_waiting)

    def _give_back_waiting(self) -> None:
        for run in self.order.withdraw():
            self.intake.handed_back(run.delivery, started=False)

    @property
    def is_done(self) -> bool:
        return not self.intake.outstanding and all(conn.is_quiet for conn in self.conns)

    def leave(self) -> None:
        """Cancel the running handlers, send the last messages and exit."""
        self._give_back_waiting()
        for run in list(self.running):
            run.given_back = True
            run.delivery.stream.forget(run.number)
            self.intake.handed_back(run.delivery, started=run.begun)
        self.window.flush()
        for conn in list(self.conns):
            conn.close()
        self.is_alive = False
