"""Turns the messages of a shard's connections into envelopes. It runs for every event, hence the closures."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from nescord_core.envelope import Envelope
from nescord_core.gateway.resume_point import ResumePoint
from nescord_core.gateway.session import signals as s
from nescord_core.gateway.session.inflate import CorruptStreamError, Inflater
from nescord_core.gateway.session.machine import Session
from nescord_core.gateway.session.opcodes import SESSION_EVENTS
from nescord_core.gateway.session.payload import UNREADABLE, Payload, read_event, read_payload, route
from nescord_core.gateway.stats import ShardCounters
from nescord_core.gateway.transport import OnMessage

__all__ = ["Intake", "Skipped"]

Skipped = Callable[[int, str, int], None]


class Intake:
    """Inflates a message, reads op, s and t, filters by event name, routes, and calls ``sink``.

    ``wanted`` is None for all events; ``skipped`` is called for the rest.
    """

    def __init__(
        self,
        session: Session,
        counters: ShardCounters,
        resume_point: ResumePoint,
        *,
        wanted: frozenset[str] | None,
        sink: Callable[[Envelope], None],
        skipped: Skipped | None,
    ) -> None:
        self._session = session
        self._counters = counters
        self._resume_point = resume_point
        self._wanted = wanted
        self._sink = sink
        self._skipped = skipped
        self._shard_id = session.shard[0]
        self._forward = self._make_forward()

    def reader(self, inflater: Inflater, report: Callable[[s.Fact], None]) -> OnMessage:
        """Return the message callback of one connection; ``report`` gets the facts the session acts on."""
        # A closure: looking up its names costs a fraction of attribute access.
        session, counters, forward = self._session, self._counters, self._forward
        feed, advance = inflater.feed, session.advance

        def on_message(message: bytes, is_text: bool) -> None:
            counters.bytes_in += len(message)
            try:
                text = message if is_text else feed(message)
                if text is None:
                    return
                event = read_event(text)
                payload = read_payload(text) if event is None else None
            except (CorruptStreamError, *UNREADABLE) as error:
                counters.decode_errors += 1
                report(s.Corrupt(str(error)))
                return
            if event is not None:
                kind, seq, data, key, guild_id = event
                if advance(seq):
                    forward(kind, seq, data, key, guild_id, session.restored)
                else:
                    counters.duplicates += 1
            elif payload is not None:
                self._handle_other(payload, report)

        return on_message

    def _handle_other(self, payload: Payload, report: Callable[[s.Fact], None]) -> None:
        """Process a payload that is not a plain event, or does not look like one."""
        kind, seq = payload.t, payload.s
        if payload.op or not kind or seq is None or kind in SESSION_EVENTS:
            report(s.Frame(payload.op, seq, kind, bytes(payload.d)))
        elif self._session.advance(seq):
            self.deliver(kind, seq, payload.d, self._session.restored)
        else:
            self._counters.duplicates += 1

    def deliver(self, kind: str, seq: int, d: bytes | msgspec.Raw, redelivered: bool) -> None:
        """Deliver an event."""
        self._forward(kind, seq, bytes(d), *route(kind, d), redelivered)

    def _make_forward(self) -> Callable[[str, int, bytes, int, int, bool], None]:
        # A closure as well: it runs for every event.
        session, counters, sink, wanted = self._session, self._counters, self._sink, self._wanted
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
            sink(make(Envelope, values))

        return forward

    def _skip(self, session_id: str, seq: int) -> None:
        self._counters.filtered += 1
        self._resume_point.skipped(seq)
        if self._skipped is not None:
            self._skipped(self._shard_id, session_id, seq)
