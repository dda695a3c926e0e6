"""The state machine of one shard's session, without I/O: facts in, effects out, time is an argument.

https://discord.com/developers/docs/events/gateway#connection-lifecycle
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.guild_count import GuildCount
from nescord_core.gateway.session.latency import Latency
from nescord_core.gateway.session.opcodes import DROP_SESSION, KEEP_SESSION, AfterClose, Op, after_close
from nescord_core.gateway.session.payload import PayloadError, encode, heartbeat_interval, ready_facts
from nescord_core.gateway.session.reconnect_delay import ReconnectDelay
from nescord_core.gateway.session.resume_url import is_trusted
from nescord_core.gateway.session.states import LEGAL, WIRED, Resumable, SessionRules, State
from nescord_core.process.safe_text import printable

__all__ = ["FARTHEST_STEP", "IllegalFactError", "Session"]

FARTHEST_STEP = 1_000_000
"""Sequence numbers grow by one; a larger jump than this does not belong to the session."""


class IllegalFactError(RuntimeError):
    """The driver reported a fact that is impossible in the session's state."""


class Session:
    """One shard's session. ``token`` goes into IDENTIFY and RESUME and nowhere else.

    With ``saved`` it continues the session of an earlier process: events that Discord replays may have been
    handled already, so they are marked as redelivered until RESUMED.
    """

    def __init__(
        self,
        shard: tuple[int, int],
        *,
        token: str,
        intents: int,
        gateway_url: str,
        rules: SessionRules,
        saved: Resumable | None = None,
    ) -> None:
        self.shard = shard
        self.state = State.NEW
        self.session_id: str | None = saved.session_id if saved else None
        self.seq = saved.seq if saved else 0
        self.resume_url = saved.url if saved else None
        self.restored = saved is not None
        self.application_id = ""
        self.guilds = GuildCount()
        self.presence: msgspec.Raw | None = None
        self.latency = Latency()
        self._token = token
        self._intents = intents
        self.gateway_url = gateway_url
        self._rules = rules
        self._due: float | None = None
        self._interval = 0.0
        self._next_beat: float | None = None
        self._heard = False
        self._connected_at = 0.0
        self._asked_at = 0.0
        self._resumed_from = 0
        self._empty_resumes = 0
        self._on_resume_url = False
        self._delay = ReconnectDelay(rules)
        self._unreadable_at: tuple[str | None, int] | None = None
        self._unreadable_times = 0

    @property
    def deadline(self) -> float | None:
        """When the next Tick is due; None if only another fact can change the state."""
        times = [t for t in (self._due, self._next_beat) if t is not None]
        return min(times, default=None)

    def handle(self, fact: s.Fact, now: float, jitter: float) -> list[s.Effect]:
        """Process a fact at ``now`` (seconds on a steady clock); ``jitter`` is a fresh random 0..1."""
        if type(fact) not in LEGAL[self.state]:
            raise IllegalFactError(f"{type(fact).__name__} while {self.state.name}")
        match fact:
            case s.Frame():
                return self._frame(fact, now, jitter)
            case s.Tick():
                return self._tick(now, jitter)
            case s.Stop(keep_session):
                return self._stop(keep_session)
            case _:
                return self._transition(fact, now, jitter)

    def _transition(self, fact: s.Fact, now: float, jitter: float) -> list[s.Effect]:
        match fact:
            case s.Connected():
                self._enter(State.AWAITING_HELLO, now + self._rules.hello_timeout)
                return []
            case s.ConnectFailed(reason):
                return self._lost(f"cannot connect: {reason}", now, jitter)
            case s.Closed(code, reason):
                return self._closed(code, reason, now, jitter)
            case s.Corrupt(reason):
                return self._corrupt(reason, now, jitter)
            case s.Unreadable(reason):
                return self._unreadable(reason, now, jitter)
            case s.OutOfSequence():
                return self._out_of_sequence(now, jitter)
            case s.Renew():
                return self._renew(now, jitter)
            case s.IdentifyGranted() | s.IdentifyRefused():
                return self._permit(fact, now, jitter)
            case _:
                return self._connect(now)

    def advance(self, seq: int) -> bool:
        """Record a dispatch's sequence number; return False when the event must not be delivered.

        That is a duplicate, an event outside any session, or one with an impossible number: accepting that
        would make every later event a duplicate.
        """
        self._heard = True
        if 0 < seq - self.seq <= FARTHEST_STEP and self.session_id is not None:
            self.seq = seq
            return True
        return False

    def resumable(self) -> Resumable | None:
        """Return what another process needs to resume this session."""
        return Resumable(self.session_id, self.seq, self.resume_url) if self.session_id else None

    # Connecting

    def _connect(self, now: float) -> list[s.Effect]:
        self._on_resume_url = self.session_id is not None and self.resume_url is not None
        url = self.resume_url if self._on_resume_url and self.resume_url else self.gateway_url
        self._enter(State.CONNECTING, now + self._rules.connect_timeout)
        return [s.Connect(url)]

    def _enter(self, state: State, due: float | None) -> None:
        self.state = state
        self._due = due

    def _hello(self, frame: s.Frame, now: float, jitter: float) -> list[s.Effect]:
        if self.state is not State.AWAITING_HELLO:
            return []
        interval = heartbeat_interval(frame.d)
        if interval is None:
            return self._close_and_retry("Hello has no heartbeat interval", now, jitter)
        self._interval = interval
        self._next_beat = now + interval * jitter
        if self.session_id is None:
            self._enter(State.AWAITING_PERMIT, None)
            return [s.RequestIdentify()]
        self._enter(State.RESUMING, now + self._rules.ready_timeout)
        self._resumed_from, self._asked_at = self.seq, now
        resume = {"token": self._token, "session_id": self.session_id, "seq": self.seq}
        return [s.Send(Op.RESUME, encode(Op.RESUME, resume)), s.Report(s.Milestone.RESUME)]

    def _permit(
        self, fact: s.IdentifyGranted | s.IdentifyRefused, now: float, jitter: float
    ) -> list[s.Effect]:
        if isinstance(fact, s.IdentifyRefused):
            return self._close_and_retry("no session start is left", now, jitter, wait=fact.wait)
        self._enter(State.IDENTIFYING, now + self._rules.ready_timeout)
        self._asked_at = now
        identify: dict[str, object] = {
            "token": self._token,
            "intents": self._intents,
            "properties": {"os": "linux", "browser": "nescord", "device": "nescord"},
            "shard": self.shard,
            "compress": False,
            "large_threshold": 250,
        }
        if self.presence is not None:
            identify["presence"] = self.presence
        return [s.Send(Op.IDENTIFY, encode(Op.IDENTIFY, identify)), s.Report(s.Milestone.IDENTIFY)]

    # Payloads

    def _frame(self, frame: s.Frame, now: float, jitter: float) -> list[s.Effect]:
        self._heard = True
        match frame.op:
            case Op.DISPATCH:
                return self._dispatch(frame, now, jitter)
            case Op.HEARTBEAT if self._next_beat is not None:
                return [self._heartbeat(now)]
            case Op.HEARTBEAT_ACK:
                self.latency.acknowledged(now)
                return []
            case Op.HELLO:
                return self._hello(frame, now, jitter)
            case Op.RECONNECT:
                return self._close_and_retry("Discord asked for a reconnect", now, jitter)
            case Op.INVALID_SESSION:
                return self._invalid_session(frame.d.strip() == b"true", now, jitter)
            case _:
                return []

    def _dispatch(self, frame: s.Frame, now: float, jitter: float) -> list[s.Effect]:
        effects: list[s.Effect] = []
        before = self.state
        if frame.type == "READY" and self.state is State.IDENTIFYING:
            try:
                effects += self._ready(frame, now)
            except PayloadError as error:
                return self._close_and_retry(f"unreadable data: {error}", now, jitter)
        redelivered = self.restored and frame.type != "RESUMED"
        if frame.type == "RESUMED" and self.state is State.RESUMING:
            effects += self._resumed(now)
        if frame.type and frame.seq is not None and self.advance(frame.seq):
            effects.append(s.Deliver(frame.type, frame.seq, frame.d, redelivered))
        if self.state is not before and not self.latency.is_measured:
            # A bot asks for the latency right after its start: the first regular beat may take 41 s.
            effects.append(self._heartbeat(now))
        return effects

    def _ready(self, frame: s.Frame, now: float) -> list[s.Effect]:
        facts = ready_facts(frame.d)
        self.session_id = facts.session_id
        self.application_id = facts.application_id
        self.guilds.ready(facts.guilds)
        self._established(now)
        reports: list[s.Effect] = [s.Report(s.Milestone.READY)]
        url = facts.resume_gateway_url
        self.resume_url = url if url and is_trusted(url, self.gateway_url) else None
        if url and self.resume_url is None:
            why = f"READY names {printable(url, 100)}, which is not trusted"
            reports.append(s.Report(s.Milestone.RESUME_URL_DROPPED, why))
        return reports

    def _resumed(self, now: float) -> list[s.Effect]:
        self.restored = False
        self._established(now)
        return [s.Report(s.Milestone.RESUMED)]

    def _established(self, now: float) -> None:
        self._enter(State.CONNECTED, None)
        self._connected_at = now
        self._empty_resumes = 0
        self.latency.assume(now - self._asked_at)

    def _invalid_session(self, resumable: bool, now: float, jitter: float) -> list[s.Effect]:
        low, high = self._rules.invalid_wait
        wait = low + (high - low) * jitter
        if resumable and self.session_id is not None:
            return self._close_and_retry("Discord sent Invalid Session (resumable)", now, jitter)
        ended = self._end_session("Discord invalidated it")
        return [*ended, *self._close_and_retry("Discord sent Invalid Session", now, jitter, wait=wait)]

    # Unreadable data

    def _times_here(self) -> int:
        """Return how many times in a row there was unreadable data at this point of the session."""
        here = (self.session_id, self.seq)
        self._unreadable_times = self._unreadable_times + 1 if here == self._unreadable_at else 1
        self._unreadable_at = here
        return self._unreadable_times

    def _corrupt(self, reason: str, now: float, jitter: float) -> list[s.Effect]:
        """Resume, but end a session that keeps breaking at the same point: it would do so forever."""
        times = self._times_here()
        why = f"its data was unreadable {times} times at the same place"
        ended = self._end_session(why) if times >= self._rules.resume_tries else []
        return [*ended, *self._close_and_retry(f"unreadable data: {printable(reason)}", now, jitter)]

    def _unreadable(self, reason: str, now: float, jitter: float) -> list[s.Effect]:
        """Resume, since an event may be lost; a message that is unreadable again is ignored."""
        if self._times_here() == 1:
            return self._close_and_retry(f"unreadable message: {printable(reason)}", now, jitter)
        return [s.Report(s.Milestone.IGNORED, printable(reason))]

    def _out_of_sequence(self, now: float, jitter: float) -> list[s.Effect]:
        ended = self._end_session(f"Discord keeps sending sequence numbers below {self.seq}")
        return [*ended, *self._close_and_retry("the sequence numbers are out of sync", now, jitter)]

    # Heartbeats

    def _heartbeat(self, now: float) -> s.Effect:
        self.latency.sent(now)
        return s.Send(Op.HEARTBEAT, encode(Op.HEARTBEAT, self.seq if self.session_id else None))

    def _beat(self, now: float, jitter: float) -> list[s.Effect]:
        assert self._next_beat is not None
        # A late tick means that this process slept, not that the peer is dead: it gets another interval.
        punctual = now - self._next_beat <= max(1.0, self._interval / 4)
        if not self._heard and punctual:
            why = f"no data received for a whole heartbeat interval ({self._interval:g} s)"
            return [s.Abort(), *self._lost(why, now, jitter)]
        self._next_beat = now + self._interval
        self._heard = False
        return [self._heartbeat(now)]

    # Time

    def _tick(self, now: float, jitter: float) -> list[s.Effect]:
        if self._due is not None and self._due <= now:
            return self._connect(now) if self.state is State.WAITING else self._timed_out(now, jitter)
        if self._next_beat is not None and self._next_beat <= now:
            return self._beat(now, jitter)
        return []

    def _timed_out(self, now: float, jitter: float) -> list[s.Effect]:
        if self.state is State.RESUMING:
            return self._resume_timed_out(now, jitter)
        expected = _EXPECTED[self.state]
        return [s.Abort(), *self._lost(f"{expected} did not arrive in time", now, jitter)]

    def _resume_timed_out(self, now: float, jitter: float) -> list[s.Effect]:
        if self.seq > self._resumed_from:
            # The replay is long, but it makes progress.
            self._resumed_from = self.seq
            self._due = now + self._rules.ready_timeout
            return []
        ended = [] if self._on_resume_url else self._end_session("the main gateway did not resume it")
        return [*ended, s.Abort(), *self._lost("RESUMED did not arrive in time", now, jitter)]

    # Endings

    def _closed(self, code: int | None, reason: str, now: float, jitter: float) -> list[s.Effect]:
        after = after_close(code)
        if after is AfterClose.GIVE_UP and code is not None:
            self._stop_heartbeat()
            self._enter(State.FATAL, None)
            return [s.Fatal(code, printable(reason))]
        ended = self._end_session(f"close code {code}") if after is AfterClose.IDENTIFY else []
        said = f": {printable(reason)}" if reason else ""
        how = "broke" if code is None else f"was closed with code {code}{said}"
        return [*ended, *self._lost(f"the connection {how}", now, jitter)]

    def _close_and_retry(
        self, why: str, now: float, jitter: float, *, wait: float | None = None
    ) -> list[s.Effect]:
        return [s.Close(KEEP_SESSION), *self._lost(why, now, jitter, wait=wait)]

    def _lost(self, why: str, now: float, jitter: float, *, wait: float | None = None) -> list[s.Effect]:
        """Schedule the next connection attempt; ``wait`` (seconds) is given if Discord decides about it."""
        effects: list[s.Effect] = self._drop_unusable()
        connected_for = now - self._connected_at if self.state is State.CONNECTED else None
        resumes = connected_for is not None and self.session_id is not None
        wait = self._delay.after_loss(
            now,
            jitter,
            connected_for=connected_for,
            resumes=resumes,
            moved=self._on_resume_url and bool(effects),
            given=wait,
        )
        self._stop_heartbeat()
        self._enter(State.WAITING, now + wait)
        return [s.Report(s.Milestone.LOST, f"{why}; retrying in {wait:.1f} s"), *effects]

    def _drop_unusable(self) -> list[s.Effect]:
        """Drop the resume host, or the session, if it is what keeps failing."""
        if self.session_id is None:
            return []
        if self._on_resume_url and self.state is not State.CONNECTED:
            self.resume_url = None
            return [s.Report(s.Milestone.RESUME_URL_DROPPED, "the resume host failed")]
        if self.state is State.RESUMING:
            self._empty_resumes = 0 if self.seq > self._resumed_from else self._empty_resumes + 1
            if self._empty_resumes >= self._rules.resume_tries:
                return self._end_session(f"{self._empty_resumes} RESUMEs in a row failed")
        return []

    def _end_session(self, why: str) -> list[s.Effect]:
        if self.session_id is None:
            return []
        self.session_id, self.seq, self.resume_url, self.restored = None, 0, None, False
        return [s.Report(s.Milestone.SESSION_ENDED, why)]

    def _renew(self, now: float, jitter: float) -> list[s.Effect]:
        """End the session, if there is one; on an open connection, identify on a new one."""
        ended = self._end_session("a new one is wanted")
        if not ended or self.state not in WIRED:
            return ended
        return [*ended, s.Close(DROP_SESSION), *self._lost("the session was ended", now, jitter)]

    def _stop(self, keep_session: bool) -> list[s.Effect]:
        wired, connecting = self.state in WIRED, self.state is State.CONNECTING
        ended = [] if keep_session else self._end_session("it was ended on request")
        self._stop_heartbeat()
        self._enter(State.STOPPED, None)
        if wired:
            return [*ended, s.Close(KEEP_SESSION if keep_session else DROP_SESSION)]
        return [*ended, s.Abort()] if connecting else ended

    def _stop_heartbeat(self) -> None:
        self._next_beat = None
        self.latency.forget()


_EXPECTED: Mapping[State, str] = {
    State.CONNECTING: "a connection",
    State.AWAITING_HELLO: "Hello",
    State.IDENTIFYING: "READY",
}
