"""Handles ^C, SIGTERM and a closed terminal in `nescord dev` and `nescord run all`.

SIGHUP stays ignored if it was when the process started, as under nohup(1).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nescord_core.supervisor.output import Output
from nescord_core.supervisor.supervisor import Supervisor

__all__ = ["stop_on_signals"]

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def stop_on_signals(
    supervisor: Supervisor, output: Output, *, patience: float = 0.0
) -> Iterator[Sequence[str]]:
    """Stop in order on the first signal, kill on the second; yields the names of the signals received.

    That it stops is said after ``patience`` seconds, if it has not stopped by then.
    """
    loop = asyncio.get_running_loop()
    numbers = {name: number for name in STOP_SIGNALS if (number := getattr(signal, name, None))}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        del numbers["SIGHUP"]
    seen: list[str] = []
    notices: list[asyncio.TimerHandle] = []

    def caught(name: str) -> None:
        seen.append(name)
        if len(seen) > 1:
            output.say(f"{name} again: killing all services")
            supervisor.kill_now()
        else:
            again = "press ^C" if name == "SIGINT" else "send it"
            notice = f"{name}: stopping ({again} again to kill)"
            if patience:
                notices.append(loop.call_later(patience, output.say, notice))
            else:
                output.say(notice)
            supervisor.request_stop()

    for name, number in numbers.items():
        loop.add_signal_handler(number, caught, name)
    try:
        yield seen
    finally:
        for timer in notices:
            timer.cancel()
        for number in numbers.values():
            loop.remove_signal_handler(number)
