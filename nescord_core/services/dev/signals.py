"""What ^C, SIGTERM and a closed terminal do to `nescord dev` and `nescord run all`."""

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
def stop_on_signals(supervisor: Supervisor, output: Output) -> Iterator[Sequence[str]]:
    """Stop in order at the first signal and kill everything at the second; yields the signals' names."""
    loop = asyncio.get_running_loop()
    numbers = {name: number for name in STOP_SIGNALS if (number := getattr(signal, name, None))}
    seen: list[str] = []

    def caught(name: str) -> None:
        seen.append(name)
        if len(seen) > 1:
            output.say(f"{name} again: everything is killed")
            supervisor.kill_now()
        else:
            output.say(f"{name}: everything stops in order; once more kills")
            supervisor.request_stop()

    for name, number in numbers.items():
        loop.add_signal_handler(number, caught, name)
    try:
        yield seen
    finally:
        for number in numbers.values():
            loop.remove_signal_handler(number)
