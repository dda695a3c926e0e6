"""Takes in what the connections of a shard bring. Every event goes this way, so it is written for speed."""

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
    """From message to envelope: inflate, read op, s, t, filter by name, route, and hand to ``sink``.

    ``wanted`` is None for all events; of others ``skipped`` is told.
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
        self._hand_on = self._handing_on()

    def reader(self, inflater: Inflater, tell: Callable[[s.Fact], None]) -> OnMessage:
        """Return what takes the messages of one connection; ``tell`` gets what the session decides about."""
        # A closure, because names looked up in it cost a fraction of attributes.
        session, counted, hand_on = self._session, self._counters, self._hand_on
        feed, advance = inflater.feed, session.advance

        def on_message(message: bytes, is_text: bool) -> None:
            counted.bytes_in += len(message)
            try:
                text = message if is_text else feed(message)
                if text is None:
                    return
                event = read_event(text)
                payload = read_payload(text) if event is None else None
            except (CorruptStreamError, *UNREADABLE) as error:
                counted.decode_errors += 1
                tell(s.Corrupt(str(error)))
                return
            if event is not None:
                kind, seq, data, key, guild_id = event
                if advance(seq):
                    hand_on(kind, seq, data, key, guild_id, session.restored)
                else:
                    counted.duplicates += 1
            elif payload is not None:
                self._take(payload, tell)

        return on_message

    def _take(self, payload: Payload, tell: Callable[[s.Fact], None]) -> None:
        """Take what is no plain event, or does not look like one."""
        kind, seq = payload.t, payload.s
        if payload.op or not kind or seq is None or kind in SESSION_EVENTS:
            tell(s.Frame(payload.op, seq, kind, bytes(payload.d)))
        elif self._session.advance(seq):
            self.deliver(kind, seq, payload.d, self._session.restored)
        else:
            self._counters.duplicates += 1

    def deliver(self, kind: str, seq: int, d: bytes | msgspec.Raw, redelivered: bool) -> None:
        """Hand an event on."""
        self._hand_on(kind, seq, bytes(d), *route(kind, d), redelivered)

    def _handing_on(self) -> Callable[[str, int, bytes, int, int, bool], None]:
        # A closure, too: this is done for every event.
        session, counted, sink, wanted = self._session, self._counters, self._sink, self._wanted
        shard_id, events, delivered = self._shard_id, counted.events, self._resume_point.delivered
        make = tuple.__new__

        def hand_on(kind: str, seq: int, data: bytes, key: int, guild_id: int, redelivered: bool) -> None:
            events[kind] = events.get(kind, 0) + 1
            counted.last_event_at = now = time.time()
            session_id = session.session_id or ""
            if wanted is not None and kind not in wanted:
                self._skip(session_id, seq)
                return
            delivered(seq)
            if redelivered:
                counted.redelivered += 1
            # Past the constructor that NamedTuple makes, which takes longer than all the rest here.
            values = (shard_id, session_id, seq, kind, key, guild_id, data, now, redelivered)
            sink(make(Envelope, values))

        return hand_on

    def _skip(self, session_id: str, seq: int) -> None:
        self._counters.filtered += 1
        self._resume_point.skipped(seq)
        if self._skipped is not None:
            self._skipped(self._shard_id, session_id, seq)
