"""Real processes under load, while they are killed, stopped, disconnected and reloaded.

``python benchmarks/chaos.py`` runs this for longer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.system.chaos import Plan, run


@pytest.mark.timeout(600)
def test_nothing_is_lost_doubled_or_reordered_whatever_breaks(tmp_path: Path) -> None:
    """90 seconds: at least once, repeats marked, in order per guild, and no IDENTIFY spent."""
    outcome = run(tmp_path / "bot", Plan(seconds=90.0, seed=7))
    print(outcome)
    assert outcome.findings.good, outcome.findings
    assert outcome.handled >= outcome.sent - outcome.set_aside
    assert outcome.identifies == 0
    assert outcome.resumes > 0
    assert outcome.sent > 20_000
    for fault in ("SIGKILL to", "SIGTERM to", "SIGSTOP", "gateway:", "reset of the streams", "reload"):
        assert any(action.startswith(fault) for action in outcome.actions), f"{fault}: did not happen"
