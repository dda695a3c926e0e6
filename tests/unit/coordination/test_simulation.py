"""The rules of several hosts in virtual time: whatever breaks, no block has two holders or none.

A failing seed reproduces: ``python benchmarks/hosts_simulation.py --seed N``.
"""

from __future__ import annotations

import pytest

from support.coordination.mutations import MUTATIONS
from support.coordination.scenarios import run_seed
from support.coordination.simulated_hosts import Violation

SEEDS = 2000
BLOCKS = 16


@pytest.mark.parametrize("block", range(BLOCKS))
def test_whatever_breaks_no_block_has_two_holders_and_none_stays_without(block: int) -> None:
    for seed in range(block, SEEDS, BLOCKS):
        run_seed(seed)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_fault_in_the_rules_is_found(mutation: str) -> None:
    """Otherwise the simulation would prove nothing."""
    faults, kind = MUTATIONS[mutation]
    for seed in range(1000):
        try:
            run_seed(seed, faults, kinds=(kind,))
        except Violation:
            return
    pytest.fail("not found")


def test_a_seed_reproduces() -> None:
    one, other = run_seed(7), run_seed(7)
    assert (one.log, one.messages) == (other.log, other.messages)
