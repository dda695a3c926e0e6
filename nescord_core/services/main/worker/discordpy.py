"""A worker of main whose bot is a discord.py client, or a file that makes and runs one."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import discord

from nescord_core.bot.discordpy import host
from nescord_core.bot.discordpy.program import logging_setup, patching, restarts, script, shared_ports
from nescord_core.bot.listener import WsListener
from nescord_core.reload.loading import entry
from nescord_core.reload.swapping.messages import Begin, send
from nescord_core.reload.swapping.swap import Failure
from nescord_core.services.main.worker import serving

__all__ = ["run_client", "run_file"]

_TOKEN_NAMES = ("DISCORD_TOKEN", "BOT_TOKEN", "TOKEN")
"""Where bots look for their token; it is taken from the configuration, so any will do."""


_CLEANING_UP = 1.0
"""Seconds that the bot's own code gets to end after its client has; then it is cancelled, as by ^C, and gets
as many again."""
_LOOK_AGAIN = 0.1
"""Seconds between two looks whether the threads of a program have ended."""
_THREADS_GRACE = 1.0
"""Seconds that threads of the bot (a database's, say) may go on for once all else has ended."""


class _BotProcess:
    """Serves the bot's client in the loop that the bot itself has started."""

    def __init__(self, begin: Begin, end: socket.socket, started: float) -> None:
        # One process is enough, and only while somebody works on the code.
        syncs = begin.watched and begin.replica == "0"
        self.settings = begin.settings if syncs else replace(begin.settings, command_sync=None)
        self.exit_code: int | None = None
        self.is_over = threading.Event()
        """The client has ended; the bot's own code may go on."""
        self._leave: Callable[[], object] = _nothing
        self._begin = begin
        self._end = end
        self._started = started

    async def serve(self, listener: WsListener, leave: asyncio.Event) -> None:
        """Be a worker until the parent says drain, or the bot closes its client."""
        if self.exit_code is not None:
            raise RuntimeError("this process serves one client; a second one was started")
        self.exit_code = 0
        loop = asyncio.get_running_loop()
        self._leave = lambda: loop.call_soon_threadsafe(leave.set)
        try:
            self.exit_code = await serving.serve_worker(
                self._begin, listener, self._end, self._started, leave
            )
        finally:
            self._leave = _nothing
            _later(_CLEANING_UP, self._cancel, loop)
            self.is_over.set()

    def leave(self) -> None:
        """Have the client end in order, if it runs; from any thread."""
        self._leave()

    def _cancel(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do to the bot's own code what ^C does: a server of its own may wait for that signal."""
        _later(_CLEANING_UP, _end, self.exit_code)
        if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, signal.SIG_DFL, None):
            os.kill(os.getpid(), signal.SIGINT)
            return
        with suppress(RuntimeError):  # closed
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])

    def refuse(self, failure: Failure) -> int:
        """Tell the parent that there is nothing to serve."""
        send(self._end, serving.broken(failure))
        return 1


def run_file(begin: Begin, end: socket.socket, started: float) -> int:
    """Run the file as Python would, with nescord under its client; returns the process's exit code."""
    settings = begin.settings
    path = (settings.project_dir / settings.entry).resolve()
    place = _prepare(begin, end, started)
    if not path.is_file():
        return place.refuse(Failure(f"main.entry is {settings.entry}, but there is no such file"))
    for name in _TOKEN_NAMES:
        os.environ.setdefault(name, settings.token or "")
    found = script.find(path)
    sys.argv[:] = [str(path), *settings.arguments]
    sys.path.insert(0, str(found.directory))
    return _run(place, found.run, settings.project_dir)


def run_client(client: discord.Client, begin: Begin, end: socket.socket, started: float) -> int:
    """Run a client that a module has made; returns the process's exit code."""
    place = _prepare(begin, end, started)
    return _run(place, lambda: client.run(begin.settings.token or ""), begin.settings.project_dir)


def _prepare(begin: Begin, end: socket.socket, started: float) -> _BotProcess:
    place = _BotProcess(begin, end, started)
    host.install(place)
    patching.replace_transport()
    logging_setup.allow_own_setup()
    shared_ports.share()
    restarts.restart_instead_of_exec(place.leave)
    return place


def _run(place: _BotProcess, program: Callable[[], object], project: Path) -> int:
    """Run it to its end, whatever it raises; before it serves, that is why it cannot."""
    code = _outcome(place, program, project)
    _later(_THREADS_GRACE, _end, code)
    # While the interpreter is taken down no thread of Python runs, nothing can be logged, and it may hang.
    faulthandler.dump_traceback_later(2 * _THREADS_GRACE, exit=True, file=os.open(os.devnull, os.O_WRONLY))
    logging.raiseExceptions = False
    return code


def _outcome(place: _BotProcess, program: Callable[[], object], project: Path) -> int:
    try:
        program()
    except BaseException as error:  # any code may run there, and all of it is the bot's
        if place.exit_code is None:
            return place.refuse(entry.failure_of(error, project))
        cancelled = isinstance(error, asyncio.CancelledError) and place.is_over.is_set()
        if not cancelled and not isinstance(error, SystemExit | KeyboardInterrupt):
            serving.log.error("the bot ended with an error", exc_info=error)
            return 1
    _wait_for_threads(place)
    if place.exit_code is None:
        return place.refuse(
            Failure("the bot ended without running a client: it calls neither run() nor start()")
        )
    return place.exit_code


def _nothing() -> None:
    """Where no client runs."""


def _others() -> list[threading.Thread]:
    """Return the threads besides the main one that Python would wait for."""
    return [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]


def _wait_for_threads(place: _BotProcess) -> None:
    """A program has ended when its threads have; the client may run in one of them."""
    while not place.is_over.wait(_LOOK_AGAIN) and _others():
        pass


def _later(seconds: float, then: Callable[..., object], *arguments: object) -> None:
    timer = threading.Timer(seconds, then, arguments)
    timer.daemon = True
    timer.start()


def _end(code: int) -> None:
    """Python waits for code that never ends; a process that was replaced must not."""
    names = ", ".join(each.name for each in _others()) or threading.main_thread().name
    serving.log.warning("the bot's process ends with threads that go on: %s", names)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
