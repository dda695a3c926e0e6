"""Which host should have which block."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.coordination.rules.placement import next_move, place, room

HOSTS = {"a": 100, "b": 100, "c": 100}


def test_blocks_are_spread_evenly_and_alike_whoever_asks() -> None:
    placed = place(range(32), {}, 32, HOSTS)
    assert sorted(Counter(placed.values()).values()) == [10, 11, 11]
    assert placed == place(range(32), {}, 32, dict(reversed(HOSTS.items())))


def test_shares_follow_the_capacities() -> None:
    assert room(30, {"big": 20, "small": 10}) == {"big": 20, "small": 10}
    placed = place(range(12), {}, 12, {"big": 20, "small": 10, "none": 0})
    assert Counter(placed.values()) == {"big": 8, "small": 4}


def test_what_is_held_stays_and_a_dead_hosts_blocks_go_to_all_others() -> None:
    before = place(range(30), {}, 30, HOSTS)
    alive = {"a": 100, "b": 100}
    held = {block: host for block, host in before.items() if host in alive}
    placed = place([block for block in before if block not in held], held, 30, alive)
    assert Counter((held | placed).values()) == {"a": 15, "b": 15}


def test_blocks_that_nobody_has_room_for_are_left() -> None:
    assert len(place(range(5), {}, 5, {"a": 2, "b": 1})) == 3
    assert place(range(5), {}, 5, {}) == {}


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(1, 6), min_size=1),
    st.integers(1, 20),
    st.integers(0, 1000),
)
def test_moves_end_with_even_shares_and_none_is_undone(
    capacities: dict[str, int], blocks: int, seed: int
) -> None:
    hosts = sorted(capacities)
    blocks = min(blocks, sum(capacities.values()))
    held: dict[int, str] = {}
    for block in range(blocks):
        free = [host for host in hosts if Counter(held.values())[host] < capacities[host]]
        held[block] = free[(seed * (block + 1)) % len(free)]
    moved: set[int] = set()
    while (move := next_move(held, capacities)) is not None:
        assert held[move.block] == move.source
        held[move.block] = move.target
        assert move.block not in moved
        moved.add(move.block)
    load = Counter(held.values())
    assert all(load[host] <= capacities[host] for host in hosts)
    if len(set(capacities.values())) == 1:
        assert max(load[host] for host in hosts) - min(load[host] for host in hosts) <= 1


@pytest.mark.parametrize("capacities", [{"a": 100}, {"b": 100}])
def test_a_single_host_or_an_unknown_holder_moves_nothing(capacities: dict[str, int]) -> None:
    assert next_move(dict.fromkeys(range(9), "a"), capacities) is None
