"""Turns the messages of a shard's connections into envelopes. It runs for every event, hence the closures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from nescord_core.envelope import Envelope
from nescord_core.gateway.resume_point import ResumePoint
from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.inflate import CorruptStreamError, Inflater
from nescord_core.gateway.session.machine import FARTHEST_STEP, Session
from nescord_core.gateway.session.opcodes import SESSION_EVENTS
from nescord_core.gateway.session.payload import (
    UNREADABLE,
    Payload,
    read_event,
    read_payload,
    route,
    salvage,
)
from nescord_core.gateway.session.states import State
from nescord_core.gateway.stats import ShardCounters
from nescord_core.gateway.suspects import Suspects
from nescord_core.gateway.transport import OnMessage

__all__ = ["EventSink", "Intake", "SetAside", "Skipped"]

Skipped = Callable[[int, str, int], None]

SetAside = Callable[[Envelope, str], None]
"""Receives an undeliverable event and the reason. It is not delivered, and counts as acknowledged."""


@dataclass(frozen=True, slots=True)
class EventSink:
    """The sink of a cluster's events. ``deliver`` gets every wanted one, in order per shard without blocking.

    ``skipped(shard_id, session_id, seq)`` is called for every event that ``settings.events`` filters out or
    is undeliverable; the latter go to ``set_aside`` as well. ``suspects`` is set after quick deaths.
    """

    deliver: Callable[[Envelope], None]
    skipped: Skipped | None = None
    set_aside: SetAside | None = None
    suspects: Suspects | None = None


MOST_REPEATS = 64
"""Consecutive rising duplicates that show a wrong seq: Discord repeats events before RESUMED, never after."""


class Intake:
    """Inflates a message, reads op, s and t, filters by event name, routes, and calls ``sink``.

    ``wanted`` is None for all events. Received data never raises here: an event that cannot be
    parsed, has an impossible number, or makes ``sink.deliver`` raise is set aside.
    """

    def __init__(
        self,
        session: Session,
        counters: ShardCounters,
        resume_point: ResumePoint,
        *,
        wanted: frozenset[str] | None,
        sink: EventSink,
    ) -> None:
        self._session = session
        self._counters = counters
        self._resume_point = resume_point
        self._wanted = wanted
        self._sink = sink
        self._skipped = sink.skipped
        self._set_aside = sink.set_aside
        self._repeats = 0
        self._repeated = (0, 0)
        self._shard_id = session.shard[0]
        self._forward = self._make_forward()

    def reader(self, inflater: Inflater, report: Callable[[s.Fact], None]) -> OnMessage:
        """Return the message callback of one connection; ``report`` gets the facts the session acts on."""
        # A closure: looking up its names costs a fraction of attribute access.
        session, counters, forward = self._session, self._counters, self._forward
        suspects = self._sink.suspects
        feed = inflater.feed if suspects is None else self._watching(inflater.feed, suspects)
        advance = session.advance

        def on_message(message: bytes, is_text: bool) -> None:
            counters.bytes_in += len(message)
            try:
                text = message if is_text else feed(message)
            except CorruptStreamError as error:
                counters.decode_errors += 1
                report(s.Corrupt(str(error)))
                return
            if text is None:
                return
            try:
                event = read_event(text)
                payload = read_payload(text) if event is None else None
            except UNREADABLE as error:
                self._handle_unreadable(text, str(error), report)
                return
            if event is not None:
                kind, seq, data, key, guild_id = event
                if advance(seq):
                    forward(kind, seq, data, key, guild_id, session.restored)
                else:
                    self._handle_repeated(kind, seq, data, report)
            elif payload is not None:
                self._handle_other(payload, report)

        return on_message if suspects is None else self._guarded(on_message, suspects)

    def _watching(
        self, feed: Callable[[bytes], bytes | None], suspects: Suspects
    ) -> Callable[[bytes], bytes | None]:
        """Return ``feed`` that marks a payload before it is read, and leaves out one that has killed us."""

        def watched(message: bytes) -> bytes | None:
            text = feed(message)
            return None if text is None or self._is_set_aside(text, suspects) else text

        return watched

    def _guarded(self, on_message: OnMessage, suspects: Suspects) -> OnMessage:
        def guarded(message: bytes, is_text: bool) -> None:
            if not (is_text and self._is_set_aside(message, suspects)):
                on_message(message, is_text)
            suspects.end()

        return guarded

    def _is_set_aside(self, text: bytes, suspects: Suspects) -> bool:
        session = self._session
        session_id = session.session_id or ""
        found = salvage(text)
        if found is None or not suspects.is_guilty(session_id, found.seq):
            suspects.begin(session_id, text)
            return False
        if session.advance(found.seq):
            self._put_aside(found.type, found.seq, found.d, "ws died while it was being read")
        return True

    def _handle_other(self, payload: Payload, report: Callable[[s.Fact], None]) -> None:
        """Process a payload that is not a plain event, or does not look like one."""
        kind, seq = payload.t, payload.s
        if payload.op or not kind or seq is None or kind in SESSION_EVENTS:
            report(s.Frame(payload.op, seq, kind, bytes(payload.d)))
        elif self._session.advance(seq):
            self.deliver(kind, seq, payload.d, self._session.restored)
        else:
            self._handle_repeated(kind, seq, bytes(payload.d), report)

    def _handle_unreadable(self, text: bytes, why: str, report: Callable[[s.Fact], None]) -> None:
        """Set an unreadable event aside, if at least its type and number are readable."""
        self._counters.decode_errors += 1
        found = salvage(text)
        if found is None:
            report(s.Unreadable(why))
        elif found.type in SESSION_EVENTS:
            report(s.Frame(0, found.seq, found.type, found.d))
        elif self._session.advance(found.seq):
            self._put_aside(found.type, found.seq, found.d, f"it cannot be parsed: {why}")
        else:
            self._handle_repeated(found.type, found.seq, found.d, report)

    def _handle_repeated(self, kind: str, seq: int, data: bytes, report: Callable[[s.Fact], None]) -> None:
        """Drop a duplicate, unless its number shows that either number is wrong."""
        session = self._session
        if session.session_id is None:
            self._counters.duplicates += 1
            return
        if seq < 1 or seq - session.seq > FARTHEST_STEP:
            envelope = self._envelope(kind, max(0, min(seq, (1 << 63) - 1)), data)
            self._report_aside(envelope, f"its number {seq} cannot follow {session.seq}")
            return
        self._counters.duplicates += 1
        base, last = self._repeated
        rises = base == session.seq and seq > last
        self._repeats, self._repeated = self._repeats + 1 if rises else 1, (session.seq, seq)
        if self._repeats >= MOST_REPEATS and session.state is State.CONNECTED:
            self._repeats = 0
            report(s.OutOfSequence())

    def deliver(self, kind: str, seq: int, d: bytes | msgspec.Raw, redelivered: bool) -> None:
        """Deliver an event; those that bring or take a guild come this way."""
        self._session.guilds.apply(kind, seq, d)
        self._forward(kind, seq, bytes(d), *route(kind, d), redelivered)

    def _make_forward(self) -> Callable[[str, int, bytes, int, int, bool], None]:
        # A closure as well: it runs for every event.
        session, counters, sink, wanted = self._session, self._counters, self._sink.deliver, self._wanted
        shard_id, events, delivered = self._shard_id, counters.events, self._resume_point.delivered
        make = tuple.__new__

        def forward(kind: str, seq: int, data: bytes, key: int, guild_id: int, redelivered: bool) -> None:
            events[kind] = events.get(kind, 0) + 1
            counters.last_event_at = now = time.time()
            session_id = session.session_id or ""
            if wanted is not None and kind not in wanted:
                self._skip(session_id, seq)
                return
            delivered(seq)
            if redelivered:
                counters.redelivered += 1
            # Bypasses NamedTuple's constructor, which takes longer than everything else here.
            values = (shard_id, session_id, seq, kind, key, guild_id, data, now, redelivered)
            try:
                sink(make(Envelope, values))
            except Exception as error:
                self._put_aside(kind, seq, data, f"{type(error).__name__}: {error}")

        return forward

    def _put_aside(self, kind: str, seq: int, data: bytes, why: str) -> None:
        """Set an undeliverable event aside; it counts as done, so a RESUME does not bring it again."""
        envelope = self._envelope(kind, seq, data)
        self._resume_point.skipped(seq)
        if self._skipped is not None:
            self._skipped(self._shard_id, envelope.session_id, seq)
        self._report_aside(envelope, why)

    def _envelope(self, kind: str, seq: int, data: bytes) -> Envelope:
        session_id = self._session.session_id or ""
        return Envelope(self._shard_id, session_id, seq, kind, 0, 0, data, time.time(), False)

    def _report_aside(self, envelope: Envelope, why: str) -> None:
        self._counters.set_aside += 1
        if self._set_aside is not None:
            self._set_aside(envelope, why)

    def _skip(self, session_id: str, seq: int) -> None:
        self._counters.filtered += 1
        self._resume_point.skipped(seq)
        if self._skipped is not None:
            self._skipped(self._shard_id, session_id, seq)
