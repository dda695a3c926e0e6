"""Parent-death pipe: children stop when the supervisor dies, so that it leaves no process behind.

The parent keeps the write end open and never writes; every child inherits the read end. However the parent
dies (kill -9 and the out-of-memory killer included), the kernel closes the write end and the children read
end-of-file. This works on every POSIX system. `die_with_parent` uses Linux's PR_SET_PDEATHSIG instead, for
processes that cannot run a thread.

``python -m nescord_core.supervisor.parent_death COMMAND...`` runs any command under such a pipe.
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
    """The parent's side. Pass ``fd`` (``pass_fds``) and `environment` to children; close it after them.

    One pipe serves any number of children. The write end is not inheritable.
    """

    fd: int
    write_fd: int

    @classmethod
    def open(cls) -> ParentDeathPipe:
        return cls(*os.pipe())

    def environment(self, grace: float) -> dict[str, str]:
        """Return the variables a child needs; ``grace`` is the seconds from SIGTERM to SIGKILL."""
        return {ENV_FD: str(self.fd), ENV_GRACE: f"{grace:g}"}

    def close(self) -> None:
        for descriptor in (self.fd, self.write_fd):
            with suppress(OSError):
                os.close(descriptor)


def install(environ: MutableMapping[str, str] = os.environ) -> bool:
    """Watch the pipe named in the environment; return whether there is one.

    Call it first in a service process. When the supervisor dies, this process gets SIGTERM, as in an orderly
    stop, and after the grace period its whole process group is killed. If it leads that group, processes
    that it leaves behind are killed when it exits as well. The variables are removed from the environment,
    so that its own children do not inherit them.
    """
    descriptor, grace = environ.pop(ENV_FD, ""), environ.pop(ENV_GRACE, "")
    if not descriptor.isdigit() or not _is_pipe(int(descriptor)):
        return False
    fd = int(descriptor)
    os.set_inheritable(fd, False)
    watch = threading.Thread(
        target=_watch, args=(fd, float(grace or DEFAULT_GRACE)), name="death_pipe", daemon=True
    )
    watch.start()
    atexit.register(_sweep, fd, os.getpid())
    return True


def die_with_parent(parent: int, signum: int = signal.SIGKILL) -> bool:
    """Have the kernel signal this process when the thread that started it ends (prctl(2), Linux only).

    ``parent`` is the process id of the expected parent. Return whether the setting is in force: False on
    other systems, and when that parent is gone already.
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
            pass  # nothing is ever written; only end-of-file matters
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    _kill_group()


def _sweep(fd: int, pid: int) -> None:
    """At exit, kill the process group if the supervisor is gone: nobody else would end its processes."""
    if os.getpid() != pid:
        return  # a forked child, running its copy of the exit hooks
    with suppress(OSError):
        readable, _, _ = select.select([fd], [], [], 0)
        if readable and os.getpgrp() == pid:
            sys.stdout.flush()
            sys.stderr.flush()
            _kill_group()


def _kill_group() -> None:
    """Kill this process and its group; only the process if it does not lead the group."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _run(command: Sequence[str]) -> int:
    """Run a command that does not watch the pipe itself; forward signals and return its exit code."""
    install()
    signals: list[int] = []
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda number, _: signals.append(number))
    try:
        child = subprocess.Popen(command)  # noqa: S603 - the command is the user's own
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}.", file=sys.stderr)
        return 127
    while True:
        with suppress(subprocess.TimeoutExpired):
            code = child.wait(0.1)
            return code if code >= 0 else 128 - code
        while signals:
            child.send_signal(signals.pop())


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:]))
