"""Runs commands that continue until ^C, SIGTERM or a closed terminal ends them gracefully."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

__all__ = ["until_stopped"]

Result = TypeVar("Result")
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def until_stopped(work: Callable[[], Awaitable[Result]]) -> Result | None:
    """Run ``work`` to its end, or cancel it on the first signal and return None.

    A second signal ends the process at once. A reader that closes the output (``| head``) ends ``work`` too.
    """
    try:
        return asyncio.run(_cancelled_by_signal(work))
    except BrokenPipeError:
        # Python flushes stdout once more at exit, which would raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return None


async def _cancelled_by_signal(work: Callable[[], Awaitable[Result]]) -> Result | None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if stopping:
            os._exit(1)
        stopping = True
        if task is not None:
            task.cancel()

    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        return await work()
    if task is not None:
        task.uncancel()
    return None
