"""Model-based test: the session upholds its invariants under any order of legal facts."""

from __future__ import annotations

import json

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.machine import Session
from nescord_core.gateway.session.opcodes import FATAL_CLOSES, Op
from nescord_core.gateway.session.states import ENDED, LEGAL, WIRED, Resumable, SessionRules, State

CODES = st.sampled_from([None, 1000, 1001, 4000, 4007, 4009, *sorted(FATAL_CLOSES)])

INTERVAL = 41.25
WAITS_FOR_DISCORD = (State.AWAITING_HELLO, State.IDENTIFYING, State.RESUMING)


class Gateway(RuleBasedStateMachine):
    """Plays the network and Discord, and checks every effect against a model of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.session = self.make(Resumable("saved", 10, "resume"))
        self.open = False
        self.connecting = False
        self.greeted = False
        self.permit = False
        self.has_session = True
        self.sessions = 0
        self.seq = 10
        self.last_beat: float | None = None
        self.heard = True

    def make(self, saved: Resumable | None) -> Session:
        return Session((0, 1), token="t", intents=1, gateway_url="main", rules=SessionRules(), saved=saved)

    @initialize(fresh=st.booleans())
    def begin(self, fresh: bool) -> None:
        if fresh:
            self.session = self.make(None)
            self.has_session, self.seq = False, 0

    def handle(self, fact: s.Fact, jitter: float = 0.5) -> list[s.Effect]:
        effects = self.session.handle(fact, self.now, jitter)
        for effect in effects:
            self.check(effect)
        return effects

    def check(self, effect: s.Effect) -> None:
        match effect:
            case s.Connect():
                assert not self.open
                assert not self.connecting
                self.connecting, self.permit = True, False
            case s.Send(op, data):
                self.check_send(op, json.loads(data)["d"])
            case s.RequestIdentify():
                assert self.greeted
                assert not self.has_session, "identifies although a session lives"
            case s.Close() | s.Abort():
                assert self.open or self.connecting
                self.hang_up()
            case s.Report(s.Milestone.SESSION_ENDED):
                self.has_session = False
            case s.Deliver(_, seq):
                assert seq == self.seq

    def check_send(self, op: int, d: object) -> None:
        assert self.open, "sends without a connection"
        assert self.greeted, "sends before Hello"
        if op == Op.IDENTIFY:
            assert self.permit, "identifies without a permit"
            assert not self.has_session
            self.permit = False
        elif op == Op.RESUME:
            assert self.has_session
            assert isinstance(d, dict)
            assert d["seq"] == self.seq
        else:
            assert op == Op.HEARTBEAT
            assert d == (self.seq if self.has_session else None)

    def hang_up(self) -> None:
        self.open = self.connecting = self.greeted = self.permit = False
        self.last_beat = None

    def may(self, kind: type[s.Fact]) -> bool:
        return kind in LEGAL[self.session.state]

    @precondition(lambda self: self.may(s.Start))
    @rule()
    def start(self) -> None:
        self.handle(s.Start())

    @precondition(lambda self: self.connecting)
    @rule()
    def connected(self) -> None:
        self.connecting, self.open = False, True
        self.handle(s.Connected())

    @precondition(lambda self: self.connecting)
    @rule(jitter=st.floats(0, 1))
    def connect_failed(self, jitter: float) -> None:
        self.hang_up()
        self.handle(s.ConnectFailed("no"), jitter)

    @precondition(lambda self: self.open)
    @rule(jitter=st.floats(0, 1))
    def hello(self, jitter: float) -> None:
        self.greeted = True
        self.heard = True
        self.handle(s.Frame(Op.HELLO, d=b'{"heartbeat_interval":41250}'), jitter)

    @precondition(lambda self: self.may(s.IdentifyGranted))
    @rule()
    def permit_granted(self) -> None:
        self.permit = True
        self.handle(s.IdentifyGranted())

    @precondition(lambda self: self.session.state is State.IDENTIFYING)
    @rule()
    def ready(self) -> None:
        self.sessions += 1
        self.has_session, self.seq = True, 1
        d = {"session_id": f"s{self.sessions}", "resume_gateway_url": "resume"}
        self.handle(s.Frame(Op.DISPATCH, 1, "READY", json.dumps(d).encode()))
        assert self.session.state is State.CONNECTED

    @precondition(lambda self: self.session.state in (State.RESUMING, State.CONNECTED))
    @rule(resumed=st.booleans())
    def event(self, resumed: bool) -> None:
        self.seq += 1
        self.heard = True
        effects = self.handle(s.Frame(Op.DISPATCH, self.seq, "RESUMED" if resumed else "X", b"{}"))
        assert any(isinstance(effect, s.Deliver) for effect in effects)

    @precondition(lambda self: self.session.state in (State.RESUMING, State.CONNECTED))
    @rule(back=st.integers(0, 3))
    def event_again(self, back: int) -> None:
        self.heard = True
        effects = self.handle(s.Frame(Op.DISPATCH, self.seq - back, "X", b"{}"))
        assert effects == []

    @precondition(lambda self: self.open)
    @rule(op=st.sampled_from([7, 11, 99]))
    def frame(self, op: int) -> None:
        self.heard = True
        self.handle(s.Frame(op))

    @precondition(lambda self: self.open and not self.greeted)
    @rule()
    def asked_to_beat_before_hello(self) -> None:
        assert self.handle(s.Frame(Op.HEARTBEAT)) == []

    @precondition(lambda self: self.open and self.greeted)
    @rule()
    def asked_to_beat(self) -> None:
        self.heard = True
        sent = self.handle(s.Frame(Op.HEARTBEAT))
        assert [effect.op for effect in sent if isinstance(effect, s.Send)] == [Op.HEARTBEAT]

    @precondition(lambda self: self.session.state in WAITS_FOR_DISCORD)
    @rule()
    def nothing_but_acknowledgements(self) -> None:
        """Waiting for Discord ends even if it stays alive without answering."""
        before, until = self.session.state, self.now + 2 * SessionRules().ready_timeout + 1
        while self.session.state is before and (self.session.deadline or 0.0) <= until:
            self.now = max(self.now, self.session.deadline or until + 1)
            self.check_tick(0.5)
            if self.open and self.greeted:
                self.frame(11)
        assert self.session.state is not before

    @precondition(lambda self: self.open)
    @rule(resumable=st.booleans(), jitter=st.floats(0, 1))
    def invalid_session(self, resumable: bool, jitter: float) -> None:
        self.handle(s.Frame(Op.INVALID_SESSION, d=b"true" if resumable else b"false"), jitter)

    @precondition(lambda self: self.open)
    @rule(code=CODES, jitter=st.floats(0, 1))
    def closed(self, code: int | None, jitter: float) -> None:
        self.hang_up()
        effects = self.handle(s.Closed(code), jitter)
        assert (code in FATAL_CLOSES) == any(isinstance(effect, s.Fatal) for effect in effects)

    @precondition(lambda self: self.open)
    @rule()
    def corrupt(self) -> None:
        self.handle(s.Corrupt("junk"))

    @precondition(lambda self: self.may(s.Tick))
    @rule(seconds=st.floats(0, 100), jitter=st.floats(0, 1))
    def time_passes(self, seconds: float, jitter: float) -> None:
        """Advance the clock; like the driver, never past a deadline."""
        until = self.now + seconds
        while self.may(s.Tick) and self.session.deadline is not None and self.session.deadline <= until:
            self.now = max(self.now, self.session.deadline)
            self.check_tick(jitter)
        self.now = max(self.now, until)

    @precondition(lambda self: self.may(s.Tick) and self.session.deadline is not None)
    @rule(share=st.floats(0, 0.99), jitter=st.floats(0, 1))
    def a_tick_too_early(self, share: float, jitter: float) -> None:
        """Tick before the deadline: the driver wakes up for other reasons too."""
        deadline = self.session.deadline
        assert deadline is not None
        if deadline > self.now:
            self.now += share * (deadline - self.now)
            if self.now < deadline:
                assert self.handle(s.Tick(), jitter) == []
                assert self.session.deadline == deadline

    def check_tick(self, jitter: float) -> None:
        """Tick: one heartbeat per interval, and a peer that is silent for a whole interval is dropped."""
        before, last, heard = self.session.state, self.last_beat, self.heard
        effects = self.handle(s.Tick(), jitter)
        if any(isinstance(effect, s.Send) for effect in effects):
            assert last is None or self.now - last >= INTERVAL - 1e-6
            assert last is None or self.heard, "keeps beating although the peer is a zombie"
            self.last_beat, self.heard = self.now, False
        if before is State.CONNECTED and any(isinstance(effect, s.Abort) for effect in effects):
            assert last is not None
            assert self.now - last >= INTERVAL - 1e-6
            assert not heard, "drops a peer that sent something"

    @precondition(lambda self: self.session.state not in ENDED)
    @rule(keep=st.booleans())
    def stop(self, keep: bool) -> None:
        # Rarely, because it ends the run.
        if self.sessions >= 2:
            self.handle(s.Stop(keep))
            self.hang_up()

    @precondition(lambda self: self.session.state in ENDED)
    @rule()
    def over(self) -> None:
        assert self.session.deadline is None
        assert not self.open

    @invariant()
    def the_session_knows_what_the_wire_knows(self) -> None:
        assert self.open == (self.session.state in WIRED)
        assert self.connecting == (self.session.state is State.CONNECTING)
        assert self.has_session == (self.session.session_id is not None)

    @invariant()
    def heartbeats_keep_their_distance(self) -> None:
        """Scheduled beats are an interval apart; only opcode 1 brings one forward."""
        if self.greeted and self.session.state is not State.AWAITING_HELLO:
            assert self.session.deadline is not None
            assert self.session.deadline <= self.now + INTERVAL

    @invariant()
    def there_is_always_a_way_on(self) -> None:
        """A session that has not ended has a deadline."""
        if self.session.state not in ENDED | {State.NEW}:
            assert self.session.deadline is not None

    @precondition(lambda self: self.session.state not in ENDED)
    @rule()
    def all_goes_well(self) -> None:
        self.come_up()

    @precondition(lambda self: self.session.state is State.CONNECTED)
    @rule(answers=st.booleans())
    def three_heartbeats(self, answers: bool) -> None:
        """A peer that answers is kept; one that does not is dropped within two intervals."""
        self.frame(11)
        for _ in range(3):
            if self.session.state is State.CONNECTED and self.session.deadline is not None:
                self.now = max(self.now, self.session.deadline)
                self.check_tick(0.5)
                if answers:
                    self.frame(11)
        assert answers == (self.session.state is State.CONNECTED)

    def teardown(self) -> None:
        """Whatever state the run ended in, a well-behaved Discord gets the shard connected."""
        self.come_up()

    def come_up(self) -> None:
        for _ in range(20):
            match self.session.state:
                case State.NEW:
                    self.start()
                case State.WAITING:
                    self.now = max(self.now, self.session.deadline or 0)
                    self.handle(s.Tick())
                case State.CONNECTING:
                    self.connected()
                case State.AWAITING_HELLO:
                    self.hello(0.5)
                case State.AWAITING_PERMIT:
                    self.permit_granted()
                case State.IDENTIFYING:
                    self.ready()
                case State.RESUMING:
                    self.event(True)
                case _:
                    return
        raise AssertionError(f"stuck in {self.session.state}")


Gateway.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestGateway = Gateway.TestCase
