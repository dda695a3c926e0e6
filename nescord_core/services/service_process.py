"""Runs a service as a process: logging, event loop, signals, systemd and orderly shutdown."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nescord_core.errors import NescordError
from nescord_core.process import descriptors, log_levels, logs, state_dir
from nescord_core.process.os_errors import reason_of
from nescord_core.supervisor import parent_death
from nescord_core.supervisor.systemd import SystemdNotifier

__all__ = ["OnReady", "Serve", "one_error", "run"]

OnReady = Callable[[str], None]
Serve = Callable[[asyncio.Event, OnReady], Awaitable[Any]]

DISK_FULL = "Free space on that disk, or set NESCORD_STATE_DIR to a directory on another one."
OPEN_FILES = "Raise the limit of open files: `ulimit -n 65536`, or LimitNOFILE= in the systemd unit."
HINTS = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EFBIG: DISK_FULL,
    errno.EROFS: "Set NESCORD_STATE_DIR to a writable directory.",
    errno.EMFILE: OPEN_FILES,
    errno.ENFILE: OPEN_FILES,
}
"""Errors of the system that no service can continue after, each with its fix."""
CHECK_INTERVAL = 2.0
"""Seconds between two checks of state_dir."""
STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
log = logging.getLogger("nescord")


def run(
    service: str,
    serve: Serve,
    *,
    secrets: Iterable[str | None] = (),
    fast_loop: bool = True,
    on_hangup: Callable[[], bool] | None = None,
    kills_children: bool = False,
) -> None:
    """Run a service until it ends or SIGTERM, SIGINT or SIGHUP stops it.

    ``serve`` receives the event that requests a stop, and a callback to report its address when it is ready.
    A second signal exits the process at once, with ``kills_children`` its child processes as well.
    ``fast_loop`` selects uvloop where it is installed.
    ``on_hangup`` is called on SIGHUP; the service stops if it returns True.

    Raises:
        NescordError: the service failed.

    """
    logs.configure(service, secrets=secrets, debug=bool(os.environ.get("NESCORD_DEBUG")))
    descriptors.raise_limit()
    # A supervisor reports readiness itself.
    ready_level = logging.DEBUG if parent_death.install() else logging.INFO
    notifier = SystemdNotifier.from_environment(os.environ)
    with one_error(), asyncio.Runner(loop_factory=_loop_factory(fast_loop)) as runner:
        end = _kill_children if kills_children else _leave_children
        runner.run(_until_stopped(service, serve, ready_level, on_hangup, notifier, end))


@contextmanager
def one_error() -> Iterator[None]:
    """Raise a single error instead of a task group's: its first NescordError, else its first error."""
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
    end: Callable[[], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(descriptors.AcceptErrors(loop.time))

    def on_signal(name: str) -> None:
        if name == "SIGHUP" and on_hangup is not None and not on_hangup():
            return
        if stop.is_set():
            end()
            os._exit(1)  # a second signal means: do not wait for an orderly shutdown
        log.info("%s is stopping (%s)", service, name)
        notifier.tell("STOPPING=1")
        stop.set()

    def on_ready(address: str) -> None:
        log.log(ready_level, "%s is ready on %s", service, address)
        notifier.tell("READY=1", f"STATUS=ready on {address}")

    for name in STOP_SIGNALS:
        number = getattr(signal, name, None)
        if number and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):  # nohup(1)
            loop.add_signal_handler(number, on_signal, name)
    async with asyncio.TaskGroup() as tasks:
        watchdog = tasks.create_task(notifier.keep_awake(), name="watchdog")
        state_dir_check = tasks.create_task(_warn_when_state_dir_is_lost(), name="state_dir")
        levels = tasks.create_task(log_levels.follow(service, state_dir.used), name="log levels")
        await serve(stop, on_ready)
        watchdog.cancel()
        state_dir_check.cancel()
        levels.cancel()


def _leave_children() -> None:
    """Do nothing: they notice that their parent is gone."""


def _kill_children() -> None:
    import psutil  # only who is in a hurry pays for it

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


async def _warn_when_state_dir_is_lost() -> None:
    """Log once that state_dir was renamed, removed or replaced: nothing creates it again while this runs."""
    while (directory := state_dir.lost()) is None:  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(CHECK_INTERVAL)
    log.error(
        "state_dir %s was removed, renamed or replaced; this service stores nothing there until a restart",
        directory,
    )


def _explained(error: BaseException) -> NescordError | None:
    """Return a NescordError with a hint for a system error listed in `HINTS`; None for any other."""
    if not isinstance(error, OSError) or error.errno not in HINTS:
        return None
    file = f" ({error.filename})" if error.filename else ""
    return NescordError(f"the service cannot continue: {reason_of(error)}{file}.", hint=HINTS[error.errno])


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
