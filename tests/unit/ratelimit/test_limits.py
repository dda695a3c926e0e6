"""The two limits that no header shows: the global limit and the limit of invalid requests."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

import pytest

from nescord_core.ratelimit.global_limit import GlobalLimit
from nescord_core.ratelimit.invalid_requests import InvalidRequests
from nescord_core.ratelimit.response import Answer, Scope
from nescord_core.ratelimit.round_trips import RoundTrip


def spend(limit: GlobalLimit, count: int, now: float) -> list[float]:
    times = []
    for _ in range(count):
        now = max(now, limit.next_at(now))
        limit.take(now)
        limit.answered(now, RoundTrip(now, now))
        times.append(now)
    return times


def test_never_more_than_the_limit_in_any_second_and_a_little_wider() -> None:
    times = spend(GlobalLimit(50), 500, 0.0)
    assert all(later - earlier > 1.0 for earlier, later in zip(times, times[50:], strict=False))
    assert times[-1] < 9 * 1.06


def test_an_answer_that_took_long_keeps_its_slot_longer_as_the_request_may_have_arrived_late() -> None:
    limit = GlobalLimit(1)
    limit.take(0.0)
    limit.answered(0.0, RoundTrip(0.0, 0.1))
    assert limit.next_at(0.1) > 1.1


def test_how_long_answers_take_by_themselves_is_learned_and_costs_nothing_then() -> None:
    limit = GlobalLimit(1)
    now = 0.0
    for _ in range(300):
        limit.take(now)
        limit.answered(now, RoundTrip(now, now + 0.15))
        granted, now = now, max(now + 0.15, limit.next_at(now + 0.15))
    assert 1.0 < now - granted < 1.05


def rate(round_trip: Callable[[float], RoundTrip], count: int = 400) -> float:
    """Return the share of a limit of 50/s that is used when requests go as soon as they may."""
    limit, now = GlobalLimit(50), 0.0
    answers: list[tuple[float, float]] = []  # (received, granted)
    started = 0.0
    for number in range(count):
        while (at := limit.next_at(now)) > now:
            # The next event: a slot is free, or an answer arrives.
            now = min(at, answers[0][0]) if answers else at
            while answers and answers[0][0] <= now:
                received, granted = heapq.heappop(answers)
                limit.answered(granted, round_trip(granted)._replace(received=received))
        limit.take(now)
        heapq.heappush(answers, (round_trip(now).received, now))
        if number == count // 2:
            started = now
    return (count // 2 - 1) / (now - started) / 50


def travel(sent: float) -> float:
    """Return the seconds from here to Discord: random, but constant for a request."""
    return 0.03 + 0.005 * random.Random(sent).random()


def slow_answer(sent: float) -> RoundTrip:
    return RoundTrip(sent, sent + travel(sent) + 0.05 + 0.3 * random.Random(-sent - 1).random())


def test_discords_own_clock_shows_that_slow_answers_did_not_arrive_late() -> None:
    skewed = lambda sent: slow_answer(sent)._replace(seen=1.7e9 + sent + travel(sent))  # noqa: E731 - as short
    assert rate(skewed) > 0.96
    assert rate(slow_answer) < rate(skewed) - 0.05


def test_discords_clock_may_jump_or_be_several_without_a_slot_coming_free_early() -> None:
    chance = random.Random(5)
    for jump in (-7.0, -0.2, 0.2, 7.0):
        limit, now, arrivals = GlobalLimit(1), 0.0, []
        for number in range(40):
            now = max(now, limit.next_at(now))
            limit.take(now)
            late = 0.25 if number == 101 and jump < -1 else chance.choice([0.0, 0.0, 0.3 * chance.random()])
            arrived = now + travel(now) + late
            arrivals.append(arrived)
            offset = (jump if number > 100 else 0.0) + chance.choice([0.0, 0.015])
            received = arrived + 0.02
            limit.answered(now, RoundTrip(now, received, 1.7e9 + offset + arrived))
            now = received
        assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(arrivals))


@pytest.mark.parametrize("clock", [True, False])
def test_ways_that_differ_widely_do_not_make_a_slot_free_early(clock: bool) -> None:
    """The next request may be faster than all before it; the more so, the fewer there were."""
    early = 0
    for seed in range(40):
        chance = random.Random(seed)
        limit, now = GlobalLimit(5), 0.0
        in_flight: list[tuple[float, float, float]] = []  # (received, granted, arrived)
        arrivals: list[float] = []
        while len(arrivals) < 300:
            at = limit.next_at(now)
            while in_flight and (at > now):
                received, granted, arrived = heapq.heappop(in_flight)
                now = max(now, min(at, received))
                if received > now:
                    heapq.heappush(in_flight, (received, granted, arrived))
                    break
                seen = 1.7e9 + arrived if clock else None
                limit.answered(granted, RoundTrip(granted, received, seen))
                at = limit.next_at(now)
            now = max(now, at)
            limit.take(now)
            arrived = now + chance.uniform(0.05, 0.25)
            arrivals.append(arrived)
            heapq.heappush(in_flight, (arrived + chance.uniform(0.05, 0.25), now, arrived))
        arrivals.sort()
        early += sum(later - first < 1.0 for first, later in zip(arrivals, arrivals[5:], strict=False))
    assert early == 0


def test_a_slot_given_back_is_free_at_once() -> None:
    limit = GlobalLimit(1)
    limit.take(5.0)
    assert limit.next_at(5.0) > 5.0
    limit.give_back(5.0)
    assert limit.next_at(5.0) <= 5.0


def test_a_global_429_blocks_and_widens() -> None:
    limit = GlobalLimit(50)
    width = limit.window
    limit.block(9.0)
    assert limit.next_at(1.0) == 9.0
    assert limit.window > width
    for _ in range(100):
        limit.block(9.0)
    assert limit.window < 1.5


def test_no_limit_at_all() -> None:
    limit = GlobalLimit(None)
    assert spend(limit, 1000, 3.0) == [3.0] * 1000


def test_counts_401_403_and_429_but_not_shared_ones() -> None:
    invalid = InvalidRequests()
    for answer in (Answer(401), Answer(403), Answer(429), Answer(429, scope=Scope.SHARED), Answer(404)):
        invalid.saw(answer, 1.0)
    assert invalid.count(1.0) == 3
    assert invalid.count(1.0 + 600.0) == 0


def test_slows_down_and_then_refuses_before_ten_thousand() -> None:
    invalid = InvalidRequests()
    now, sent = 0.0, 0
    while invalid.refused_until(now) is None and now < 600:
        now = max(now, invalid.next_at(now))
        invalid.took(now)
        invalid.saw(Answer(403), now)
        sent += 1
        now += 0.001
    assert sent < 10_000
    assert now > 300, "it should have spread the second half over the window"


def test_refusal_ends_when_the_window_has_moved_on() -> None:
    invalid = InvalidRequests(slow_from=1, refuse_from=2)
    invalid.saw(Answer(401), 0.0)
    invalid.saw(Answer(401), 10.0)
    assert invalid.refused_until(11.0) == 600.0
    assert invalid.refused_until(600.5) is None
