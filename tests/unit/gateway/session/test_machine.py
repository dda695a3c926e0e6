from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from nescord_core.gateway.session import signals as s
from nescord_core.gateway.session.backoff import Backoff
from nescord_core.gateway.session.machine import IllegalFactError, Session
from nescord_core.gateway.session.opcodes import FATAL_CLOSES
from nescord_core.gateway.session.states import ENDED, LEGAL, Resumable, SessionRules, State

MAIN = "wss://main"
RESUME_HOST = "wss://resume"
RULES = SessionRules(backoff=Backoff(1.0, 8.0))
READY = json.dumps({"session_id": "one", "resume_gateway_url": RESUME_HOST, "application": {"id": "9"}})


class Rig:
    """A session with a clock that the test moves."""

    def __init__(self, saved: Resumable | None = None, rules: SessionRules = RULES) -> None:
        self.session = Session((3, 16), token="tok", intents=513, gateway_url=MAIN, rules=rules, saved=saved)
        self.now = 100.0
        self.jitter = 0.5

    def tell(self, fact: s.Fact, after: float = 0.0) -> list[s.Effect]:
        self.now += after
        return self.session.handle(fact, self.now, self.jitter)

    def frame(
        self, op: int, d: object = None, seq: int | None = None, t: str | None = None
    ) -> list[s.Effect]:
        return self.tell(s.Frame(op, seq, t, json.dumps(d).encode()))

    def hello(self, interval: float = 40.0) -> list[s.Effect]:
        self.tell(s.Connected())
        return self.frame(10, {"heartbeat_interval": interval * 1000})

    def ready(self) -> list[s.Effect]:
        return self.tell(s.Frame(0, 1, "READY", READY.encode()))

    def due(self) -> list[s.Effect]:
        """Let time pass until the session wants to be asked."""
        assert self.session.deadline is not None
        self.now = max(self.now, self.session.deadline)
        return self.tell(s.Tick())

    def connected(self, interval: float = 40.0) -> Rig:
        self.tell(s.Start())
        self.hello(interval)
        self.tell(s.IdentifyGranted())
        self.ready()
        assert self.session.state is State.CONNECTED
        return self

    def resuming(self) -> Rig:
        """Drop the connection and come back as far as RESUME."""
        self.tell(s.Closed(None))
        self.due()
        self.hello()
        assert self.session.state is State.RESUMING
        return self


def sent(effects: list[s.Effect]) -> dict[int, Any]:
    return {e.op: json.loads(e.data)["d"] for e in effects if isinstance(e, s.Send)}


def of(kind: type[Any], effects: list[s.Effect]) -> list[Any]:
    return [e for e in effects if isinstance(e, kind)]


def milestones(effects: list[s.Effect]) -> list[s.Milestone]:
    return [e.milestone for e in effects if isinstance(e, s.Report)]


def test_the_table_names_every_state() -> None:
    assert set(LEGAL) == set(State)
    assert {state for state, facts in LEGAL.items() if not facts} == ENDED


@pytest.mark.parametrize("state", list(State))
def test_what_the_table_does_not_name_is_an_error(state: State) -> None:
    rig = Rig()
    rig.session.state = state
    everything: list[s.Fact] = [
        *(s.Start(), s.Connected(), s.ConnectFailed(), s.Frame(11), s.Closed(), s.Corrupt()),
        *(s.IdentifyGranted(), s.IdentifyRefused(1.0), s.Tick(), s.Stop()),
    ]
    for fact in everything:
        if type(fact) not in LEGAL[state]:
            with pytest.raises(IllegalFactError):
                rig.tell(fact)


def test_a_first_start_identifies_only_with_a_permit() -> None:
    rig = Rig()
    assert (rig.session.deadline, rig.session.application_id) == (None, "")
    assert rig.tell(s.Start()) == [s.Connect(MAIN)]
    assert rig.tell(s.Connected()) == []
    assert rig.frame(10, {"heartbeat_interval": 40_000}) == [s.RequestIdentify()]
    effects = rig.tell(s.IdentifyGranted())
    assert milestones(effects) == [s.Milestone.IDENTIFY]
    assert sent(effects)[2] == {
        "token": "tok",
        "intents": 513,
        "properties": {"os": "linux", "browser": "nescord", "device": "nescord"},
        "shard": [3, 16],
        "compress": False,
        "large_threshold": 250,
    }
    effects = rig.ready()
    assert milestones(effects) == [s.Milestone.READY]
    assert of(s.Deliver, effects) == [s.Deliver("READY", 1, READY.encode())]
    assert rig.session.resumable() == Resumable("one", 1, RESUME_HOST)
    assert rig.session.application_id == "9"


def test_a_presence_is_part_of_identify() -> None:
    rig = Rig()
    rig.session.presence = msgspec.Raw(b'{"status":"idle"}')
    rig.tell(s.Start())
    rig.hello()
    assert sent(rig.tell(s.IdentifyGranted()))[2]["presence"] == {"status": "idle"}


def test_the_token_is_in_no_repr() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.hello()
    assert "tok" not in repr(rig.tell(s.IdentifyGranted()))


def test_the_first_heartbeat_comes_after_interval_times_chance() -> None:
    rig = Rig()
    rig.jitter = 0.25
    rig.tell(s.Start())
    rig.hello(40.0)
    assert rig.session.deadline == rig.now + 10.0
    assert sent(rig.due()) == {1: None}
    assert rig.session.deadline == rig.now + 40.0


def test_heartbeats_carry_the_last_sequence_number() -> None:
    rig = Rig().connected()
    assert rig.session.advance(17)
    assert sent(rig.due()) == {1: 17}


def test_opcode_1_from_the_server_is_answered_at_once_and_moves_no_schedule() -> None:
    rig = Rig().connected()
    before = rig.session.deadline
    assert sent(rig.frame(1)) == {1: 1}
    assert rig.session.deadline == before


def test_opcode_1_before_hello_is_not_answered() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.tell(s.Connected())
    assert rig.frame(1) == []


def test_nothing_received_since_the_last_beat_means_a_zombie_which_is_aborted_without_a_handshake() -> None:
    rig = Rig().connected()
    rig.due()
    effects = rig.due()
    assert of(s.Abort, effects)
    assert not of(s.Close, effects)
    assert rig.session.resumable() == Resumable("one", 1, RESUME_HOST)
    assert of(s.Connect, rig.due()) == [s.Connect(RESUME_HOST)]


@pytest.mark.parametrize("life", ["ack", "event"])
def test_anything_heard_since_the_last_beat_shows_life(life: str) -> None:
    rig = Rig().connected()
    rig.due()
    if life == "ack":
        rig.frame(11)
    else:
        rig.session.advance(2)
    assert sent(rig.due()).keys() == {1}


@pytest.mark.parametrize(("interval", "late"), [(40.0, 10.0), (2.0, 1.0), (8.0, 2.0)])
def test_late_is_a_quarter_of_the_interval_and_more_than_a_second(interval: float, late: float) -> None:
    """What a busy machine may take is not what a suspended one does."""
    for after, condemns in ((late - 0.01, True), (late + 0.01, False)):
        rig = Rig().connected(interval)
        rig.due()
        assert rig.session.deadline is not None
        rig.now = rig.session.deadline
        assert bool(of(s.Abort, rig.tell(s.Tick(), after))) is condemns


def test_a_tick_before_its_time_does_nothing() -> None:
    rig = Rig()
    rig.tell(s.Start())
    assert rig.tell(s.Tick(), after=0.5) == []
    rig.hello(40.0)
    assert rig.tell(s.Tick(), after=0.5) == []
    rig = Rig().connected()
    before = rig.session.deadline
    assert rig.tell(s.Tick(), after=0.5) == []
    assert rig.session.deadline == before


def test_every_answer_is_waited_for_as_long_as_the_rules_say() -> None:
    rig = Rig()
    rig.tell(s.Start())
    assert rig.session.deadline == rig.now + RULES.connect_timeout
    rig.tell(s.Connected())
    assert rig.session.deadline == rig.now + RULES.hello_timeout
    rig.frame(10, {"heartbeat_interval": 1_000_000})
    rig.tell(s.IdentifyGranted(), after=3.0)
    assert rig.session.deadline == rig.now + RULES.ready_timeout
    rig.ready()
    rig.tell(s.Closed(None))
    rig.due()
    rig.now += 1.0
    rig.hello(1000.0)
    assert rig.session.deadline == rig.now + RULES.ready_timeout


def test_a_tick_that_comes_late_does_not_condemn_the_peer() -> None:
    rig = Rig().connected(40.0)
    rig.due()
    effects = rig.tell(s.Tick(), after=300.0)
    assert sent(effects).keys() == {1}
    assert of(s.Abort, rig.due())


def test_the_round_trip_of_a_heartbeat_is_measured() -> None:
    rig = Rig().connected()
    rig.due()
    rig.now += 0.2
    rig.frame(11)
    assert rig.session.latency.last == pytest.approx(0.2)


def test_a_beat_of_a_lost_connection_is_not_answered_by_the_next_one() -> None:
    rig = Rig().connected()
    rig.due()
    rig.resuming()
    rig.frame(11)
    assert rig.session.latency.last is None


def test_a_lost_connection_is_resumed_at_the_resume_host() -> None:
    rig = Rig().connected()
    rig.session.advance(5)
    rig.tell(s.Closed(None))
    assert rig.due() == [s.Connect(RESUME_HOST)]
    effects = rig.hello()
    assert sent(effects) == {6: {"token": "tok", "session_id": "one", "seq": 5}}
    assert milestones(effects) == [s.Milestone.RESUME]
    assert not of(s.RequestIdentify, effects)
    assert rig.session.advance(6)
    effects = rig.frame(0, {}, 7, "RESUMED")
    assert s.Milestone.RESUMED in milestones(effects)
    assert rig.session.state is State.CONNECTED


@pytest.mark.parametrize("failure", ["refused", "no websocket answer", "no hello", "no resumed"])
def test_a_dead_resume_host_is_dropped_but_session_and_seq_are_kept_and_the_main_url_is_tried(
    failure: str,
) -> None:
    rig = Rig().connected()
    rig.session.advance(5)
    rig.tell(s.Closed(None))
    assert rig.due() == [s.Connect(RESUME_HOST)]
    match failure:
        case "refused":
            effects = rig.tell(s.ConnectFailed("refused"))
        case "no websocket answer":
            effects = rig.due()
        case "no hello":
            rig.tell(s.Connected())
            effects = rig.due()
        case _:
            rig.hello(1000.0)
            effects = rig.due()
    assert s.Milestone.RESUME_URL_DROPPED in milestones(effects)
    assert rig.session.resumable() == Resumable("one", 5, None)
    assert rig.due() == [s.Connect(MAIN)]
    assert sent(rig.hello())[6]["seq"] == 5


def test_the_main_url_is_tried_soon_after_a_dead_resume_host_however_many_retries_came_before() -> None:
    rig = Rig().connected()
    for _ in range(6):
        rig.tell(s.Closed(None))
        rig.due()
        rig.hello()
        rig.frame(0, {}, 2, "RESUMED")
    rig.tell(s.Closed(None))
    assert rig.due() == [s.Connect(RESUME_HOST)]
    rig.tell(s.ConnectFailed("refused"))
    assert rig.session.deadline is not None
    assert rig.session.deadline - rig.now <= RULES.backoff.base
    assert rig.due() == [s.Connect(MAIN)]
    rig.tell(s.ConnectFailed("refused"))
    assert rig.session.deadline - rig.now > RULES.backoff.base


def test_a_resume_host_that_works_is_used_again() -> None:
    rig = Rig().connected().resuming()
    rig.frame(0, {}, 2, "RESUMED")
    rig.tell(s.Closed(None))
    assert rig.due() == [s.Connect(RESUME_HOST)]


def test_a_second_hello_changes_nothing() -> None:
    rig = Rig().connected()
    before = rig.session.deadline
    assert rig.frame(10, {"heartbeat_interval": 5}) == []
    assert rig.session.deadline == before


def test_only_when_the_main_url_does_not_resume_either_is_a_new_session_started() -> None:
    rig = Rig().connected()
    rig.tell(s.Closed(None))
    rig.due()
    rig.tell(s.ConnectFailed())
    rig.due()
    rig.hello(1000.0)
    effects = rig.due()
    assert s.Milestone.SESSION_ENDED in milestones(effects)
    assert rig.due() == [s.Connect(MAIN)]
    assert rig.hello() == [s.RequestIdentify()]


def test_an_unreachable_main_host_ends_no_session() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.tell(s.Start())
    for _ in range(20):
        rig.tell(s.ConnectFailed())
        assert rig.due() == [s.Connect(MAIN)]
    assert sent(rig.hello())[6]["session_id"] == "one"


def test_an_unreachable_host_is_no_resume_that_failed() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.tell(s.Start())
    rig.hello()
    rig.tell(s.Closed(4000))
    for _ in range(2 * RULES.resume_tries):
        rig.due()
        rig.tell(s.ConnectFailed())
    assert rig.session.session_id == "one"


def test_resumes_that_end_without_an_event_are_given_up_after_a_few() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.tell(s.Start())
    for _ in range(RULES.resume_tries):
        assert 6 in sent(rig.hello())
        rig.tell(s.Closed(4000))
        rig.due()
    assert rig.hello() == [s.RequestIdentify()]


def test_only_resumes_in_a_row_are_counted() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.tell(s.Start())
    for number in range(4):
        for _ in range(RULES.resume_tries - 1):
            assert 6 in sent(rig.hello())
            rig.tell(s.Closed(4000))
            rig.due()
        rig.hello()
        rig.frame(0, {}, 6 + number, "RESUMED")
        rig.tell(s.Closed(None))
        rig.due()
    assert rig.session.session_id == "one"


def test_one_that_made_progress_counts_for_nothing() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.tell(s.Start())
    rig.hello()
    rig.session.advance(6)
    rig.tell(s.Closed(4000))
    for _ in range(RULES.resume_tries - 1):
        rig.due()
        assert 6 in sent(rig.hello())
        rig.tell(s.Closed(4000))
    assert rig.session.session_id == "one"


def test_a_resume_that_makes_progress_is_never_given_up() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.tell(s.Start())
    for seq in range(6, 30):
        assert sent(rig.hello())[6]["seq"] == seq - 1
        rig.session.advance(seq)
        rig.tell(s.Closed(None))
        rig.due()


def test_a_long_replay_that_moves_is_waited_for() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.tell(s.Start())
    rig.hello(10_000.0)
    rig.session.advance(6)
    assert rig.due() == []
    assert rig.session.state is State.RESUMING
    assert rig.session.deadline == rig.now + RULES.ready_timeout
    assert of(s.Abort, rig.due())


def test_opcode_7_reconnects_at_once_and_resumes() -> None:
    rig = Rig().connected()
    effects = rig.frame(7)
    assert of(s.Close, effects) == [s.Close(4000)]
    assert rig.session.deadline == rig.now
    assert rig.due() == [s.Connect(RESUME_HOST)]
    assert 6 in sent(rig.hello())


def test_opcode_7_may_come_before_hello() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.tell(s.Connected())
    assert of(s.Close, rig.frame(7)) == [s.Close(4000)]
    assert rig.due() == [s.Connect(MAIN)]


def test_opcode_9_true_resumes() -> None:
    rig = Rig().connected()
    rig.frame(9, True)
    rig.due()
    assert 6 in sent(rig.hello())


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_opcode_9_false_waits_1_to_5_seconds_and_identifies_on_a_new_connection(jitter: float) -> None:
    rig = Rig().connected()
    rig.jitter = jitter
    effects = rig.frame(9, False)
    assert of(s.Close, effects)
    assert rig.session.deadline == rig.now + 1.0 + 4.0 * jitter
    assert rig.due() == [s.Connect(MAIN)]
    assert rig.hello() == [s.RequestIdentify()]


def test_an_invalid_session_is_not_the_fault_of_the_resume_host() -> None:
    rig = Rig().connected().resuming()
    assert milestones(rig.frame(9, False)) == [s.Milestone.SESSION_ENDED, s.Milestone.LOST]


def test_where_no_session_is_none_ends() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.hello()
    assert milestones(rig.frame(9, False)) == [s.Milestone.LOST]


def test_a_new_session_counts_from_one_again_and_nothing_of_it_is_marked() -> None:
    rig = Rig(Resumable("old", 40, None))
    rig.tell(s.Start())
    rig.hello()
    rig.frame(9, False)
    rig.due()
    rig.hello()
    rig.tell(s.IdentifyGranted())
    assert of(s.Deliver, rig.ready()) == [s.Deliver("READY", 1, READY.encode())]
    assert of(s.Deliver, rig.frame(0, {}, 2, "X")) == [s.Deliver("X", 2, b"{}", False)]


@pytest.mark.parametrize("code", sorted(FATAL_CLOSES))
def test_fatal_close_codes_end_the_shard(code: int) -> None:
    rig = Rig().connected()
    assert of(s.Fatal, rig.tell(s.Closed(code, "why"))) == [s.Fatal(code, "why")]
    assert rig.session.state is State.FATAL
    assert rig.session.deadline is None


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 4000, 4001, 4002, 4003, 4005, 4008, 4009, 4999])
def test_other_close_codes_and_none_at_all_resume(code: int | None) -> None:
    rig = Rig().connected()
    rig.tell(s.Closed(code))
    rig.due()
    assert 6 in sent(rig.hello())


@pytest.mark.parametrize(
    ("closed", "told"),
    [
        (s.Closed(4000, "go away"), "the connection was closed with 4000 go away; next try in 0.0 s"),
        (s.Closed(1001), "the connection was closed with 1001; next try in 0.0 s"),
        (s.Closed(None), "the connection was broken; next try in 0.0 s"),
    ],
)
def test_what_ended_the_connection_is_told(closed: s.Closed, told: str) -> None:
    assert of(s.Report, Rig().connected().tell(closed)) == [s.Report(s.Milestone.LOST, told)]


def test_close_code_4007_starts_a_new_session_as_its_seq_cannot_be_resumed() -> None:
    rig = Rig().connected()
    assert s.Milestone.SESSION_ENDED in milestones(rig.tell(s.Closed(4007)))
    rig.due()
    assert rig.hello() == [s.RequestIdentify()]


@pytest.mark.parametrize(("keep", "code"), [(True, 4000), (False, 1000)])
def test_stopping_closes_with_4000_to_keep_the_session_and_1000_to_end_it(keep: bool, code: int) -> None:
    rig = Rig().connected()
    assert s.Close(code) in rig.tell(s.Stop(keep))
    assert (rig.session.resumable() is not None) is keep
    assert rig.session.deadline is None


def test_stopping_while_connecting_drops_the_attempt() -> None:
    rig = Rig()
    rig.tell(s.Start())
    assert rig.tell(s.Stop()) == [s.Abort()]
    rig = Rig(Resumable("one", 5, None))
    rig.tell(s.Start())
    effects = rig.tell(s.Stop(keep_session=False))
    assert milestones(effects) == [s.Milestone.SESSION_ENDED]
    assert effects[1:] == [s.Abort()]


def test_stopping_between_two_tries_has_nothing_to_drop() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.tell(s.ConnectFailed())
    assert rig.tell(s.Stop()) == []


def test_hello_that_never_comes() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.tell(s.Connected())
    assert rig.session.deadline == rig.now + RULES.hello_timeout
    assert of(s.Abort, rig.due())


@pytest.mark.parametrize("hello", [{}, {"heartbeat_interval": 0}, {"heartbeat_interval": "x"}, None])
def test_a_hello_without_an_interval_is_no_hello(hello: object) -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.tell(s.Connected())
    assert of(s.Close, rig.frame(10, hello))


def test_ready_that_never_comes_is_followed_by_another_identify() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.hello(1000.0)
    rig.tell(s.IdentifyGranted())
    assert of(s.Abort, rig.due())
    rig.due()
    assert rig.hello() == [s.RequestIdentify()]


def test_only_ready_is_ready_and_only_after_identify() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.hello()
    rig.tell(s.IdentifyGranted())
    assert rig.frame(0, {}, 1, "X") == []
    assert rig.session.state is State.IDENTIFYING
    rig.ready()
    again = READY.replace("one", "two").encode()
    assert rig.tell(s.Frame(0, 2, "READY", again)) == [s.Deliver("READY", 2, again)]
    assert rig.session.resumable() == Resumable("one", 2, RESUME_HOST)


def test_an_unreadable_ready_is_no_ready() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.hello()
    rig.tell(s.IdentifyGranted())
    effects = rig.frame(0, {"no": "session"}, 1, "READY")
    assert of(s.Close, effects)
    assert not of(s.Deliver, effects)


def test_heartbeats_go_on_while_waiting_for_a_permit() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.hello()
    for _ in range(10):
        assert sent(rig.due()) == {1: None}
        rig.frame(11)
    assert rig.session.state is State.AWAITING_PERMIT


def test_without_a_session_start_the_shard_waits_as_told() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.hello()
    assert of(s.Close, rig.tell(s.IdentifyRefused(3600.0)))
    assert rig.session.deadline == rig.now + 3600.0


def test_retries_back_off_with_jitter_up_to_a_cap_and_start_over_after_a_stable_connection() -> None:
    rig = Rig()
    rig.jitter = 1.0
    rig.tell(s.Start())
    waits = []
    for _ in range(6):
        rig.tell(s.ConnectFailed())
        assert rig.session.deadline is not None
        waits.append(rig.session.deadline - rig.now)
        rig.due()
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 8.0]
    rig.hello()
    rig.tell(s.IdentifyGranted())
    rig.ready()
    rig.tell(s.Closed(None), after=RULES.stable_after)
    assert rig.session.deadline == rig.now


def test_one_at_the_resume_host_that_held_is_followed_by_the_next_at_once() -> None:
    rig = Rig().connected().resuming()
    rig.frame(0, {}, 2, "RESUMED")
    rig.tell(s.Closed(None), after=RULES.stable_after)
    assert rig.session.deadline == rig.now


def test_a_connection_that_breaks_at_once_again_and_again_is_not_retried_in_a_tight_loop() -> None:
    rig = Rig().connected()
    rig.frame(7)
    rig.due()
    rig.hello()
    rig.frame(0, {}, 2, "RESUMED")
    rig.frame(7)
    assert rig.session.deadline is not None
    assert rig.session.deadline > rig.now


def test_a_session_of_an_earlier_process_is_resumed_and_its_replay_is_marked_until_resumed() -> None:
    rig = Rig(Resumable("old", 40, RESUME_HOST))
    assert rig.tell(s.Start()) == [s.Connect(RESUME_HOST)]
    assert sent(rig.hello())[6]["seq"] == 40
    assert of(s.Deliver, rig.frame(0, {}, 41, "X"))[0].redelivered
    rig.resuming()
    assert of(s.Deliver, rig.frame(0, {}, 42, "X"))[0].redelivered
    assert not of(s.Deliver, rig.frame(0, {}, 43, "RESUMED"))[0].redelivered
    assert not of(s.Deliver, rig.frame(0, {}, 44, "X"))[0].redelivered


def test_a_resume_within_the_process_marks_nothing() -> None:
    rig = Rig().connected().resuming()
    assert of(s.Deliver, rig.frame(0, {}, 2, "X")) == [s.Deliver("X", 2, b"{}", False)]


def test_an_event_that_came_before_is_not_passed_on_twice() -> None:
    rig = Rig().connected()
    assert rig.session.advance(2)
    assert not rig.session.advance(2)
    assert not rig.session.advance(1)


@pytest.mark.parametrize("frame", [s.Frame(0, 5, None), s.Frame(0, None, "X"), s.Frame(0, 5, "")])
def test_what_names_no_event_or_has_no_number_is_none(frame: s.Frame) -> None:
    rig = Rig().connected()
    assert rig.tell(frame) == []
    assert rig.session.seq == 1


def test_events_of_no_session_are_not_passed_on() -> None:
    rig = Rig()
    rig.tell(s.Start())
    rig.hello()
    assert not rig.session.advance(5)
    assert of(s.Deliver, rig.frame(0, {}, 5, "X")) == []


def test_unknown_opcodes_are_ignored() -> None:
    assert Rig().connected().frame(77, {}) == []
