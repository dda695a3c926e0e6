"""A worker of main whose bot is a discord.py client, or a file that makes and runs one."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import discord

from nescord_core.bot.discordpy import hosting, own_logging, script, stock
from nescord_core.bot.listener import WsListener
from nescord_core.reload import entry
from nescord_core.reload.channel import Begin, send
from nescord_core.reload.swap import Failure
from nescord_core.services import worker

__all__ = ["run_client", "run_file"]

_TOKEN_NAMES = ("DISCORD_TOKEN", "BOT_TOKEN", "TOKEN")
"""Where bots look for their token; it is taken from the configuration, so any will do."""


_THREADS_GRACE = 1.0
"""Seconds that threads of the bot (a database's, say) may go on for once its client has ended."""


class _Workplace:
    """Serves the bot's client in the loop that the bot itself has started."""

    def __init__(self, begin: Begin, end: socket.socket, started: float) -> None:
        # One process is enough, and only while somebody works on the code.
        syncs = begin.watched and begin.replica == "0"
        self.settings = begin.settings if syncs else replace(begin.settings, command_sync=None)
        self.exit_code: int | None = None
        self._begin = begin
        self._end = end
        self._started = started

    async def serve(self, listener: WsListener, leave: asyncio.Event) -> None:
        """Be a worker until the parent says drain, or the bot closes its client."""
        if self.exit_code is not None:
            raise RuntimeError("this process serves one client; a second one was started")
        self.exit_code = 0
        self.exit_code = await worker.serve_worker(self._begin, listener, self._end, self._started, leave)

    def refuse(self, failure: Failure) -> int:
        """Tell the parent that there is nothing to serve."""
        send(self._end, worker.broken(failure))
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
    sys.argv[:] = [str(path)]
    sys.path.insert(0, str(found.directory))
    return _run(place, found.run, settings.project_dir)


def run_client(client: discord.Client, begin: Begin, end: socket.socket, started: float) -> int:
    """Run a client that a module has made; returns the process's exit code."""
    place = _prepare(begin, end, started)
    return _run(place, lambda: client.run(begin.settings.token or ""), begin.settings.project_dir)


def _prepare(begin: Begin, end: socket.socket, started: float) -> _Workplace:
    place = _Workplace(begin, end, started)
    hosting.install(place)
    stock.replace_transport()
    own_logging.make_room()
    return place


def _run(place: _Workplace, program: Callable[[], object], project: Path) -> int:
    """Run it to its end, whatever it raises; before it serves, that is why it cannot."""
    try:
        program()
    except BaseException as error:  # any code may run there, and all of it is the bot's
        if place.exit_code is None:
            return place.refuse(entry.failure_of(error, project))
        if not isinstance(error, SystemExit | KeyboardInterrupt):
            worker.log.error("the bot ended with an error", exc_info=error)
            return 1
    if place.exit_code is None:
        return place.refuse(
            Failure("the bot ended without running a client: it calls neither run() nor start()")
        )
    threading.Thread(target=_end_of_patience, args=(place.exit_code,), daemon=True).start()
    return place.exit_code


def _end_of_patience(code: int) -> None:
    """Python waits for every thread that is no daemon; a process that was replaced must not wait for ever."""
    time.sleep(_THREADS_GRACE)
    left = [each.name for each in threading.enumerate() if not each.daemon and each.is_alive()]
    names = ", ".join(name for name in left if name != threading.main_thread().name)
    worker.log.warning("the bot's process ends with threads that go on: %s", names)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
