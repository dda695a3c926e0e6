"""The log of finished events on disk, shared by processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nescord_core.dispatch.receiver.finished_log import FinishedLog

CHILD = """
import os, signal, sys
from pathlib import Path
from nescord_core.dispatch.receiver.finished_log import FinishedLog
with FinishedLog(Path(sys.argv[1]), name="child", window=1000) as log:
    for seq in range(1, 101):
        log.add(3, "session", seq)
    log.flush()
    log.add(3, "session", 999)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_flushed_is_known_to_the_next(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], check=False)
    assert killed.returncode == -9
    with FinishedLog(tmp_path, name="next", window=1000) as log:
        assert all(log.seen(3, "session", seq) for seq in range(1, 101))
        assert not log.seen(3, "session", 999)
        assert not log.seen(2, "session", 1)
        assert len(list(tmp_path.glob("*.log"))) == 1, "the dead process's file was not taken over"
    with FinishedLog(tmp_path, name="third", window=1000) as log:
        assert log.seen(3, "session", 50)


def test_a_living_process_is_read_on_demand_and_keeps_its_file(tmp_path: Path) -> None:
    with (
        FinishedLog(tmp_path, name="old", window=1000) as old,
        FinishedLog(tmp_path, name="new", window=1000) as new,
    ):
        old.add(0, "s", 7)
        old.flush()
        assert not new.seen(0, "s", 7)
        new.refresh()
        assert new.seen(0, "s", 7)
        old.add(0, "s", 9)
        old.flush()
        new.refresh()
        assert new.seen(0, "s", 9)
        assert not new.seen(0, "s", 8)
        assert len(list(tmp_path.glob("*.log"))) == 2


def test_a_file_written_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    with (
        FinishedLog(tmp_path, name="old", window=100_000) as old,
        FinishedLog(tmp_path, name="new", window=1000) as new,
    ):
        for at in range(60):
            for seq in range(1, 20_000, 2):
                old.add(at, "a" * 32, seq)
            old.flush()
            if at % 20 == 0:
                new.refresh()
        old.add(77, "last", 1)
        old.flush()
        new.refresh()
        assert new.seen(77, "last", 1)
        size = sum(path.stat().st_size for path in tmp_path.glob("old*.log"))
        assert size < 12 * 1024 * 1024, "the file grows without bound"


def test_a_damaged_file_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "odd.log").write_bytes(b"\xff\xfe\n0\ts\t5\n0\ts\tx\ty\n0\ts\t5\t6\n0\ts\t8")
    with FinishedLog(tmp_path, name="new", window=1000) as log:
        assert log.seen(0, "s", 6)
        assert not log.seen(0, "s", 8)
