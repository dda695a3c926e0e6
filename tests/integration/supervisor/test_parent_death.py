"""Children of a supervisor that dies stop, with the processes they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nescord_core.supervisor.parent_death import ENV_FD, ENV_GRACE, ParentDeathPipe, install

MARK = "NESCORD_TEST_MARK"

PARENT = """
import os, subprocess, sys, time
from nescord_core.supervisor.parent_death import ParentDeathPipe
pipe = ParentDeathPipe.open()
env = {**os.environ, **pipe.environment(float(sys.argv[1]))}
subprocess.Popen(sys.argv[2:], env=env, pass_fds=(pipe.fd,), start_new_session=True)
time.sleep(600)
"""
POLITE = """
import signal, subprocess, sys, threading
from nescord_core.supervisor import parent_death
assert parent_death.install()
asked = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: asked.set())
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", deaf])
print("up", flush=True)
while not asked.wait(0.05): pass
open(sys.argv[1], "w").write("asked to stop")
"""
STUBBORN = """
import signal, sys, time
from nescord_core.supervisor import parent_death
assert parent_death.install()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
while True: time.sleep(1)
"""
FOREIGN = "import time; print('up', flush=True); time.sleep(600)"


def marked(mark: str) -> list[int]:
    """Return the processes (zombies excluded) with the mark in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and f"{MARK}={mark}".encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], bool], timeout: float = 20.0) -> bool:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def mark() -> Iterator[str]:
    name = uuid.uuid4().hex
    yield name
    for pid in marked(name):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def parent(mark: str) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(grace: float, *argv: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(grace), *argv],
            env={**os.environ, MARK: mark},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_after_kill_9_of_the_parent_a_child_stops_in_order_and_its_leftovers_are_killed(
    parent: Start, mark: str, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    process = parent(20, sys.executable, "-c", POLITE, str(note))
    assert wait_until(lambda: len(marked(mark)) == 3)
    process.kill()
    process.wait()
    assert wait_until(lambda: not marked(mark))
    assert note.read_text() == "asked to stop"


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(parent: Start, mark: str) -> None:
    process = parent(0.3, sys.executable, "-c", STUBBORN)
    process.kill()
    process.wait()
    assert wait_until(lambda: not marked(mark))


def test_a_foreign_command_gets_a_lifeline_by_the_wrapper(parent: Start, mark: str) -> None:
    wrapper = [sys.executable, "-m", "nescord_core.supervisor.parent_death", sys.executable, "-c", FOREIGN]
    process = parent(5, *wrapper)
    process.kill()
    process.wait()
    assert wait_until(lambda: not marked(mark))


@pytest.mark.parametrize(("body", "code"), [("exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_the_wrapper_leaves_with_the_exit_code_of_its_command(body: str, code: int) -> None:
    wrapper = [sys.executable, "-m", "nescord_core.supervisor.parent_death", sys.executable, "-c", body]
    assert subprocess.run(wrapper, check=False).returncode == code


def test_the_wrapper_names_a_command_that_is_not_there() -> None:
    wrapper = [sys.executable, "-m", "nescord_core.supervisor.parent_death", "no-such-command-here"]
    done = subprocess.run(wrapper, check=False, capture_output=True, text=True)
    assert done.returncode == 127
    assert "cannot start no-such-command-here" in done.stderr


@pytest.mark.parametrize("value", ["", "x", "987"])
def test_without_a_lifeline_nothing_is_watched(value: str) -> None:
    environ = {ENV_FD: value, ENV_GRACE: "1"}
    assert install(environ) is False
    assert environ == {}


def test_a_number_that_names_something_else_is_not_taken_for_a_lifeline(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        assert install({ENV_FD: str(file.fileno())}) is False


def test_the_writing_end_is_not_inherited() -> None:
    pipe = ParentDeathPipe.open()
    assert os.get_inheritable(pipe.write_fd) is False
    pipe.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_SET_PDEATHSIG is Linux's")
def test_the_kernel_can_be_told_to_end_a_process_with_its_parent(parent: Start, mark: str) -> None:
    body = (
        "import os, time; from nescord_core.supervisor.parent_death import die_with_parent\n"
        "assert die_with_parent(os.getppid()) and not die_with_parent(1)\n"
        "print('up', flush=True); time.sleep(600)"
    )
    process = parent(5, sys.executable, "-c", body)
    process.kill()
    process.wait()
    assert wait_until(lambda: not marked(mark))
