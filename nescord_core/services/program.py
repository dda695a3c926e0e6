"""A service as a process: signals, logging, event loop, and an end in order."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from nescord_core.errors import NescordError
from nescord_core.process import logs
from nescord_core.process.os_errors import reason_of
from nescord_core.supervisor import parent_death
from nescord_core.supervisor.systemd import SystemdNotifier

__all__ = ["OnReady", "Serve", "one_error", "run"]

OnReady = Callable[[str], None]
Serve = Callable[[asyncio.Event, OnReady], Awaitable[Any]]

ROOM = "Make room on that disk, or set NESCORD_STATE_DIR to a directory on another one."
DESCRIPTORS = "Allow more open files: `ulimit -n 65536`, or LimitNOFILE= of the systemd unit."
LACKS = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: ROOM,
    errno.EROFS: "Set NESCORD_STATE_DIR to a directory that can be written to.",
    errno.EMFILE: DESCRIPTORS,
    errno.ENFILE: DESCRIPTORS,
}
"""What a service cannot do without, and what a person does about it."""
STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
log = logging.getLogger("nescord")


def run(
    service: str,
    serve: Serve,
    *,
    secrets: Iterable[str | None] = (),
    fast_loop: bool = True,
    on_hangup: Callable[[], bool] | None = None,
) -> None:
    """Run a service until it ends or is told to stop by SIGTERM, SIGINT or SIGHUP.

    ``serve`` gets the event that asks it to stop and a callback for the line that says where it listens. A
    second signal ends the process at once. ``fast_loop`` chooses uvloop where the platform has it.
    ``on_hangup`` is called at SIGHUP instead and says whether to stop after all.

    Raises:
        NescordError: what the service failed with.

    """
    logs.configure(service, secrets=secrets, debug=bool(os.environ.get("NESCORD_DEBUG")))
    # A supervisor says itself when a service is ready.
    ready_level = logging.DEBUG if parent_death.install() else logging.INFO
    notifier = SystemdNotifier.from_environment(os.environ)
    with one_error(), asyncio.Runner(loop_factory=_loop_factory(fast_loop)) as runner:
        runner.run(_until_stopped(service, serve, ready_level, on_hangup, notifier))


@contextmanager
def one_error() -> Iterator[None]:
    """Raise the error of ours that explains the end, else the first, instead of a task group's collection."""
    try:
        yield
    except BaseExceptionGroup as group:
        cause = _main_cause(group)
        raise (_explained(cause) or cause) from group
    except OSError as error:
        if explained := _explained(error):
            raise explained from error
        raise


async def _until_stopped(
    service: str,
    serve: Serve,
    ready_level: int,
    on_hangup: Callable[[], bool] | None,
    notifier: SystemdNotifier,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(name: str) -> None:
        if name == "SIGHUP" and on_hangup is not None and not on_hangup():
            return
        if stop.is_set():
            os._exit(1)  # asked twice: whoever asks does not want to wait for an orderly end
        log.info("%s stops (%s)", service, name)
        notifier.tell("STOPPING=1")
        stop.set()

    def on_ready(address: str) -> None:
        log.log(ready_level, "%s is ready on %s", service, address)
        notifier.tell("READY=1", f"STATUS=ready on {address}")

    for name in STOP_SIGNALS:
        if number := getattr(signal, name, None):
            loop.add_signal_handler(number, on_signal, name)
    async with asyncio.TaskGroup() as tasks:
        waking = tasks.create_task(notifier.keep_awake(), name="watchdog")
        await serve(stop, on_ready)
        waking.cancel()


def _explained(error: BaseException) -> NescordError | None:
    """Return what to tell a person when the system lacks what every part of a service needs."""
    if not isinstance(error, OSError) or error.errno not in LACKS:
        return None
    place = f" ({error.filename})" if error.filename else ""
    return NescordError(f"the system refuses to go on: {reason_of(error)}{place}.", hint=LACKS[error.errno])


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
