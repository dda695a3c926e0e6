"""PID 1 of a container: the process that orphans fall to, and that signals reach only if it asks for them.

`nescord` then stays behind as that process and does its work in a child, so that whatever the bot starts and
leaves behind is reaped (a zombie is what nobody waited for), and any service can be the only command of an
image without an init of its own.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

__all__ = ["run_below"]

FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


def run_below() -> None:
    """Fork; return in the child alone. The parent ends with it and takes over its exit code."""
    numbers = {number for name in FORWARDED if (number := getattr(signal, name, None))}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers | {signal.SIGCHLD})
    child = os.fork()
    if child == 0:
        _be_in_the_foreground()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers | {signal.SIGCHLD})
        return
    os._exit(_reap_until_end_of(child, numbers))


def _be_in_the_foreground() -> None:
    """In a group of its own, the child gets ^C of a terminal once, and not by way of the parent as well."""
    os.setpgid(0, 0)
    if sys.stdin is not None and sys.stdin.isatty():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        with suppress(OSError):
            os.tcsetpgrp(sys.stdin.fileno(), os.getpid())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTTOU})


def _reap_until_end_of(child: int, numbers: set[int]) -> int:
    """Pass on signals and wait for every child, known or not; return the exit code as a shell has it."""
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
    """One child that has ended; None when all others go on."""
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None
