"""Both sides' rules in virtual time: whatever breaks, nothing is lost or reordered.

A failing seed reproduces: ``python benchmarks/simulation.py --seed N``.
"""

from __future__ import annotations

import pytest

from support.dispatch.simulation import MUTATIONS, check

SEEDS = 2000
BLOCKS = 8


@pytest.mark.parametrize("block", range(BLOCKS))
def test_whatever_breaks_nothing_is_lost_and_every_guild_stays_in_order(block: int) -> None:
    wrong = {}
    for seed in range(block, SEEDS, BLOCKS):
        if problems := check(seed):
            wrong[seed] = problems
    assert not wrong


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_fault_in_the_rules_is_found(mutation: str) -> None:
    """Otherwise the simulation would prove nothing."""
    assert any(check(seed, mutation) for seed in range(600))


def test_a_seed_reproduces() -> None:
    failing = next(seed for seed in range(100) if check(seed, "no hold at hand-over"))
    first, again = (check(failing, "no hold at hand-over") for _ in range(2))
    assert first == again
