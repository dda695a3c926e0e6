"""Real processes under load while everything is killed, stopped, dropped and reloaded.

The long form is ``python benchmarks/chaos.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.system.chaos import Plan, run


@pytest.mark.timeout(600)
def test_nothing_is_lost_doubled_or_reordered_whatever_breaks(tmp_path: Path) -> None:
    """90 seconds: at-least-once, marked when again, in order per guild, and no IDENTIFY is spent."""
    outcome = run(tmp_path / "bot", Plan(seconds=90.0, seed=7))
    print(outcome)
    assert outcome.findings.good, outcome.findings
    assert outcome.handled >= outcome.sent - outcome.set_aside
    assert outcome.identifies == 0
    assert outcome.resumes > 0
    assert outcome.sent > 20_000
    for way in ("SIGKILL to", "SIGTERM to", "SIGSTOP", "gateway:", "reset of the streams", "reload"):
        assert any(action.startswith(way) for action in outcome.actions), f"{way}: did not happen"
