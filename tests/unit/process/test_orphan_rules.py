from __future__ import annotations

import pytest

from nescord_core.process.orphan_rules import Fate, Orphan, fate

OWN, OTHER = 100, 500
RUNNING, ENDED = 7, 8


@pytest.mark.parametrize(
    ("orphan", "before", "at_the_end"),
    [
        (Orphan(1, OWN, True, RUNNING), Fate.LEFT, Fate.ENDED),
        (Orphan(1, OWN, True, ENDED), Fate.ENDED, Fate.ENDED),
        (Orphan(1, OWN, True, ENDED, was_early=True), Fate.ENDED, Fate.ENDED),
        (Orphan(1, OWN, False, RUNNING), Fate.LEFT, Fate.ENDED),
        (Orphan(1, OTHER, True, RUNNING), Fate.LEFT, Fate.ENDED),
        (Orphan(1, OTHER, True, ENDED), Fate.ENDED, Fate.ENDED),
        (Orphan(1, OTHER, True, None), Fate.LEFT, Fate.ENDED),
        (Orphan(1, OTHER, True, None, is_fresh=True), Fate.ENDED, Fate.ENDED),
        (Orphan(1, OTHER, False, ENDED), Fate.DETACHED, Fate.DETACHED),
        (Orphan(1, OTHER, False, None, is_fresh=True), Fate.DETACHED, Fate.DETACHED),
        (Orphan(1, OTHER, True, RUNNING, was_early=True), Fate.DETACHED, Fate.DETACHED),
        (Orphan(1, OTHER, True, ENDED, was_early=True), Fate.DETACHED, Fate.DETACHED),
    ],
)
def test_the_fate_of_an_orphan(orphan: Orphan, before: Fate, at_the_end: Fate) -> None:
    assert fate(orphan, sessions=(OWN,), workers={RUNNING}, ending=False) is before
    assert fate(orphan, sessions=(OWN,), workers=(), ending=True) is at_the_end
