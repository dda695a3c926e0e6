"""Crash evidence: written by a process that dies, read by its successors."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from nescord_core.dispatch.receiver.started_log import StartedLog

CHILD = """
import os, signal, sys
from pathlib import Path
from nescord_core.dispatch.receiver.started_log import StartedLog
log = StartedLog(Path(sys.argv[1]), name="child")
for seq in range(10, 20):
    log.add((3, "session", seq))
log.flush()
log.add((3, "session", 99))
log.retract((3, "session", 99))
for seq in (12, 13):
    log.retract((3, "session", seq))
log.add((3, "session", 13))
log.flush()
log.add((3, "session", 98))
if sys.argv[2] == "die":
    os.kill(os.getpid(), signal.SIGKILL)
log.close()
"""


def child(folder: Path, how: str) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, str(folder), how], check=False)
    assert done.returncode == (-signal.SIGKILL if how == "die" else 0)


def test_deaths_are_counted_by_event_and_only_for_what_was_handed_on(tmp_path: Path) -> None:
    log = StartedLog(tmp_path, name="main")
    for deaths in range(1, 4):
        child(tmp_path, "die")
        log.refresh()
        assert log.crashes((3, "session", 15)) == deaths
    assert log.crashes((3, "session", 98)) == 0
    assert log.crashes((3, "other", 15)) == 0
    assert StartedLog(tmp_path, name="next").crashes((3, "session", 15)) == 0
    after = StartedLog(tmp_path, name="next")
    after.refresh()
    assert after.crashes((3, "session", 19)) == 3


def test_what_was_taken_back_is_not_to_blame_unless_it_began_later(tmp_path: Path) -> None:
    child(tmp_path, "die")
    log = StartedLog(tmp_path, name="main")
    log.refresh()
    found = {seq: log.crashes((3, "session", seq)) for seq in (11, 12, 13, 14, 99)}
    assert found == {11: 1, 12: 0, 13: 1, 14: 1, 99: 0}


def test_an_orderly_end_and_a_living_process_are_no_evidence(tmp_path: Path) -> None:
    child(tmp_path, "leave")
    living = StartedLog(tmp_path, name="living")
    living.add((0, "s", 1))
    living.flush()
    log = StartedLog(tmp_path, name="main")
    log.refresh()
    assert log.crashes((3, "session", 15)) == 0
    assert log.crashes((0, "s", 1)) == 0
    living.close()
    assert not list(tmp_path.iterdir())


def test_a_file_that_grew_long_keeps_what_is_outstanding(tmp_path: Path) -> None:
    writer = StartedLog(tmp_path, name="writer")
    for seq in range(0, 200_000, 2):
        writer.add((0, "s", seq))
        if seq % 2_000 == 0:
            writer.flush(lambda: [(0, "s", 7)])
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size < 1_200_000
    writer.add((0, "s", 999_999))
    writer.flush(lambda: [(0, "s", 7)])
    text = next(tmp_path.glob("*.log")).read_text()
    assert "0\ts\t7\t7\n" in text
    assert "0\ts\t999999\t999999\n" in text
    writer.close()
