"""Decides what main does with an arriving event, and on which stream its completion is reported. No I/O.

An event starts unless it is finished, is still running for a broken stream, or has crashed processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from nescord_core.dispatch.receiver.crash_suspects import SET_ASIDE, SUSPECT, Isolation
from nescord_core.envelope import Envelope

__all__ = ["Delivery", "EventSource", "Finished", "Identity", "Intake", "Started", "identity_of"]

log = logging.getLogger(__name__)

Identity = tuple[int, str, int]


class Delivery(NamedTuple):
    """One event as passed to ``accept``; pass it on to `Receiver.done` or `Receiver.handed_back`.

    ``number`` counts the deliveries of its stream; ``stream`` is internal to the receiver.
    """

    envelope: Envelope
    number: int
    stream: Any


class EventSource(Protocol):
    """A stream of events; ``outstanding`` holds those delivered, but neither finished nor handed back."""

    outstanding: dict[int, Envelope]

    @property
    def is_open(self) -> bool:
        """Whether arriving events should start."""

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be reported any more."""

    def finish(self, number: int) -> None:
        """Acknowledge a delivery."""

    def hand_back(self, number: int, *, started: bool) -> None:
        """Hand a delivery back."""


class Finished(Protocol):
    """The finished events of all processes with the same state_dir."""

    def seen(self, shard_id: int, session_id: str, seq: int) -> bool:
        """Return whether the event is finished."""

    def add(self, shard_id: int, session_id: str, seq: int) -> None:
        """Record a finished event."""

    def flush(self) -> None:
        """Publish the records to other processes."""


class Started(Protocol):
    """Records which events' handlers were running when processes crashed."""

    def add(self, identity: Identity) -> None:
        """Record that an event's handlers start."""

    def retract(self, identity: Identity) -> None:
        """Cancel the record: the handlers did not start."""

    def crashes(self, identity: Identity) -> int:
        """Return in how many crashes the event's handlers were running."""


class Intake:
    """All deliveries of a main, over all its streams.

    ``accept`` is called for each event to handle; the callee calls `mark_started` when the handlers start, as
    only then can the event cause a crash. ``set_aside`` is called for an event that has crashed too many
    processes. ``alone`` is called for an event that runs while no other may start: `release` it after a
    while. ``withdraw(stream)`` gives up and returns a lost stream's events whose handlers have not started;
    ws sends those again, to any replica. Without ``withdraw``, all events count as started.
    """

    def __init__(
        self,
        *,
        finished: Finished,
        started: Started,
        accept: Callable[[Delivery], None],
        alone: Callable[[Delivery], None],
        set_aside: Callable[[Envelope], None] | None = None,
        withdraw: Callable[[Any], Iterable[Delivery]] | None = None,
    ) -> None:
        self._finished = finished
        self._started = started
        self._accept = accept
        self._alone = alone
        self._set_aside = set_aside
        self._withdraw = withdraw
        self._isolation: Isolation[Delivery] = Isolation()
        self._streams: set[EventSource] = set()
        self._detached: dict[Identity, tuple[EventSource, int] | None] = {}
        self._running: set[Identity] = set()
        self.received = self.finished = self.handed_back_count = self.duplicates = 0

    @property
    def outstanding(self) -> int:
        """The number of events that were passed to ``accept`` and have not come back."""
        return sum(len(stream.outstanding) for stream in self._streams) + len(self._detached)

    def attach(self, stream: EventSource) -> None:
        """Accept events from this stream."""
        self._streams.add(stream)

    def detach(self, stream: EventSource) -> None:
        """Drop a lost stream. Its running events are acknowledged on the stream that redelivers them."""
        self._streams.discard(stream)
        given_up = self._isolation.withdraw(lambda each: each.stream is stream)
        if self._withdraw is not None:
            given_up += self._withdraw(stream)
        for delivery in given_up:
            stream.outstanding.pop(delivery.number, None)
            self.unmark_started(delivery)
            self.release(delivery)
        for envelope in stream.outstanding.values():
            self._detached[identity_of(envelope)] = None
        for identity, target in self._detached.items():
            if target is not None and target[0] is stream:
                self._detached[identity] = None
        stream.outstanding.clear()
        self._finished.flush()

    def arrive(self, stream: EventSource, number: int, envelope: Envelope) -> None:
        """Process one event, in the order of its stream."""
        if stream.is_lost:  # superseded by a later stream of the same ws
            return
        self.received += 1
        if envelope.redelivered and self._is_duplicate(stream, number, envelope):
            self.duplicates += 1
            return
        stream.outstanding[number] = envelope
        delivery = Delivery(envelope, number, stream)
        if not stream.is_open:
            # It was in flight when ws was asked to drain; the successor gets it.
            self.handed_back(delivery, started=False)
            return
        crashes = self._started.crashes(identity_of(envelope)) if envelope.redelivered else 0
        if crashes >= SET_ASIDE and self._set_aside is not None:
            self._set_aside(envelope)
            self.done(delivery)
        elif self._isolation.arrive(delivery, suspect=crashes >= SUSPECT):
            self._start(delivery)

    def done(self, delivery: Delivery) -> None:
        """Acknowledge an event whose handlers have all finished; it is never handled again."""
        self.finished += 1
        identity = identity_of(delivery.envelope)
        self._running.discard(identity)
        self._finished.add(*identity)
        target = self._report_target(delivery)
        if target is not None:
            target[0].finish(target[1])
        self.release(delivery)

    def handed_back(self, delivery: Delivery, *, started: bool) -> None:
        """Let ws send the event to another replica; ``started`` marks it as possibly handled."""
        self.handed_back_count += 1
        if started:
            self._running.discard(identity_of(delivery.envelope))
        else:
            self.unmark_started(delivery)
        target = self._report_target(delivery)
        if target is not None:
            target[0].hand_back(target[1], started=started)
        self.release(delivery)

    def release(self, delivery: Delivery) -> None:
        """Start the events that waited behind this one, if it was running alone."""
        for following in self._isolation.release(delivery):
            self._start(following)

    def return_waiting(self) -> None:
        """Hand back the events that wait behind one that runs alone."""
        for delivery in self._isolation.withdraw(lambda _: True):
            self.handed_back(delivery, started=False)

    def mark_started(self, delivery: Delivery) -> None:
        """Record that the handlers are about to start; the caller flushes the record first."""
        identity = identity_of(delivery.envelope)
        self._running.add(identity)
        self._started.add(identity)

    def unmark_started(self, delivery: Delivery) -> None:
        """Cancel the record: the handlers wait, or will never start."""
        identity = identity_of(delivery.envelope)
        if identity in self._running:
            self._running.remove(identity)
            self._started.retract(identity)

    def running(self) -> set[Identity]:
        """Return the events whose handlers have started and not ended."""
        return self._running

    def _start(self, delivery: Delivery) -> None:
        try:
            self._accept(delivery)
        except Exception:
            envelope = delivery.envelope
            log.exception("%s %s could not be dispatched", envelope.type, identity_of(envelope))
            self.done(delivery)
        if not self._isolation.is_idle:
            self._alone(delivery)

    def _report_target(self, delivery: Delivery) -> tuple[EventSource, int] | None:
        """Return where to report a delivery: not on its own stream if that has broken since."""
        stream: EventSource = delivery.stream
        if not stream.is_lost:
            return stream, delivery.number
        self._finished.flush()
        return self._detached.pop(identity_of(delivery.envelope), None)

    def _is_duplicate(self, stream: EventSource, number: int, envelope: Envelope) -> bool:
        """Return whether a redelivered event is finished, or still running for a broken stream."""
        identity = identity_of(envelope)
        if self._finished.seen(*identity):
            stream.finish(number)
            return True
        if identity in self._detached:
            self._detached[identity] = (stream, number)
            return True
        return False


def identity_of(envelope: Envelope) -> Identity:
    """Return the event's identity; a hash of its content would not be unique."""
    return envelope.shard_id, envelope.session_id, envelope.seq
