"""Whatever becomes of a swap, what is on disk runs in the end (benchmarks/saves.py is the long form)."""

from __future__ import annotations

from pathlib import Path

from support.processes.saves import save_at_random


async def test_what_was_saved_last_runs_in_the_end(tmp_path: Path) -> None:
    report = await save_at_random(tmp_path, seed=3, saves=20, per_start=10)
    assert report.lost == []
    assert report.saves == 20
