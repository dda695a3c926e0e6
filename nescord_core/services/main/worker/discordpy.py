"""Runs a discord.py bot in a worker: a client from a module, or a script that creates and runs one."""

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

from nescord_core.bot.discordpy import addresses, host, internals
from nescord_core.bot.discordpy.program import logging_setup, patching, restarts, script, shared_ports
from nescord_core.bot.listener import WsListener
from nescord_core.reload.loading import entry
from nescord_core.reload.swapping.failure import Failure
from nescord_core.reload.swapping.messages import Begin, send
from nescord_core.services.main.worker import leftover_threads, serving
from nescord_core.settings import MainSettings

__all__ = ["run_client", "run_file"]

_TOKEN_NAMES = ("DISCORD_TOKEN", "BOT_TOKEN", "TOKEN")
"""Variables in which bots look for their token; the configured token overrides whatever they hold."""


_CLEANUP_TIME = 1.0
"""Seconds that the bot's own code has to finish after its client closed; then it is cancelled, as by ^C, and
has as many again."""
_POLL_INTERVAL = 0.1
"""Seconds between two checks whether the program's threads have ended."""
_THREADS_GRACE = 1.0
"""Seconds that threads of the bot (a database's, say) may continue after everything else has ended."""


class _BotProcess:
    """Serves the bot's client in the loop that the bot itself has started."""

    def __init__(
        self, begin: Begin, end: socket.socket, started: float, on_ready: Callable[[], None]
    ) -> None:
        # One process syncs commands, and only during development.
        syncs = begin.watched and begin.replica == "0"
        self.settings = begin.settings if syncs else replace(begin.settings, command_sync=None)
        self.exit_code: int | None = None
        self.is_over = threading.Event()
        """Set when the client has closed; the bot's own code may continue."""
        self._leave: Callable[[], object] = _nothing
        self._begin = begin
        self._end = end
        self._started = started
        self._on_ready = on_ready

    async def serve(self, listener: WsListener, leave: asyncio.Event) -> None:
        """Serve as a worker until the parent says drain or the bot closes its client."""
        if self.exit_code is not None:
            raise RuntimeError("this process serves one client; a second one was started")
        self.exit_code = 0
        loop = asyncio.get_running_loop()
        self._leave = lambda: loop.call_soon_threadsafe(leave.set)
        try:
            self.exit_code = await serving.serve_worker(
                self._begin, listener, self._end, self._started, leave, self._on_ready
            )
        finally:
            self._leave = _nothing
            _later(_CLEANUP_TIME, self._cancel, loop)
            self.is_over.set()

    def leave(self) -> None:
        """Close the client in order, if it runs; may be called from any thread."""
        self._leave()

    def _cancel(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel the bot's own code as ^C does: a server of its own may wait for that signal."""
        serving.log.info(
            "the bot's own code continues after its client has closed: it is cancelled, and has %g s",
            _CLEANUP_TIME,
        )
        _later(_CLEANUP_TIME, _end, self.exit_code, self.settings)
        if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, signal.SIG_DFL, None):
            os.kill(os.getpid(), signal.SIGINT)
            return
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])

    def refuse(self, failure: Failure) -> int:
        """Tell the parent why there is nothing to serve; return the exit code."""
        send(self._end, serving.sources(self.settings, self._started, failure))
        send(self._end, serving.broken(failure))
        return 1


def run_file(begin: Begin, end: socket.socket, started: float, on_ready: Callable[[], None]) -> int:
    """Run the file as Python would, with nescord under its client; return the process's exit code.

    ``on_ready`` is called once its client takes events.
    """
    settings = begin.settings
    path = (settings.project_dir / settings.entry).resolve()
    bot_process = _prepare(begin, end, started, on_ready)
    if not path.is_file():
        return bot_process.refuse(Failure(f"main.entry is {settings.entry}, but that file does not exist"))
    for name in _TOKEN_NAMES:
        os.environ.setdefault(name, settings.token or "")
    found = script.find(path)
    sys.argv[:] = [str(path), *settings.arguments]
    sys.path.insert(0, str(found.directory))
    return _run(bot_process, found.run, settings.project_dir)


def run_client(
    client: discord.Client, begin: Begin, end: socket.socket, started: float, on_ready: Callable[[], None]
) -> int:
    """Run a client that a module created; return the process's exit code."""
    bot_process = _prepare(begin, end, started, on_ready)
    return _run(bot_process, lambda: client.run(begin.settings.token or ""), begin.settings.project_dir)


def _prepare(begin: Begin, end: socket.socket, started: float, on_ready: Callable[[], None]) -> _BotProcess:
    bot_process = _BotProcess(begin, end, started, on_ready)
    host.install(bot_process)
    addresses.redirect(begin.settings)  # webhooks may be used before the client logs in
    patching.replace_transport()
    internals.mute_voice_warnings()
    logging_setup.allow_own_setup()
    shared_ports.share()
    restarts.restart_instead_of_exec(bot_process.leave)
    return bot_process


def _run(bot_process: _BotProcess, program: Callable[[], object], project: Path) -> int:
    """Run the program and return the exit code; an error before it serves is reported to the parent."""
    code = _outcome(bot_process, program, project)
    _later(_THREADS_GRACE, _end, code, bot_process.settings)
    # While the interpreter shuts down no Python thread runs, nothing can be logged, and it may hang.
    faulthandler.dump_traceback_later(2 * _THREADS_GRACE, exit=True, file=os.open(os.devnull, os.O_WRONLY))
    logging.raiseExceptions = False
    return code


def _outcome(bot_process: _BotProcess, program: Callable[[], object], project: Path) -> int:
    try:
        program()
    except BaseException as error:  # the program is the bot's code and may raise anything
        if bot_process.exit_code is None:
            return bot_process.refuse(entry.failure_of(error, project))
        cancelled = isinstance(error, asyncio.CancelledError) and bot_process.is_over.is_set()
        if not cancelled and not isinstance(error, SystemExit | KeyboardInterrupt):
            serving.log.error("the bot failed", exc_info=error)
            return 1
    _wait_for_threads(bot_process)
    if bot_process.exit_code is None:
        return bot_process.refuse(
            Failure("the bot exited without running a client: it calls neither run() nor start()")
        )
    return bot_process.exit_code


def _nothing() -> None:
    """Do nothing: no client runs."""


def _other_threads() -> list[threading.Thread]:
    """Return the threads, without the main one, that Python waits for at exit."""
    return [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]


def _wait_for_threads(bot_process: _BotProcess) -> None:
    """Wait until the client or all threads have ended: the client may run in one of them."""
    while not bot_process.is_over.wait(_POLL_INTERVAL) and _other_threads():
        pass


def _later(seconds: float, then: Callable[..., object], *arguments: object) -> None:
    timer = threading.Timer(seconds, then, arguments)
    timer.daemon = True
    timer.start()


def _end(code: int, settings: MainSettings) -> None:
    """Exit although threads still run: Python would wait for them, perhaps forever."""
    others = _other_threads()
    names = leftover_threads.names_to_report(others, settings.project_dir)
    if not others:
        names = [threading.main_thread().name]
    if names and leftover_threads.is_new(settings.state_dir):
        serving.log.warning("the bot's process exits while threads are still running: %s", ", ".join(names))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
