"""The short form of benchmarks/event_fuzz.py: mutated events among good ones through ws's whole path."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.gateway.event_fuzz import run


@pytest.mark.parametrize("seed", range(12))
def test_good_events_arrive_in_order_whatever_comes_between_them(seed: int, tmp_path: Path) -> None:
    report = run(seed, 900, tmp_path)
    assert not report.problems
    assert report.good == 600
    assert report.aside > 10
