from __future__ import annotations

import pytest

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.states import Resumable, State
from support.gateway.session_rig import RESUME_HOST, Rig, of, sent


def test_the_first_heartbeat_comes_after_interval_times_chance() -> None:
    rig = Rig()
    rig.jitter = 0.25
    rig.handle(s.Start())
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
    rig.handle(s.Start())
    rig.handle(s.Connected())
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
    """A busy machine ticks slightly late, a suspended one very late."""
    for after, condemns in ((late - 0.01, True), (late + 0.01, False)):
        rig = Rig().connected(interval)
        rig.due()
        assert rig.session.deadline is not None
        rig.now = rig.session.deadline
        assert bool(of(s.Abort, rig.handle(s.Tick(), after))) is condemns


def test_a_tick_before_its_time_does_nothing() -> None:
    rig = Rig()
    rig.handle(s.Start())
    assert rig.handle(s.Tick(), after=0.5) == []
    rig.hello(40.0)
    assert rig.handle(s.Tick(), after=0.5) == []
    rig = Rig().connected()
    before = rig.session.deadline
    assert rig.handle(s.Tick(), after=0.5) == []
    assert rig.session.deadline == before


def test_a_tick_that_comes_late_does_not_condemn_the_peer() -> None:
    rig = Rig().connected(40.0)
    rig.due()
    effects = rig.handle(s.Tick(), after=300.0)
    assert sent(effects).keys() == {1}
    assert of(s.Abort, rig.due())


def test_the_round_trip_of_a_heartbeat_is_measured() -> None:
    rig = Rig().connected()
    rig.now += 0.2
    rig.frame(11)
    assert rig.session.latency.last == pytest.approx(0.2)
    rig.due()
    rig.now += 0.3
    rig.frame(11)
    assert rig.session.latency.last == pytest.approx(0.3)


def test_the_latency_is_known_from_ready_on() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.hello()
    rig.handle(s.IdentifyGranted(), after=7.0)
    rig.now += 0.5
    effects = rig.ready()
    assert rig.session.latency.last == pytest.approx(0.5), "the round trip of IDENTIFY, without the queue"
    assert [type(each) for each in effects[-2:]] == [s.Deliver, s.Send]
    assert sent(effects) == {1: 1}, "a heartbeat follows at once, with the number of READY"
    rig.now += 0.1
    rig.frame(11)
    assert rig.session.latency.last == pytest.approx(0.1)


def test_a_resumed_session_beats_at_once_unless_its_latency_is_known() -> None:
    rig = Rig(saved=Resumable("one", 5, RESUME_HOST))
    rig.handle(s.Start())
    rig.hello()
    assert sent(rig.frame(0, {}, seq=6, t="RESUMED")) == {1: 6}
    rig.frame(11)
    rig.resuming()
    assert sent(rig.frame(0, {}, seq=7, t="RESUMED")) == {}


def test_a_beat_of_a_lost_connection_is_not_answered_by_the_next_one() -> None:
    rig = Rig().connected()
    rig.due()
    rig.resuming()
    rig.now += 9.0
    rig.frame(11)
    assert not rig.session.latency.is_measured


def test_heartbeats_go_on_while_waiting_for_a_permit() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.hello()
    for _ in range(10):
        assert sent(rig.due()) == {1: None}
        rig.frame(11)
    assert rig.session.state is State.AWAITING_PERMIT
