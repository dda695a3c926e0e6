"""The limit of open files, and what happens at it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nescord_core.process.descriptors import MOST, QUIET, AcceptErrors, is_shortage

AT_THE_LIMIT = """
import os, resource, sys
from pathlib import Path
from nescord_core.process import descriptors
from nescord_core.process.rotated_files import RotatedFiles
if sys.argv[2] == "reserve":
    descriptors.hold_reserve()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        os.open(os.devnull, os.O_RDONLY)
except OSError:
    pass
files = RotatedFiles(Path(sys.argv[1]) / "failed", keep=2)
files.append(b"one\\n")
files.append(b"two\\n")
"""


@pytest.mark.parametrize(("reserve", "kept"), [("reserve", ["one", "two"]), ("none", [])])
@pytest.mark.bound("Open files and processes: records of failed events")
def test_what_fails_while_no_descriptor_is_left_is_recorded(
    tmp_path: Path, reserve: str, kept: list[str]
) -> None:
    subprocess.run([sys.executable, "-c", AT_THE_LIMIT, str(tmp_path), reserve], check=True, timeout=60)
    lines = [line for path in tmp_path.glob("failed/*.jsonl") for line in path.read_text().splitlines()]
    assert lines == kept


@pytest.mark.parametrize(
    ("soft", "hard", "most", "expected"),
    [(256, 4096, MOST, 4096), (256, 4096, 3000, 3000), (512, 512, MOST, 512)],
)
def test_the_soft_limit_is_raised_to_the_hard_one(soft: int, hard: int, most: int, expected: int) -> None:
    code = (
        "import resource; from nescord_core.process import descriptors;"
        f"descriptors.MOST = {most};"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
        "descriptors.raise_limit(); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(result.stdout) == expected


@pytest.mark.bound("Open files and processes: open files of a service")
def test_connections_that_cannot_be_accepted_are_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    handle = AcceptErrors(lambda: now)
    loop = asyncio.new_event_loop()
    error = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    context = {"message": "socket.accept() out of system resource", "exception": error}
    with caplog.at_level(logging.ERROR):
        for _ in range(200):
            handle(loop, context)
        assert len(caplog.records) == 1
        assert "cannot accept connections: too many open files" in caplog.text
        now += QUIET
        handle(loop, context)
        assert len(caplog.records) == 2
        handle(loop, {"message": "Task exception was never retrieved", "exception": ValueError("other")})
        assert "Task exception was never retrieved" in caplog.text
    loop.close()


def test_shortages() -> None:
    assert all(is_shortage(OSError(number, "")) for number in (errno.EMFILE, errno.ENOMEM, errno.EAGAIN))
    assert not is_shortage(OSError(errno.ENOENT, ""))
    assert not is_shortage(TimeoutError())
