"""A short run of benchmarks/gateway_soak.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.gateway.soak import SoakPlan, run


@pytest.mark.timeout(300)
def test_whatever_the_gateway_does_every_shard_comes_back_and_no_event_is_lost(tmp_path: Path) -> None:
    """Facts 19 to 21: everything but op 9 false (and 4007) is resumed; only those cost an IDENTIFY."""
    plan = SoakPlan(seconds=14.0, every=0.7, rate=150.0, shards=16, per_cluster=4, guilds=16, seed=3)
    outcome = run(tmp_path / "bot", plan)
    print(outcome)
    assert outcome.findings.good, outcome.findings
    assert (outcome.connected, outcome.identifies) == (16, outcome.forced)
    assert outcome.forced == 1
    assert outcome.resumes >= len(outcome.faults)
    assert outcome.sent > 500
    assert len(outcome.faults) >= 5
