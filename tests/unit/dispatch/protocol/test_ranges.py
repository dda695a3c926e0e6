from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nescord_core.dispatch.protocol.ranges import RangeSet, coalesce

numbers = st.integers(min_value=0, max_value=60)
spans = st.tuples(numbers, st.integers(min_value=0, max_value=8)).map(lambda pair: (pair[0], sum(pair)))


def spelled(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(st.lists(numbers))
def test_coalesced_ranges_hold_the_same_numbers_and_do_not_touch(given_numbers: list[int]) -> None:
    ranges = coalesce(given_numbers)
    assert spelled(ranges) == set(given_numbers)
    for (_, last), (first, _) in pairwise(ranges):
        assert first > last + 1


@given(st.lists(spans))
def test_a_range_set_is_a_set(added: list[tuple[int, int]]) -> None:
    ranges, model = RangeSet(), set[int]()
    for first, last in added:
        if first == last:
            ranges.add(first)
        else:
            ranges.add_range(first, last)
        model |= spelled([(first, last)])
        assert list(ranges) == coalesce(model)
    assert {number for number in range(80) if number in ranges} == model


@given(st.lists(st.tuples(st.booleans(), spans)))
def test_what_is_taken_out_is_out_and_nothing_else_is(changes: list[tuple[bool, tuple[int, int]]]) -> None:
    ranges, model = RangeSet(), set[int]()
    for is_added, (first, last) in changes:
        if is_added:
            ranges.add_range(first, last)
            model |= spelled([(first, last)])
        else:
            ranges.remove_range(first, last)
            model -= spelled([(first, last)])
        assert list(ranges) == coalesce(model)


def test_the_lowest_are_dropped_first() -> None:
    ranges = RangeSet()
    for number in (1, 3, 5):
        ranges.add(number)
    ranges.drop_lowest(2)
    assert list(ranges) == [(5, 5)]
