"""The test kit, as the tests of a bot use it: a whole session of pytest with the bot on a local Discord."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent / "project"
CONFIG = '[bot]\nintents = "all"\n\n[main]\nentry = "bot.py"\n\n[sandbox]\nrate_limits = false\n'
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(PROJECT / "bot.py", folder / "bot.py")
    shutil.copy(PROJECT / "checks.py", folder / "test_bot.py")
    (folder / "nescord.toml").write_text(CONFIG)
    (folder / "pytest.ini").write_text(INI)
    return folder


def test_a_session_of_tests(project: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rA", "-p", "no:cacheprovider", "test_bot.py"],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    output = done.stdout
    assert "1 failed, 10 passed" in output, output + done.stderr
    assert "FAILED test_bot.py::test_that_fails" in output
    report = output[output.index("bot: transcript") : output.index("short test summary")]
    conversation, _, rest = report.partition("bot: events, calls and errors")
    assert "alice: !fail" in conversation
    assert "Sandbox Bot: before the error" in conversation
    assert "Pong" not in conversation, "it shows what this test has said, and nothing of the others"
    event = rest.index("MESSAGE_CREATE  alice: !fail")
    error = rest.index("ValueError: a fault of this test  (bot.py:", event)
    call = rest.index('messages {"content":"before the error"', error)
    assert rest.index("Traceback", call), "the log of the services follows"
