"""Entry point of the `nescord` command: handles signals from the start, before the slow imports."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

__all__ = ["main"]

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
SERVICES = {"run", "dev"}
"""Commands that install their own signal handlers once there is something to stop."""


def main() -> None:
    """Run the command line."""
    if os.getpid() == 1:
        from nescord_cli.pid1 import run_below

        run_below()
    end_on_signals()
    from nescord_cli.app import main as run

    run()


def end_on_signals() -> None:
    """Exit with 0 on the first signal, until a running service replaces these handlers with its own.

    Signals that the process was started to ignore (SIGHUP under nohup) stay ignored.
    """
    for name in STOP_SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)


def _leave(_number: int, _frame: FrameType | None) -> None:
    if SERVICES & set(sys.argv[1:3]):
        # Nothing has been started yet. An exception would be raised in the middle of an import, and extension
        # modules turn it into a different one.
        os._exit(0)
    sys.exit(0)


if __name__ == "__main__":
    main()
