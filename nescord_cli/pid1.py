"""Makes `nescord` a proper PID 1 of a container, which adopts orphans and gets only signals it handles.

`nescord` then does its work in a child and stays behind as an init process: it forwards signals and reaps the
orphaned processes that a bot leaves. Any service can therefore be the only command of an image.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

__all__ = ["run_below"]

FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


def run_below() -> None:
    """Fork, and return in the child only. The parent exits with the child's exit code."""
    numbers = {number for name in FORWARDED if (number := getattr(signal, name, None))}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers | {signal.SIGCHLD})
    child = os.fork()
    if child == 0:
        _move_to_foreground()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers | {signal.SIGCHLD})
        return
    os._exit(_reap_until_exit(child, numbers))


def _move_to_foreground() -> None:
    """Give the child its own process group, so that ^C in a terminal does not also arrive via the parent."""
    os.setpgid(0, 0)
    if sys.stdin is not None and sys.stdin.isatty():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        with suppress(OSError):
            os.tcsetpgrp(sys.stdin.fileno(), os.getpid())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTTOU})


def _reap_until_exit(child: int, numbers: set[int]) -> int:
    """Forward signals and reap every child until ``child`` ends; return its exit code as in a shell."""
    while True:
        number = signal.sigwait(numbers | {signal.SIGCHLD})
        if number != signal.SIGCHLD:
            with suppress(ProcessLookupError):
                os.kill(child, number)
            continue
        while (ended := _reaped()) is not None:
            pid, code = ended
            if pid == child:
                return code if code >= 0 else 128 - code


def _reaped() -> tuple[int, int] | None:
    """Return pid and exit code of an ended child, or None if all are running."""
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None
