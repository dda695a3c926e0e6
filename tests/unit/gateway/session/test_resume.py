from __future__ import annotations

import pytest

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.states import Resumable, State
from support.gateway.session_rig import MAIN, RESUME_HOST, RULES, Rig, milestones, of, sent


def test_a_lost_connection_is_resumed_at_the_resume_host() -> None:
    rig = Rig().connected()
    rig.session.advance(5)
    rig.handle(s.Closed(None))
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
    rig.handle(s.Closed(None))
    assert rig.due() == [s.Connect(RESUME_HOST)]
    match failure:
        case "refused":
            effects = rig.handle(s.ConnectFailed("refused"))
        case "no websocket answer":
            effects = rig.due()
        case "no hello":
            rig.handle(s.Connected())
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
        rig.handle(s.Closed(None))
        rig.due()
        rig.hello()
        rig.frame(0, {}, 2, "RESUMED")
    rig.handle(s.Closed(None))
    assert rig.due() == [s.Connect(RESUME_HOST)]
    rig.handle(s.ConnectFailed("refused"))
    assert rig.session.deadline is not None
    assert rig.session.deadline - rig.now <= RULES.backoff.base
    assert rig.due() == [s.Connect(MAIN)]
    rig.handle(s.ConnectFailed("refused"))
    assert rig.session.deadline - rig.now > RULES.backoff.base


def test_a_resume_host_that_works_is_used_again() -> None:
    rig = Rig().connected().resuming()
    rig.frame(0, {}, 2, "RESUMED")
    rig.handle(s.Closed(None))
    assert rig.due() == [s.Connect(RESUME_HOST)]


def test_only_when_the_main_url_does_not_resume_either_is_a_new_session_started() -> None:
    rig = Rig().connected()
    rig.handle(s.Closed(None))
    rig.due()
    rig.handle(s.ConnectFailed())
    rig.due()
    rig.hello(1000.0)
    effects = rig.due()
    assert s.Milestone.SESSION_ENDED in milestones(effects)
    assert rig.due() == [s.Connect(MAIN)]
    assert rig.hello() == [s.RequestIdentify()]


def test_an_unreachable_main_host_ends_no_session() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.handle(s.Start())
    for _ in range(20):
        rig.handle(s.ConnectFailed())
        assert rig.due() == [s.Connect(MAIN)]
    assert sent(rig.hello())[6]["session_id"] == "one"


def test_an_unreachable_host_is_no_resume_that_failed() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.handle(s.Start())
    rig.hello()
    rig.handle(s.Closed(4000))
    for _ in range(2 * RULES.resume_tries):
        rig.due()
        rig.handle(s.ConnectFailed())
    assert rig.session.session_id == "one"


def test_resumes_that_end_without_an_event_are_given_up_after_a_few() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.handle(s.Start())
    for _ in range(RULES.resume_tries):
        assert 6 in sent(rig.hello())
        rig.handle(s.Closed(4000))
        rig.due()
    assert rig.hello() == [s.RequestIdentify()]


def test_only_resumes_in_a_row_are_counted() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.handle(s.Start())
    for number in range(4):
        for _ in range(RULES.resume_tries - 1):
            assert 6 in sent(rig.hello())
            rig.handle(s.Closed(4000))
            rig.due()
        rig.hello()
        rig.frame(0, {}, 6 + number, "RESUMED")
        rig.handle(s.Closed(None))
        rig.due()
    assert rig.session.session_id == "one"


def test_one_that_made_progress_counts_for_nothing() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.handle(s.Start())
    rig.hello()
    rig.session.advance(6)
    rig.handle(s.Closed(4000))
    for _ in range(RULES.resume_tries - 1):
        rig.due()
        assert 6 in sent(rig.hello())
        rig.handle(s.Closed(4000))
    assert rig.session.session_id == "one"


def test_a_resume_that_makes_progress_is_never_given_up() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.handle(s.Start())
    for seq in range(6, 30):
        assert sent(rig.hello())[6]["seq"] == seq - 1
        rig.session.advance(seq)
        rig.handle(s.Closed(None))
        rig.due()


def test_a_long_replay_that_moves_is_waited_for() -> None:
    rig = Rig(Resumable("one", 5, None))
    rig.handle(s.Start())
    rig.hello(10_000.0)
    rig.session.advance(6)
    assert rig.due() == []
    assert rig.session.state is State.RESUMING
    assert rig.session.deadline == rig.now + RULES.ready_timeout
    assert of(s.Abort, rig.due())


def test_one_at_the_resume_host_that_held_is_followed_by_the_next_at_once() -> None:
    rig = Rig().connected().resuming()
    rig.frame(0, {}, 2, "RESUMED")
    rig.handle(s.Closed(None), after=RULES.stable_after)
    assert rig.session.deadline == rig.now


def test_a_session_of_an_earlier_process_is_resumed_and_its_replay_is_marked_until_resumed() -> None:
    rig = Rig(Resumable("old", 40, RESUME_HOST))
    assert rig.handle(s.Start()) == [s.Connect(RESUME_HOST)]
    assert sent(rig.hello())[6]["seq"] == 40
    assert of(s.Deliver, rig.frame(0, {}, 41, "X"))[0].redelivered
    rig.resuming()
    assert of(s.Deliver, rig.frame(0, {}, 42, "X"))[0].redelivered
    assert not of(s.Deliver, rig.frame(0, {}, 43, "RESUMED"))[0].redelivered
    assert not of(s.Deliver, rig.frame(0, {}, 44, "X"))[0].redelivered


def test_a_resume_within_the_process_marks_nothing() -> None:
    rig = Rig().connected().resuming()
    assert of(s.Deliver, rig.frame(0, {}, 2, "X")) == [s.Deliver("X", 2, b"{}", False)]
