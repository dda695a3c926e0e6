"""A service as a process: signals, logging, event loop, and an end in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from nescord_core import logs
from nescord_core.errors import NescordError
from nescord_core.supervisor import lifeline

__all__ = ["OnReady", "Serve", "one_error", "run"]

OnReady = Callable[[str], None]
Serve = Callable[[asyncio.Event, OnReady], Awaitable[Any]]

STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
log = logging.getLogger("nescord")


def run(service: str, serve: Serve, *, secrets: Iterable[str | None] = (), fast_loop: bool = True) -> None:
    """Run a service until it ends or is told to stop by SIGTERM, SIGINT or SIGHUP.

    ``serve`` gets the event that asks it to stop and a callback for the line that says where it listens. A
    second signal ends the process at once. ``fast_loop`` chooses uvloop where the platform has it.

    Raises:
        NescordError: what the service failed with.

    """
    logs.configure(service, secrets=secrets, debug=bool(os.environ.get("NESCORD_DEBUG")))
    # A supervisor says itself when a service is ready.
    ready_level = logging.DEBUG if lifeline.install() else logging.INFO
    with one_error(), asyncio.Runner(loop_factory=_loop_factory(fast_loop)) as runner:
        runner.run(_until_stopped(service, serve, ready_level))


@contextmanager
def one_error() -> Iterator[None]:
    """Raise the error of ours that explains the end, else the first, instead of a task group's collection."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise _main_cause(group) from group


async def _until_stopped(service: str, serve: Serve, ready_level: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(name: str) -> None:
        if stop.is_set():
            os._exit(1)  # asked twice: whoever asks does not want to wait for an orderly end
        log.info("%s stops (%s)", service, name)
        stop.set()

    for name in STOP_SIGNALS:
        if number := getattr(signal, name, None):
            loop.add_signal_handler(number, on_signal, name)
    await serve(stop, lambda address: log.log(ready_level, "%s is ready on %s", service, address))


def _loop_factory(fast: bool) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if not fast:
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _main_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    ours = group.subgroup(NescordError)
    inner: BaseException = ours or group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner
