"""A replica may start an event, or ws may send it elsewhere: never both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.dispatch.protocol.lease import Fence, Lease


def test_nothing_begins_before_the_first_answer_and_after_the_lease() -> None:
    lease = Lease(1.0)
    assert not lease.may_begin(1, 0.0)
    request = lease.request_renewal(0.0)
    assert not lease.may_begin(1, 0.1)
    lease.renewed(request, 0.2)
    assert lease.may_begin(1, 0.99)
    assert not lease.may_begin(2, 1.0), "counted from the question, not from the answer"


def test_a_ws_that_promises_nothing_is_trusted() -> None:
    lease = Lease(0.0)
    assert lease.may_begin(1, 1e9)
    assert lease.interval is None


class Waiting:
    """Waiting events; ``freed`` collects (number, marked) when they continue."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.freed: list[tuple[int, bool]] = []

    def wait(self, number: int, now: float) -> bool:
        return self.lease.wait(number, lambda marked: self.freed.append((number, marked)), now)


def test_what_waits_goes_on_in_order_with_the_next_answer_that_is_in_time() -> None:
    lease = Lease(1.0)
    waiting = Waiting(lease)
    assert waiting.wait(2, 5.0), "ws has to be asked at once"
    request = lease.request_renewal(5.0)
    assert not waiting.wait(1, 5.1)
    lease.renewed(request, 5.3)
    assert waiting.freed == [(1, False), (2, False)]


def test_nothing_overtakes_what_waits_not_even_once_that_may_go_on() -> None:
    lease = Lease(1.0)
    waiting = Waiting(lease)
    for number in (1, 2):
        waiting.wait(number, 0.0)
    lease.renewed(lease.request_renewal(0.0), 0.1)
    assert not lease.may_begin(3, 0.2)
    assert not lease.may_begin(2, 0.2)
    assert lease.may_begin(1, 0.2)
    lease.forget(2)
    assert lease.may_begin(3, 0.2)


def test_what_was_told_to_go_on_and_froze_before_it_did_waits_again() -> None:
    lease = Lease(1.0)
    waiting = Waiting(lease)
    waiting.wait(1, 0.0)
    lease.renewed(lease.request_renewal(0.0), 0.1)
    assert not lease.may_begin(1, 50.0)
    waiting.wait(1, 50.0)
    lease.renewed(lease.request_renewal(50.0), 50.1)
    assert waiting.freed == [(1, False), (1, False)]
    assert lease.may_begin(1, 50.2)


def test_an_answer_from_before_the_wait_that_comes_too_late_frees_nothing() -> None:
    """After minutes frozen, buffered events are no proof of a valid lease."""
    lease = Lease(1.0)
    waiting = Waiting(lease)
    request = lease.request_renewal(0.0)
    waiting.wait(1, 100.0)
    lease.renewed(request, 100.0)
    assert waiting.freed == []
    assert not lease.may_begin(1, 100.0)


def test_when_every_answer_is_late_events_begin_with_a_mark_instead_of_never() -> None:
    lease = Lease(1.0)
    waiting = Waiting(lease)
    waiting.wait(1, 0.0)
    request = lease.request_renewal(0.0)
    waiting.wait(2, 0.5)
    lease.renewed(request, 1.5)
    assert waiting.freed == [(1, True)], "the second has to wait for a question asked since"
    assert lease.may_begin(1, 1.6)
    assert not lease.may_begin(2, 1.6)
    lease.renewed(lease.request_renewal(1.5), 2.0)
    assert waiting.freed == [(1, True), (2, False)]


def test_an_answer_nobody_asked_for_and_one_for_a_stream_that_is_over_change_nothing() -> None:
    lease = Lease(1.0)
    waiting = Waiting(lease)
    lease.renewed(7, 0.0)
    assert not lease.may_begin(1, 0.1)
    request = lease.request_renewal(0.0)
    waiting.wait(1, 0.0)
    lease.end()
    lease.renewed(request, 0.1)
    assert waiting.freed == []
    assert not lease.may_begin(1, 0.1)


def test_questions_without_an_answer_take_no_room_for_ever() -> None:
    lease = Lease(1.0)
    for at in range(1000):
        lease.request_renewal(float(at))
    lease.renewed(1, 1000.0)
    lease.renewed(1000, 1000.0)
    assert not lease.may_begin(1, 1000.0)
    lease.renewed(lease.request_renewal(1000.0), 1000.1)
    assert lease.may_begin(1, 1000.5)


@pytest.mark.parametrize("never_granted", [True, False])
def test_the_fence_stands_from_the_last_answer(never_granted: bool) -> None:
    fence = Fence(1.0)
    if not never_granted:
        fence.granted(5.0)
        assert fence.remaining(5.25) == 0.75
    assert fence.remaining(6.0) == 0.0


@given(
    st.lists(
        st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 3.0), st.floats(0.0, 3.0)), min_size=1, max_size=20
    ),
    st.integers(-(1 << 20), 1 << 20),
)
def test_whatever_the_delays_and_the_clocks_no_event_begins_past_the_fence(
    delays: list[tuple[float, float, float]], skew: int
) -> None:
    """Times are an observer's; ws's clock is ahead by ``skew``, which must not matter."""
    lease, fence = Lease(1.0), Fence(1.0)
    now = 0.0
    for pause, there, back in delays:
        now += pause
        request, answered_at = lease.request_renewal(now), now + there
        fence.granted(answered_at + skew)
        lease.renewed(request, answered_at + back)
        elsewhere_at = answered_at + fence.remaining(answered_at + skew)
        assert not lease.may_begin(1, elsewhere_at)
        assert not lease.may_begin(1, elsewhere_at + pause)
