"""Real processes under load while everything is killed, stopped, dropped and reloaded.

The long form is ``python benchmarks/chaos.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.chaos import Plan, run


@pytest.mark.timeout(240)
def test_nothing_is_lost_doubled_or_reordered_whatever_breaks(tmp_path: Path) -> None:
    """45 seconds: at-least-once, marked when again, in order per guild, and no IDENTIFY is spent."""
    outcome = run(tmp_path / "bot", Plan(seconds=45.0, rate=400.0, seed=7))
    print(outcome)
    assert outcome.findings.good, outcome.findings
    assert outcome.identifies == 0
    assert outcome.sent > 5000
