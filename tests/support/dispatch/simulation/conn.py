"""A stream between ws and main in the simulation; either side may notice late that it is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nescord_core.dispatch.sender.replica.queues import Stream
from nescord_core.envelope import Envelope
from support.dispatch.simulation import mutations
from support.dispatch.simulation.gateway import Wire

if TYPE_CHECKING:
    from support.dispatch.simulation.main import Main
    from support.dispatch.simulation.world import World
    from support.dispatch.simulation.ws import Ws

__all__ = ["LEASE", "Conn"]

LEASE = 0.04
_GRACE = 0.05
_REDIAL = 0.03


class Conn:
    """Both ends of a stream; main's implements the intake's EventSource."""

    def __init__(self, world: World, ws: Ws, main: Main) -> None:
        self.world = world
        self.ws = ws
        self.main = main
        self.to_main, self.to_ws = Wire(world), Wire(world)
        self.is_quiet = self.is_drain_received = self.is_lost = self.is_draining = False
        self.ws_open = True
        self.outstanding: dict[int, Envelope] = {}
        self.lease = mutations.lease(world.mutation, LEASE)
        self.fence = mutations.fence(world.mutation, LEASE)
        for before in [each for each in main.conns if each.ws is ws]:
            before.lost_at_main()
            before.lose()
        self.stream: Stream = ws.partition.attach(
            main.address, credit=world.chance.randint(2, 12), notify=lambda: world.mark_dirty(self)
        )
        ws.conns[self] = None
        main.conns[self] = None
        main.intake.attach(self)
        world.mark_dirty(self)
        self._renew_regularly()

    # Main's end

    @property
    def is_open(self) -> bool:
        return not self.is_draining

    def may_begin(self, number: int) -> bool:
        return self.lease.may_begin(number, self.world.now)

    def when_sure(self, number: int, go: Callable[[bool], None]) -> None:
        if self.lease.wait(number, go, self.world.now):
            self._ask()

    def forget(self, number: int) -> None:
        self.lease.forget(number)

    def finish(self, number: int) -> None:
        self.outstanding.pop(number, None)
        self.main.after(0.002, self._acknowledge, number)

    def hand_back(self, number: int, *, started: bool) -> None:
        self.outstanding.pop(number, None)
        self.to_ws.send(self._handed_back, number, started)

    def acknowledge_early(self, number: int) -> None:
        """Acknowledge a delivery; for the mutation that does so too early."""
        self.to_ws.send(self._receive_ack, number)

    def drain(self) -> None:
        """Drain: main accepts nothing more on it."""
        self.is_draining = True
        self.to_ws.send(self._receive_drain)

    def close(self) -> None:
        """Send main's last messages."""
        self.to_ws.send(self.ended)
        self.is_lost = True

    def lost_at_main(self) -> None:
        self.main.do(self._lost_at_main)

    def _lost_at_main(self) -> None:
        if not self.is_lost:
            self.is_lost = True
            self.to_main.is_open = False
            self.main.conns.pop(self, None)
            self.lease.end()
            if self.world.mutation != "lost streams go on":
                self.main.intake.detach(self)

    def _acknowledge(self, number: int) -> None:
        if not self.is_lost:
            self.main.window.flush()
            self.to_ws.send(self._receive_ack, number)

    def _renew_regularly(self) -> None:
        interval = self.lease.interval
        if interval is not None and not self.is_lost and self.main.is_alive:
            self._ask()
            if self.world.is_busy():
                self.main.after(interval, self._renew_regularly)

    def _ask(self) -> None:
        self.to_ws.send(self._grant, self.lease.request_renewal(self.world.now))

    def _answered(self, number: int) -> None:
        self.lease.renewed(number, self.world.now)

    def _arrive(self, first: int, envelopes: list[Envelope]) -> None:
        for number, envelope in enumerate(envelopes, first):
            self.main.intake.arrive(self, number, envelope)

    def _quiet(self) -> None:
        self.is_quiet = True

    # ws's end

    def pump(self) -> None:
        """Send queued events."""
        hold_restored_until = self.ws.began + self.fence.seconds
        while self._is_served:
            if self.world.now < hold_restored_until and self.ws.partition.has_restored(self.stream):
                self.world.at(hold_restored_until, self.world.mark_dirty, self)
                return
            first, batch = self.ws.partition.take(self.stream, max_events=4, max_bytes=1 << 20)
            if not batch:
                return
            marked = [
                entry.envelope._replace(
                    redelivered=(entry.redelivered or entry.envelope.redelivered)
                    and self.world.mutation != "marks removed"
                )
                for entry in batch
            ]
            self.to_main.send(self.main.do, self._arrive, first, marked)

    @property
    def _is_served(self) -> bool:
        return self.ws_open and self.ws is self.world.ws

    def _grant(self, number: int) -> None:
        if self._is_served:
            self.fence.granted(self.world.now)
            self.to_main.send(self.main.do, self._answered, number)

    def _receive_ack(self, number: int) -> None:
        if self._is_served:
            for entry in self.ws.partition.acknowledge(self.stream, number, number):
                self.ws.outbox.done(entry)
            self.ws.report()

    def _handed_back(self, number: int, started: bool) -> None:
        if self._is_served:
            self.ws.partition.hand_back(self.stream, [(number, number)], started=started)

    def _receive_drain(self) -> None:
        if self._is_served:
            self.is_drain_received = True
            self.ws.partition.drain(self.stream)
            self.to_main.send(self.main.do, self._quiet)
            self.world.after(self.world.delay(), self.world.dial, self.main.address)
            self.world.after(_GRACE, self.ws.partition.vacate, self.main.address)

    def ended(self) -> None:
        """Main has closed it gracefully."""
        if self._shut():
            self.lose()

    def lost_at_ws(self) -> None:
        """It broke: events in flight wait for the fence."""
        if self._shut():
            self.ws.partition.abandon(self.stream)
            self.world.after(self.fence.remaining(self.world.now), self.lose)

    def _shut(self) -> bool:
        if not self._is_served:
            return False
        self.ws_open = self.to_ws.is_open = False
        if not self.is_drain_received:
            self.world.after(_REDIAL + self.world.delay(), self.world.dial, self.main.address)
        return True

    def lose(self) -> None:
        """Release the events in flight to other replicas."""
        if self.ws is self.world.ws and self in self.ws.conns:
            del self.ws.conns[self]
            self.ws.partition.lose(self.stream)
