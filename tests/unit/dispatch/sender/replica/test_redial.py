"""How long to wait before a replica is dialled again, with time moved by hand."""

from __future__ import annotations

import pytest

from nescord_core.dispatch.sender.replica.redial import Redial


def test_attempts_that_fail_are_repeated_with_growing_pauses() -> None:
    redial = Redial(0.05, 2.0)
    assert [redial.failed() for _ in range(8)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


@pytest.mark.parametrize("delivered", [True, False])
def test_a_healthy_main_that_drains_is_dialled_at_once(delivered: bool) -> None:
    redial, now = Redial(0.05, 2.0), 0.0
    for _ in range(10):
        redial.began(now)
        now += 3.0
        assert redial.ended(now, delivered=delivered, broken=False) == 0.0


def test_a_main_that_is_reloaded_twice_in_a_moment_is_dialled_at_once() -> None:
    redial = Redial(0.05, 2.0)
    redial.began(0.0)
    assert redial.ended(5.0, delivered=False, broken=False) == 0.0
    redial.began(5.0)
    assert redial.ended(5.5, delivered=False, broken=False) == 0.0


@pytest.mark.parametrize("broken", [True, False])
def test_a_main_that_ends_its_streams_as_they_begin_is_dialled_with_growing_pauses(broken: bool) -> None:
    redial, now, dials = Redial(0.05, 2.0), 0.0, 0
    while now < 60.0:
        redial.began(now)
        dials += 1
        now += 0.001
        now += redial.ended(now, delivered=False, broken=broken)
    assert dials < 40


def test_a_main_that_finishes_one_event_on_each_stream_is_dialled_no_more_than_every_shortest_pause() -> None:
    redial = Redial(0.05, 2.0)
    redial.began(1.0)
    assert redial.ended(1.01, delivered=True, broken=False) == pytest.approx(0.04)


def test_pauses_are_forgotten_after_a_stream_that_held() -> None:
    redial = Redial(0.05, 2.0)
    for _ in range(10):
        redial.failed()
    redial.began(0.0)
    redial.ended(2.5, delivered=False, broken=True)
    assert redial.failed() == 0.05
