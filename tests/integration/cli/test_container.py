"""nescord as PID 1: reaping orphans, and in its own PID namespace where that is allowed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
ORPHAN = """
import os, subprocess, sys, time
print("child", os.getpid(), os.getpgrp() == os.getpid(), flush=True)
middle = "import subprocess; print(subprocess.Popen(['sleep', '0.1']).pid, flush=True)"
subprocess.run([sys.executable, "-c", middle], check=True)
print("orphaned", flush=True)
time.sleep(600)
"""
BEHIND = f"""
import ctypes, signal, sys
ctypes.CDLL(None).prctl({PR_SET_CHILD_SUBREAPER}, 1, 0, 0, 0)
from nescord_cli.pid1 import run_below
run_below()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
exec({ORPHAN!r})
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="PID namespaces and subreapers are Linux's")


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def said(output: IO[str] | None) -> str:
    assert output is not None
    return output.readline().strip()


@pytest.fixture
def reaper() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", BEHIND], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_orphans_are_reaped_and_signals_and_exit_codes_pass_through(reaper: subprocess.Popen[str]) -> None:
    _, child, leads_its_group = said(reaper.stdout).split()
    assert int(child) != reaper.pid
    assert leads_its_group == "True", "^C in a terminal must not arrive twice"
    orphan = int(said(reaper.stdout))
    assert said(reaper.stdout) == "orphaned"
    until(lambda: not is_there(orphan))  # nobody else waits for it: it would stay a zombie
    assert is_there(int(child))
    reaper.send_signal(signal.SIGTERM)
    assert reaper.wait(60) == 7
    assert not is_there(int(child))


def test_the_signal_that_killed_the_child_is_in_the_exit_code(reaper: subprocess.Popen[str]) -> None:
    _, child, _ = said(reaper.stdout).split()
    os.kill(int(child), signal.SIGKILL)
    assert reaper.wait(60) == 128 + signal.SIGKILL


def may_unshare() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    tried = subprocess.run([unshare, "--pid", "--fork", "true"], check=False, capture_output=True)
    return tried.returncode == 0


@pytest.mark.skipif(not may_unshare(), reason="this user may not create PID namespaces")
def test_pid_1_runs_the_command_in_a_child(tmp_path: Path) -> None:
    """Without a handler PID 1 would not even receive SIGTERM (pid_namespaces(7))."""
    program = (
        "import os, nescord_cli.app as app; app.main = lambda: print('runs as', os.getpid())\n"
        "from nescord_cli.__main__ import main; main()"
    )
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "runs as 2\n")
