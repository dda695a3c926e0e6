"""A pipe that says whether the supervisor still lives, so that its death leaves no process behind.

The parent keeps the writing end and never writes; every child inherits the reading end. Whatever ends the
parent (kill -9 and the out-of-memory killer included), the kernel closes the writing end and the children
read end-of-file. That works on every POSIX system; Linux's PR_SET_PDEATHSIG (`die_with_parent`) is there
for processes that cannot run a thread.

As a program, ``python -m nescord_core.supervisor.parent_death COMMAND...`` gives any command a lifeline.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import select
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["ENV_FD", "ENV_GRACE", "ParentDeathPipe", "die_with_parent", "install"]

ENV_FD = "NESCORD_LIFELINE_FD"
ENV_GRACE = "NESCORD_LIFELINE_GRACE"
DEFAULT_GRACE = 10.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass
class ParentDeathPipe:
    """The parent's side: pass ``fd`` on (``pass_fds``) with `environment`; close it after the children.

    One lifeline serves any number of children. The writing end is not inheritable.
    """

    fd: int
    writing: int

    @classmethod
    def open(cls) -> ParentDeathPipe:
        return cls(*os.pipe())

    def environment(self, grace: float) -> dict[str, str]:
        """Return the variables a child needs; ``grace`` is the seconds from SIGTERM to SIGKILL."""
        return {ENV_FD: str(self.fd), ENV_GRACE: f"{grace:g}"}

    def close(self) -> None:
        for descriptor in (self.fd, self.writing):
            with suppress(OSError):
                os.close(descriptor)


def install(environ: MutableMapping[str, str] = os.environ) -> bool:
    """Watch the lifeline named in the environment; say whether there is one.

    Call it first thing in a service process. When the supervisor is gone, this process gets SIGTERM as if it
    had been asked to stop; after the grace its whole process group is killed. If it leads that group, what it
    started and left behind is killed when it exits, too. The variables are taken out of the environment, so
    that they do not reach its own children.
    """
    named, grace = environ.pop(ENV_FD, ""), environ.pop(ENV_GRACE, "")
    if not named.isdigit() or not _is_pipe(int(named)):
        return False
    fd = int(named)
    os.set_inheritable(fd, False)
    watch = threading.Thread(
        target=_watch, args=(fd, float(grace or DEFAULT_GRACE)), name="death_pipe", daemon=True
    )
    watch.start()
    atexit.register(_sweep, fd, os.getpid())
    return True


def die_with_parent(parent: int, signum: int = signal.SIGKILL) -> bool:
    """Have the kernel send this process a signal when the thread that started it ends (prctl(2), Linux only).

    ``parent`` is the process id it should have been started by. Say whether the order is in force: False on
    another system, and when that parent is gone already.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0) == 0 and os.getppid() == parent


def _is_pipe(fd: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(fd).st_mode)
    except OSError:
        return False


def _watch(fd: int, grace: float) -> None:
    with suppress(OSError):
        while os.read(fd, 512):
            pass  # nothing is ever written; only the end counts
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    _kill_group()


def _sweep(fd: int, pid: int) -> None:
    """At exit: when the supervisor is gone, nobody else ends what this process leaves behind."""
    if os.getpid() != pid:
        return  # a forked child that runs its copy of the exit hooks
    with suppress(OSError):
        readable, _, _ = select.select([fd], [], [], 0)
        if readable and os.getpgrp() == pid:
            sys.stdout.flush()
            sys.stderr.flush()
            _kill_group()


def _kill_group() -> None:
    """Kill this process with its group; itself alone when the group is somebody else's."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _run(command: Sequence[str]) -> int:
    """Run a command that has no lifeline of its own; pass signals on and return its exit code."""
    install()
    stopping: list[int] = []
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda number, _: stopping.append(number))
    try:
        child = subprocess.Popen(command)  # noqa: S603 - the command is the user's own
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}.", file=sys.stderr)
        return 127
    while True:
        with suppress(subprocess.TimeoutExpired):
            code = child.wait(0.1)
            return code if code >= 0 else 128 - code
        while stopping:
            child.send_signal(stopping.pop())


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:]))
