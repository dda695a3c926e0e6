"""Serves a bot's events in a worker process and exchanges messages with the parent."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nescord_core.bot.listener import WsListener
from nescord_core.bot.runtime import Runtime
from nescord_core.errors import NescordError
from nescord_core.process import log_levels
from nescord_core.reload.loading import entry, own_code
from nescord_core.reload.swapping.failure import Blame, Failure
from nescord_core.reload.swapping.messages import (
    Advance,
    AskState,
    AskStats,
    Begin,
    Broken,
    Channel,
    Drained,
    DrainNow,
    Handed,
    Imported,
    Listening,
    Sources,
    State,
    Stats,
    Wrote,
)
from nescord_core.rest.client import client as rest_client
from nescord_core.services.main.worker.write_detection import WRITES
from nescord_core.settings import MainSettings

__all__ = ["broken", "log", "serve_worker", "sources"]

log = logging.getLogger("nescord.main")

DEBUGGERS = ("debugpy", "pydevd", "_pydev", "pydev_")
"""Modules that remember the process and the thread that imported them: each worker imports its own."""
IMPORTED_DELAY = 0.1
"""Seconds from readiness to the report of imported modules."""


async def serve_worker(
    begin: Begin,
    listener: WsListener,
    end: socket.socket,
    started: float,
    drain: asyncio.Event,
    on_ready: Callable[[], None],
) -> int:
    """Serve this listener in the running loop until the parent says drain or ``drain`` is set.

    ``on_ready`` is called once it listens. Returns the process's exit code.
    """
    channel = await Channel.of_worker(end)
    WRITES.notify(lambda path: channel.send(Wrote(path)))
    with suppress(RuntimeError, ValueError):  # the bot runs in a thread; only the main one handles signals
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, drain.set)
    settings = _effective(begin.settings, listener)
    runtime = Runtime(
        listener,
        settings,
        replica=begin.replica,
        generation=begin.generation,
        keep_recent=begin.watched,
    )
    worker = _Worker(runtime, listener, channel, drain, begin, started)
    _log_problems(listener.state.take(begin.state))
    try:
        async with asyncio.TaskGroup() as tasks:
            receiver = tasks.create_task(worker.receive())
            levels = tasks.create_task(log_levels.follow("main", lambda: settings.state_dir))
            code = await worker.serve(settings, on_ready)
            receiver.cancel()
            levels.cancel()
    finally:
        await rest_client.close_all()
        await channel.close()
    return code


def _effective(settings: MainSettings, listener: WsListener) -> MainSettings:
    """Return the listener's own settings, with the address that the parent assigned."""
    own = listener.settings(settings)
    return dataclasses.replace(own, listen_host=settings.listen_host, listen_port=settings.listen_port)


class _Worker:
    """Runs the bot and handles the parent's messages."""

    def __init__(
        self,
        runtime: Runtime,
        listener: WsListener,
        channel: Channel,
        drain: asyncio.Event,
        begin: Begin,
        started: float,
    ) -> None:
        self._runtime = runtime
        self._listener = listener
        self._state = listener.state
        self._clock_hooks = listener.clock_hooks
        self._channel = channel
        self._drain = drain
        self._begin = begin
        self._started = started
        self._is_ready = False
        self._modules_reported = 0

    async def serve(self, settings: MainSettings, on_ready: Callable[[], None]) -> int:
        """Serve until told to drain; return the exit code."""
        try:
            async with self._runtime as runtime:
                self._is_ready = True
                on_ready()
                address = f"{settings.listen_host}:{runtime.port}"
                ms = (time.perf_counter() - self._started) * 1000
                self._channel.send(Listening(address, ms, settings.drain_timeout, self._handles()))
                # Waiting events come first: listing a thousand modules takes some milliseconds.
                reporting = asyncio.get_running_loop().call_later(IMPORTED_DELAY, self._report_imported)
                await self._drain.wait()
                reporting.cancel()
                before = runtime.stats()
                report = await runtime.drain()
                cut = runtime.stats().running if report.cut_short else 0
        except Exception as error:
            self._report_error(error)
            return 1
        during = {"finished": report.handled - before.handled, "returned": report.returned - cut, "cut": cut}
        state, problems = self._state.packed()
        _log_problems(problems)
        counted = {**during, "failed": report.failed, "seconds": report.seconds}
        self._channel.send(Drained(counted, state))
        return 0

    def _handles(self) -> str:
        """Return what the bot handles, as it is shown when it starts."""
        if self._listener.about is not None:
            return self._listener.about()
        return ", ".join(dict.fromkeys(each.event.lower() for each in self._listener.registrations))

    def _report_imported(self) -> None:
        self._channel.send(Imported(_imported(self._begin.settings.project_dir)))
        self._report_sources()

    def _report_sources(self) -> None:
        """Report where the bot's modules are, if it has imported any since the last report."""
        if self._begin.watched and self._modules_reported != len(sys.modules):
            self._modules_reported = len(sys.modules)
            self._channel.send(sources(self._begin.settings, self._started))

    def _report_error(self, error: Exception) -> None:
        """Send the error to the parent if the worker is not ready yet; log it otherwise."""
        if self._is_ready:
            log.error("the worker failed", exc_info=error)
            return
        settings = self._begin.settings
        failure = (
            Failure(str(error), blame=entry.blame_of(error))
            if isinstance(error, NescordError)
            else entry.failure_of(error, settings.project_dir)
        )
        self._channel.send(sources(settings, self._started, failure))
        self._channel.send(broken(failure))

    async def receive(self) -> None:
        """Handle the parent's messages; drain when it is gone."""
        while (message := await self._channel.receive()) is not None:
            match message:
                case DrainNow():
                    self._drain.set()
                case AskState():
                    self._channel.send(State(self._state.packed()[0]))
                case Handed(state):
                    _log_problems(self._state.follow(state))
                case Advance(seconds):
                    for hook in self._clock_hooks:
                        hook(seconds)
                case AskStats():
                    self._channel.send(Stats(_stats(self._runtime)))
                    if self._is_ready:
                        self._report_sources()
        self._drain.set()


def _log_problems(problems: Iterable[str]) -> None:
    for problem in problems:
        log.error("%s", problem)


def broken(failure: Failure) -> Broken:
    """Return the message that tells the parent why this worker cannot start."""
    return Broken(
        failure.message,
        failure.file,
        failure.line,
        failure.excerpt,
        failure.traceback,
        in_code=failure.blame is Blame.CODE,
    )


def sources(settings: MainSettings, started: float, failure: Failure | None = None) -> Sources:
    """Return where the bot's own code is: its modules, its script, and the file of a failure.

    ``started`` is when this process began to load it, on the clock of `time.perf_counter`.
    """
    project = settings.project_dir
    files = [settings.entry] if settings.entry.endswith(".py") else []
    files += [failure.file] if failure is not None and failure.file else []
    places = {str((project / file).parent) for file in files}
    own = {each for each in places if own_code.is_own(each, project)}
    since = time.time() - (time.perf_counter() - started)
    return Sources(tuple(sorted(own | own_code.own_directories(project))), since)


def _stats(runtime: Runtime) -> dict[str, Any]:
    times = os.times()
    counts = runtime.stats()
    return {
        "attached": counts.receiver.streams,
        "received": counts.received,
        "handled": counts.handled,
        "failed": counts.failed,
        "failures": counts.failures,
        "running": counts.running,
        "waiting": counts.waiting,
        "duplicates": counts.receiver.duplicates,
        "cpu_s": round(times.user + times.system, 3),
    }


def _imported(project: Path) -> tuple[str, ...]:
    """Return the imported modules that are not the author's own code, which a warm parent may preload."""
    own = own_code.own_modules(project)
    names = []
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        is_preloadable = name not in own and name != "__main__" and not name.startswith(DEBUGGERS)
        if spec is not None and is_preloadable and spec.name == name:
            names.append(name)
    return tuple(names)
