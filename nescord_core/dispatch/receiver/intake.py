"""What main does with an event that arrives, and where it tells of its end: rules only.

An event is begun, unless it was finished before, still runs for a stream that broke, or has killed processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from nescord_core.dispatch.receiver.isolation import SET_ASIDE, SUSPECT, Isolation
from nescord_core.envelope import Envelope

__all__ = ["Delivery", "EventSource", "Finished", "Identity", "Intake", "Started", "identity_of"]

log = logging.getLogger(__name__)

Identity = tuple[int, str, int]


class Delivery(NamedTuple):
    """One event as it was handed to ``accept``; give it back to `Receiver.done` or `Receiver.handed_back`.

    ``number`` counts the deliveries of its stream; ``stream`` is the receiver's own.
    """

    envelope: Envelope
    number: int
    stream: Any


class EventSource(Protocol):
    """A stream that events come by; ``outstanding`` was delivered and neither finished nor returned."""

    outstanding: dict[int, Envelope]

    @property
    def is_open(self) -> bool:
        """Whether what comes is to be begun."""

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be told any more."""

    def finish(self, number: int) -> None:
        """Acknowledge a delivery."""

    def hand_back(self, number: int, *, started: bool) -> None:
        """Return a delivery."""


class Finished(Protocol):
    """The window of finished events, of all processes with the same state_dir."""

    def seen(self, shard_id: int, session_id: str, seq: int) -> bool:
        """Tell whether the event was finished."""

    def add(self, shard_id: int, session_id: str, seq: int) -> None:
        """Note a finished event."""

    def flush(self) -> None:
        """Make it known to others."""


class Started(Protocol):
    """The evidence of which events' handlers ran when processes died."""

    def note(self, identity: Identity) -> None:
        """An event's handlers begin."""

    def take_back(self, identity: Identity) -> None:
        """They have not begun after all."""

    def crashes(self, identity: Identity) -> int:
        """Return in how many deaths they ran."""


class Intake:
    """All deliveries of a main, over its streams.

    ``accept`` is called for each event that is to be handled; whoever takes it says with `begins` when its
    handlers do, for only then can it be to blame for a death. ``set_aside`` is called for one that has killed
    too many processes. ``alone`` is called for an event that runs with nothing new beside it: `release` it
    after a while. ``withdraw(stream)`` gives up those of a lost stream that no handler has begun, and returns
    them: ws sends them again, to whom it will. Without it everything counts as begun.
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
        self._elsewhere: dict[Identity, tuple[EventSource, int] | None] = {}
        self._begun: set[Identity] = set()
        self.received = self.finished = self.handed_back_count = self.duplicates = 0

    @property
    def outstanding(self) -> int:
        """How many events were handed to ``accept`` and not given back."""
        return sum(len(stream.outstanding) for stream in self._streams) + len(self._elsewhere)

    def attach(self, stream: EventSource) -> None:
        """Events may come by this stream."""
        self._streams.add(stream)

    def detach(self, stream: EventSource) -> None:
        """A stream is lost: what its events' handlers finish later is told to whoever asks again."""
        self._streams.discard(stream)
        given_up = self._isolation.withdraw(lambda each: each.stream is stream)
        if self._withdraw is not None:
            given_up += self._withdraw(stream)
        for delivery in given_up:
            stream.outstanding.pop(delivery.number, None)
            self.begins_not(delivery)
            self.release(delivery)
        for envelope in stream.outstanding.values():
            self._elsewhere[identity_of(envelope)] = None
        for identity, where in self._elsewhere.items():
            if where is not None and where[0] is stream:
                self._elsewhere[identity] = None
        stream.outstanding.clear()
        self._finished.flush()

    def arrive(self, stream: EventSource, number: int, envelope: Envelope) -> None:
        """Take in one event, in the order of its stream."""
        if stream.is_lost:  # a later stream of the same ws has taken its place
            return
        self.received += 1
        if envelope.redelivered and self._known(stream, number, envelope):
            self.duplicates += 1
            return
        stream.outstanding[number] = envelope
        delivery = Delivery(envelope, number, stream)
        if not stream.is_open:
            # It was on its way when ws was told to stop: the successor takes it.
            self.handed_back(delivery, started=False)
            return
        crashes = self._started.crashes(identity_of(envelope)) if envelope.redelivered else 0
        if crashes >= SET_ASIDE and self._set_aside is not None:
            self._set_aside(envelope)
            self.done(delivery)
        elif self._isolation.arrive(delivery, suspect=crashes >= SUSPECT):
            self._begin(delivery)

    def done(self, delivery: Delivery) -> None:
        """All handlers of the event have finished: it is acknowledged and never handled again."""
        self.finished += 1
        identity = identity_of(delivery.envelope)
        self._begun.discard(identity)
        self._finished.add(*identity)
        where = self._where(delivery)
        if where is not None:
            where[0].finish(where[1])
        self.release(delivery)

    def handed_back(self, delivery: Delivery, *, started: bool) -> None:
        """Send the event to another replica instead; ``started`` marks it as possibly handled there."""
        self.handed_back_count += 1
        if started:
            self._begun.discard(identity_of(delivery.envelope))
        else:
            self.begins_not(delivery)
        where = self._where(delivery)
        if where is not None:
            where[0].hand_back(where[1], started=started)
        self.release(delivery)

    def release(self, delivery: Delivery) -> None:
        """Begin what waited behind an event, if it was one that ran alone."""
        for following in self._isolation.release(delivery):
            self._begin(following)

    def return_waiting(self) -> None:
        """Hand back what waits for an event that runs alone."""
        for delivery in self._isolation.withdraw(lambda _: True):
            self.handed_back(delivery, started=False)

    def begins(self, delivery: Delivery) -> None:
        """Its handlers begin as soon as the note of it is flushed, which the caller does."""
        identity = identity_of(delivery.envelope)
        self._begun.add(identity)
        self._started.note(identity)

    def begins_not(self, delivery: Delivery) -> None:
        """They wait after all, or will never begin."""
        identity = identity_of(delivery.envelope)
        if identity in self._begun:
            self._begun.remove(identity)
            self._started.take_back(identity)

    def begun(self) -> set[Identity]:
        """Return the events whose handlers have begun and not ended."""
        return self._begun

    def _begin(self, delivery: Delivery) -> None:
        try:
            self._accept(delivery)
        except Exception:
            envelope = delivery.envelope
            log.exception("%s %s could not be handed on", envelope.type, identity_of(envelope))
            self.done(delivery)
        if not self._isolation.is_idle:
            self._alone(delivery)

    def _where(self, delivery: Delivery) -> tuple[EventSource, int] | None:
        """Return where to report a delivery: not on the stream it came by if that one broke since."""
        stream: EventSource = delivery.stream
        if not stream.is_lost:
            return stream, delivery.number
        self._finished.flush()
        return self._elsewhere.pop(identity_of(delivery.envelope), None)

    def _known(self, stream: EventSource, number: int, envelope: Envelope) -> bool:
        """Tell whether a redelivered event was finished, or still runs for a stream that broke."""
        identity = identity_of(envelope)
        if self._finished.seen(*identity):
            stream.finish(number)
            return True
        if identity in self._elsewhere:
            self._elsewhere[identity] = (stream, number)
            return True
        return False


def identity_of(envelope: Envelope) -> Identity:
    """Return what tells an event from every other: a hash of its content would not."""
    return envelope.shard_id, envelope.session_id, envelope.seq
