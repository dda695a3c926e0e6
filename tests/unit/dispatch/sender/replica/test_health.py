"""A replica that hangs on an event and one that is silent are reported differently."""

from __future__ import annotations

from nescord_core.dispatch.sender.replica.health import Condition, ReplicaHealth


def health() -> ReplicaHealth:
    return ReplicaHealth(0.0, silent_after=3.0, stuck_after=30.0)


def test_one_that_answers_and_gets_on_is_well_however_much_is_in_flight() -> None:
    one = health()
    for second in range(100):
        one.received(float(second))
        assert one.check(second * 10 + 1, float(second)) is Condition.WELL


def test_one_that_answers_and_does_not_finish_its_oldest_is_stuck_until_it_does() -> None:
    one = health()
    found = []
    for second in range(40):
        one.received(float(second))
        found.append(one.check(7, float(second)))
    assert found.count(Condition.STUCK) == 9
    assert one.waiting(39.0) == 39.0
    assert one.check(8, 39.5) is Condition.WELL
    assert one.check(None, 100.0) is Condition.SILENT
    assert one.waiting(100.0) == 0.0


def test_one_that_says_nothing_is_silent_not_stuck() -> None:
    one = health()
    one.check(1, 0.0)
    assert one.check(1, 3.1) is Condition.SILENT
    assert one.check(1, 60.0) is Condition.SILENT
    one.received(60.0)
    assert one.check(1, 60.0) is Condition.STUCK


def test_one_that_promised_no_sign_of_life_is_not_called_silent() -> None:
    one = ReplicaHealth(0.0, silent_after=0.0, stuck_after=30.0)
    assert one.check(None, 1000.0) is Condition.WELL
