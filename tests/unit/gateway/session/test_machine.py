from __future__ import annotations

import msgspec
import pytest

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.machine import IllegalFactError
from nescord_core.gateway.session.opcodes import FATAL_CLOSES
from nescord_core.gateway.session.states import ENDED, LEGAL, Resumable, State
from support.gateway.session_rig import MAIN, READY, RESUME_HOST, RULES, Rig, milestones, of, sent


def test_the_table_names_every_state() -> None:
    assert set(LEGAL) == set(State)
    assert {state for state, facts in LEGAL.items() if not facts} == ENDED


@pytest.mark.parametrize("state", list(State))
def test_what_the_table_does_not_name_is_an_error(state: State) -> None:
    rig = Rig()
    rig.session.state = state
    everything: list[s.Fact] = [
        *(s.Start(), s.Connected(), s.ConnectFailed(), s.Frame(11), s.Closed(), s.Corrupt()),
        *(s.IdentifyGranted(), s.IdentifyRefused(1.0), s.Renew(), s.Tick(), s.Stop()),
    ]
    for fact in everything:
        if type(fact) not in LEGAL[state]:
            with pytest.raises(IllegalFactError):
                rig.handle(fact)


def test_a_first_start_identifies_only_with_a_permit() -> None:
    rig = Rig()
    assert (rig.session.deadline, rig.session.application_id) == (None, "")
    assert rig.handle(s.Start()) == [s.Connect(MAIN)]
    assert rig.handle(s.Connected()) == []
    assert rig.frame(10, {"heartbeat_interval": 40_000}) == [s.RequestIdentify()]
    effects = rig.handle(s.IdentifyGranted())
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
    rig.handle(s.Start())
    rig.hello()
    assert sent(rig.handle(s.IdentifyGranted()))[2]["presence"] == {"status": "idle"}


def test_the_token_is_in_no_repr() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.hello()
    assert "tok" not in repr(rig.handle(s.IdentifyGranted()))


def test_every_answer_is_waited_for_as_long_as_the_rules_say() -> None:
    rig = Rig()
    rig.handle(s.Start())
    assert rig.session.deadline == rig.now + RULES.connect_timeout
    rig.handle(s.Connected())
    assert rig.session.deadline == rig.now + RULES.hello_timeout
    rig.frame(10, {"heartbeat_interval": 1_000_000})
    rig.handle(s.IdentifyGranted(), after=3.0)
    assert rig.session.deadline == rig.now + RULES.ready_timeout
    rig.ready()
    rig.handle(s.Closed(None))
    rig.due()
    rig.now += 1.0
    rig.hello(1000.0)
    assert rig.session.deadline == rig.now + RULES.ready_timeout


def test_a_second_hello_changes_nothing() -> None:
    rig = Rig().connected()
    before = rig.session.deadline
    assert rig.frame(10, {"heartbeat_interval": 5}) == []
    assert rig.session.deadline == before


def test_opcode_7_reconnects_at_once_and_resumes() -> None:
    rig = Rig().connected()
    effects = rig.frame(7)
    assert of(s.Close, effects) == [s.Close(4000)]
    assert rig.session.deadline == rig.now
    assert rig.due() == [s.Connect(RESUME_HOST)]
    assert 6 in sent(rig.hello())


def test_opcode_7_may_come_before_hello() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.handle(s.Connected())
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
    rig.handle(s.Start())
    rig.hello()
    assert milestones(rig.frame(9, False)) == [s.Milestone.LOST]


def test_a_new_session_counts_from_one_again_and_nothing_of_it_is_marked() -> None:
    rig = Rig(Resumable("old", 40, None))
    rig.handle(s.Start())
    rig.hello()
    rig.frame(9, False)
    rig.due()
    rig.hello()
    rig.handle(s.IdentifyGranted())
    assert of(s.Deliver, rig.ready()) == [s.Deliver("READY", 1, READY.encode())]
    assert of(s.Deliver, rig.frame(0, {}, 2, "X")) == [s.Deliver("X", 2, b"{}", False)]


@pytest.mark.parametrize("code", sorted(FATAL_CLOSES))
def test_fatal_close_codes_end_the_shard(code: int) -> None:
    rig = Rig().connected()
    assert of(s.Fatal, rig.handle(s.Closed(code, "why"))) == [s.Fatal(code, "why")]
    assert rig.session.state is State.FATAL
    assert rig.session.deadline is None


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 4000, 4001, 4002, 4003, 4005, 4008, 4009, 4999])
def test_other_close_codes_and_none_at_all_resume(code: int | None) -> None:
    rig = Rig().connected()
    rig.handle(s.Closed(code))
    rig.due()
    assert 6 in sent(rig.hello())


@pytest.mark.parametrize(
    ("closed", "detail"),
    [
        (s.Closed(4000, "go away"), "the connection was closed with code 4000: go away; retrying in 0.0 s"),
        (s.Closed(1001), "the connection was closed with code 1001; retrying in 0.0 s"),
        (s.Closed(None), "the connection broke; retrying in 0.0 s"),
    ],
)
def test_what_ended_the_connection_is_told(closed: s.Closed, detail: str) -> None:
    assert of(s.Report, Rig().connected().handle(closed)) == [s.Report(s.Milestone.LOST, detail)]


def test_close_code_4007_starts_a_new_session_as_its_seq_cannot_be_resumed() -> None:
    rig = Rig().connected()
    assert s.Milestone.SESSION_ENDED in milestones(rig.handle(s.Closed(4007)))
    rig.due()
    assert rig.hello() == [s.RequestIdentify()]


@pytest.mark.parametrize(("keep", "code"), [(True, 4000), (False, 1000)])
def test_stopping_closes_with_4000_to_keep_the_session_and_1000_to_end_it(keep: bool, code: int) -> None:
    rig = Rig().connected()
    assert s.Close(code) in rig.handle(s.Stop(keep))
    assert (rig.session.resumable() is not None) is keep
    assert rig.session.deadline is None


def test_stopping_while_connecting_drops_the_attempt() -> None:
    rig = Rig()
    rig.handle(s.Start())
    assert rig.handle(s.Stop()) == [s.Abort()]
    rig = Rig(Resumable("one", 5, None))
    rig.handle(s.Start())
    effects = rig.handle(s.Stop(keep_session=False))
    assert milestones(effects) == [s.Milestone.SESSION_ENDED]
    assert effects[1:] == [s.Abort()]


def test_stopping_between_two_tries_has_nothing_to_drop() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.handle(s.ConnectFailed())
    assert rig.handle(s.Stop()) == []


def test_hello_that_never_comes() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.handle(s.Connected())
    assert rig.session.deadline == rig.now + RULES.hello_timeout
    assert of(s.Abort, rig.due())


@pytest.mark.parametrize("hello", [{}, {"heartbeat_interval": 0}, {"heartbeat_interval": "x"}, None])
def test_a_hello_without_an_interval_is_no_hello(hello: object) -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.handle(s.Connected())
    assert of(s.Close, rig.frame(10, hello))


def test_ready_that_never_comes_is_followed_by_another_identify() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.hello(1000.0)
    rig.handle(s.IdentifyGranted())
    assert of(s.Abort, rig.due())
    rig.due()
    assert rig.hello() == [s.RequestIdentify()]


def test_only_ready_is_ready_and_only_after_identify() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.hello()
    rig.handle(s.IdentifyGranted())
    assert rig.frame(0, {}, 1, "X") == []
    assert rig.session.state is State.IDENTIFYING
    rig.ready()
    again = READY.replace("one", "two").encode()
    assert rig.handle(s.Frame(0, 2, "READY", again)) == [s.Deliver("READY", 2, again)]
    assert rig.session.resumable() == Resumable("one", 2, RESUME_HOST)


def test_an_unreadable_ready_is_no_ready() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.hello()
    rig.handle(s.IdentifyGranted())
    effects = rig.frame(0, {"no": "session"}, 1, "READY")
    assert of(s.Close, effects)
    assert not of(s.Deliver, effects)


def test_without_a_session_start_the_shard_waits_as_told() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.hello()
    assert of(s.Close, rig.handle(s.IdentifyRefused(3600.0)))
    assert rig.session.deadline == rig.now + 3600.0


def test_retries_back_off_with_jitter_up_to_a_cap_and_start_over_after_a_stable_connection() -> None:
    rig = Rig()
    rig.jitter = 1.0
    rig.handle(s.Start())
    waits = []
    for _ in range(6):
        rig.handle(s.ConnectFailed())
        assert rig.session.deadline is not None
        waits.append(rig.session.deadline - rig.now)
        rig.due()
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 8.0]
    rig.hello()
    rig.handle(s.IdentifyGranted())
    rig.ready()
    rig.handle(s.Closed(None), after=RULES.stable_after)
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


def test_an_event_that_came_before_is_not_passed_on_twice() -> None:
    rig = Rig().connected()
    assert rig.session.advance(2)
    assert not rig.session.advance(2)
    assert not rig.session.advance(1)


@pytest.mark.parametrize("frame", [s.Frame(0, 5, None), s.Frame(0, None, "X"), s.Frame(0, 5, "")])
def test_what_names_no_event_or_has_no_number_is_none(frame: s.Frame) -> None:
    rig = Rig().connected()
    assert rig.handle(frame) == []
    assert rig.session.seq == 1


def test_events_of_no_session_are_not_passed_on() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.hello()
    assert not rig.session.advance(5)
    assert of(s.Deliver, rig.frame(0, {}, 5, "X")) == []


def test_unknown_opcodes_are_ignored() -> None:
    assert Rig().connected().frame(77, {}) == []


def test_a_session_that_is_renewed_is_dropped_and_a_new_one_identified_at_once() -> None:
    rig = Rig().connected()
    effects = rig.handle(s.Renew())
    assert of(s.Close, effects) == [s.Close(1000)]
    assert rig.session.resumable() is None
    assert of(s.Connect, rig.due()) == [s.Connect(MAIN)]
    rig.hello()
    assert rig.session.state is State.AWAITING_PERMIT


def test_a_session_that_is_renewed_while_it_has_no_connection_is_not_resumed() -> None:
    rig = Rig().connected()
    rig.handle(s.Closed(None))
    assert not of(s.Close, rig.handle(s.Renew()))
    assert of(s.Connect, rig.due()) == [s.Connect(MAIN)]
    assert rig.handle(s.Renew()) == [], "there is none any more"
