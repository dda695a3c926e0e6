from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.errors import IdentifyBudgetSpent
from nescord_core.gateway.identify.queue import IdentifyQueue, SessionStartLimit


def queue(concurrency: int = 1, remaining: int = 1000, reserve: int = 0, **more: float) -> IdentifyQueue:
    limit = SessionStartLimit(
        total=1000,
        remaining=remaining,
        max_concurrency=concurrency,
        reset_after=more.pop("reset_after", 1e6),
    )
    return IdentifyQueue(limit, window=5.0, reserve=reserve, now=0.0, **more)


def test_one_identify_per_five_seconds_and_key() -> None:
    identify = queue()
    for ticket in range(3):
        identify.request(ticket, ticket, 0.0)
    assert identify.grants(0.0) == [0]
    assert identify.grants(4.9) == []
    assert identify.next_at(4.9) == 5.0
    assert identify.grants(5.0) == [1]
    assert identify.grants(10.0) == [2]
    assert identify.next_at(10.0) is None


def test_the_key_is_shard_id_modulo_max_concurrency() -> None:
    identify = queue(16)
    for shard in range(32):
        identify.request(shard, shard, 0.0)
    assert identify.grants(0.0) == list(range(16))
    assert identify.grants(5.0) == list(range(16, 32))


def test_re_identifies_go_through_the_same_queue() -> None:
    identify = queue()
    identify.request(1, 0, 0.0)
    assert identify.grants(0.0) == [1]
    identify.request(2, 0, 1.0)
    assert identify.grants(1.0) == []
    assert identify.next_at(1.0) == 5.0


def test_a_cancelled_waiter_gives_its_place_back() -> None:
    identify = queue(remaining=3)
    for ticket in (1, 2, 3):
        identify.request(ticket, 0, 0.0)
    identify.cancel(2)
    assert identify.grants(0.0) == [1]
    assert identify.grants(5.0) == [3]
    identify.request(4, 0, 5.0)
    assert identify.remaining == 1


def test_the_day_s_session_starts_are_counted_and_the_reserve_is_never_used() -> None:
    identify = queue(remaining=52, reserve=50)
    identify.request(1, 0, 0.0)
    identify.request(2, 0, 0.0)
    with pytest.raises(IdentifyBudgetSpent) as caught:
        identify.request(3, 0, 0.0)
    assert (caught.value.remaining, caught.value.needed, caught.value.reserve) == (52, 3, 50)
    assert identify.grants(0.0) == [1]
    assert identify.grants(5.0) == [2]
    assert identify.remaining == 50


def test_the_count_starts_anew_at_its_reset() -> None:
    identify = queue(remaining=0, reset_after=100.0)
    with pytest.raises(IdentifyBudgetSpent) as caught:
        identify.request(1, 0, 40.0)
    assert caught.value.reset_after == 60.0
    identify.request(1, 0, 100.0)
    assert identify.grants(100.0) == [1]
    assert identify.remaining == 999


def test_the_day_may_be_over_while_somebody_waits() -> None:
    identify = queue(remaining=2, reset_after=3.0)
    identify.request(1, 0, 0.0)
    identify.request(2, 0, 0.0)
    assert identify.grants(0.0) == [1]
    assert identify.grants(5.0) == [2]
    assert identify.remaining == 999


def test_the_window_counts_from_when_an_identify_was_sent() -> None:
    identify = queue(2)
    for ticket, shard in enumerate((0, 1, 2, 3)):
        identify.request(ticket, shard, 0.0)
    assert identify.grants(0.0) == [0, 1]
    identify.used(0, 2.0)
    assert identify.grants(5.0) == [3]
    assert identify.next_at(5.0) == 7.0
    assert identify.grants(7.0) == [2]


def test_slack_widens_the_window() -> None:
    identify = queue(slack=0.25)
    identify.request(1, 0, 0.0)
    identify.request(2, 0, 0.0)
    identify.grants(0.0)
    assert identify.next_at(0.0) == 5.25


@given(
    concurrency=st.integers(1, 8),
    actions=st.lists(
        st.one_of(
            st.tuples(st.just("ask"), st.integers(0, 31)),
            st.tuples(st.just("cancel"), st.integers(0, 60)),
            st.tuples(st.just("sleep"), st.integers(0, 70)),
        ),
        max_size=60,
    ),
)
def test_never_two_in_a_window_and_always_in_order(concurrency: int, actions: list[tuple[str, int]]) -> None:
    identify, now = queue(concurrency), 0.0
    shard_of: dict[int, int] = {}
    granted: list[tuple[int, float]] = []
    cancelled: set[int] = set()

    def grant() -> None:
        granted.extend((ticket, now) for ticket in identify.grants(now))

    for what, number in actions:
        if what == "ask":
            ticket = len(shard_of)
            shard_of[ticket] = number
            identify.request(ticket, number, now)
        elif what == "cancel" and number in shard_of and number not in {t for t, _ in granted}:
            identify.cancel(number)
            cancelled.add(number)
        elif what == "sleep":
            now += number / 10
        grant()
    while (at := identify.next_at(now)) is not None:
        now = at
        grant()
    assert {t for t, _ in granted} == set(shard_of) - cancelled
    for key in range(concurrency):
        mine = [(t, at) for t, at in granted if shard_of[t] % concurrency == key]
        assert mine == sorted(mine)
        assert all(b[1] - a[1] > 5.0 - 1e-9 for a, b in pairwise(mine))
