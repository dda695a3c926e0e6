"""Entry point of a worker process: loads the bot's code and serves its events until told to drain.

The parent (../parent.py) starts it with an end of a channel, in a new interpreter or by a fork. It drains and
exits on the parent's request, on SIGTERM, and when the parent is gone.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from nescord_core.bot.libraries import installed
from nescord_core.bot.libraries.source import DISCORD_PY, library_of_type, refusal
from nescord_core.bot.listener import WsListener
from nescord_core.process import descriptors, logs, orphans, state_dir
from nescord_core.process.parent_channel import CHANNEL_FD, follow_parent
from nescord_core.reload.loading import entry, source_loader
from nescord_core.reload.swapping.failure import Failure
from nescord_core.reload.swapping.messages import (
    Begin,
    Wrote,
    receive_begin,
    send,
)
from nescord_core.services.main.worker import empty_stdin, sandbox_guard
from nescord_core.services.main.worker.debugging import hook
from nescord_core.services.main.worker.serving import broken, serve_worker, sources
from nescord_core.services.main.worker.slow_start import SlowStart
from nescord_core.services.main.worker.write_detection import WRITES
from nescord_core.services.project.bot_inspection import library_of_program
from nescord_core.settings import MainSettings
from nescord_core.tracing.export import exporting

if TYPE_CHECKING:
    import discord

__all__ = ["prepare", "run"]

GRACE = 2.0
"""Seconds past the drain time-out after which a worker whose parent is gone is killed."""

CODE = "code"
"""Name of the directory of compiled modules in state_dir."""


def prepare(project: str, state: str) -> None:
    """Change to the project's directory and import from it; may run before there is a channel."""
    os.chdir(project)
    source_loader.install(Path(project), source_loader.CodeCache(Path(state) / CODE))


def run(channel_fd: int) -> int:
    """Run a worker on this channel; return the process's exit code."""
    started = time.perf_counter()
    end = socket.socket(fileno=channel_fd)
    end.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C and a closed terminal signal the whole group; the
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # parent receives them too and tells workers to drain
    begin = receive_begin(end)
    if begin is None:
        return 0
    settings = begin.settings
    faulthandler.enable(all_threads=False)
    faulthandler.register(signal.SIGQUIT, all_threads=False)  # the parent sends it to a hung worker
    follow_parent(end, settings.drain_timeout + GRACE)
    logs.configure("main", secrets=(settings.token, settings.security.secret), debug=begin.debug)
    _set_up(settings)
    starting = SlowStart(settings.project_dir, settings.start_timeout)
    starting.begin()
    try:
        with exporting("main"):
            return _serve(begin, end, started, starting)
    finally:
        starting.end()


def _serve(begin: Begin, end: socket.socket, started: float, starting: SlowStart) -> int:
    """Load the bot's code and serve it."""
    settings = begin.settings
    hook.install(settings.state_dir, settings.project_dir, wait=begin.watched)
    if begin.watched:
        WRITES.watch(settings.project_dir)
        empty_stdin.install(settings.state_dir, settings.project_dir)
    if settings.on_sandbox:
        sandbox_guard.guard()
    if settings.entry.endswith(".py"):
        if (other := _other_library(settings)) is not None:
            return _refuse(other, settings, end, started)
        from nescord_core.services.main.worker import discordpy

        return discordpy.run_file(begin, end, started, starting.end)
    found = entry.load(settings.entry, settings.project_dir)
    if _is_client(found):
        try:
            from nescord_core.services.main.worker import discordpy
        except (ImportError, AttributeError) as error:  # an old discord.py, or another package of that name
            return _refuse(_unusable(error), settings, end, started)
        return discordpy.run_client(found, begin, end, started, starting.end)
    listener = _listener(found, settings)
    if isinstance(listener, Failure):
        return _refuse(listener, settings, end, started)
    code = asyncio.run(serve_worker(begin, listener, end, started, asyncio.Event(), starting.end))
    _end_multiprocessing()
    return code


def _end_multiprocessing() -> None:
    """End the processes of the bot's pools: Python would wait for their work before it exits."""
    if (library := sys.modules.get("multiprocessing")) is not None:
        for child in library.active_children():
            child.terminate()


def _unusable(error: Exception) -> Failure:
    """Say why the installed discord.py cannot be used; ``error`` is that of the import."""
    found = installed.problem()
    return Failure(f"{found[0]}. {found[1]}" if found else f"discord.py cannot be used: {error}")


def _refuse(failure: Failure, settings: MainSettings, end: socket.socket, started: float) -> int:
    """Tell the parent why there is nothing to serve; return the exit code."""
    for path in WRITES.take():
        send(end, Wrote(path))
    send(end, sources(settings, started, failure))
    send(end, broken(failure))
    return 1


def _other_library(settings: MainSettings) -> Failure | None:
    """Refuse a file that is written for another library before any of it runs: it would log in by itself."""
    library = library_of_program(settings.project_dir / settings.entry, settings.project_dir)
    if library is None or library == DISCORD_PY:
        return None
    message, hint = refusal(library, settings.entry)
    return Failure(f"{message}. {hint}")


def _is_client(found: object) -> TypeGuard[discord.Client]:
    """Whether it is a discord.py client; does not import discord.py for bots that do not use it."""
    library = sys.modules.get("discord")
    return library is not None and isinstance(found, getattr(library, "Client", ()))


def _set_up(settings: MainSettings) -> None:
    """Change to the project's directory and export the parent's configuration for the bot's own clients."""
    state_dir.adopt(settings.state_dir)
    descriptors.hold_reserve()
    prepare(str(settings.project_dir), str(settings.state_dir))
    effective = {
        "DISCORD_BOT_TOKEN": settings.token,
        "NESCORD_REST_URL": settings.rest_url,
        "NESCORD_SECRET": settings.security.secret,
        "NESCORD_STATE_DIR": str(settings.state_dir),
        orphans.MARK: str(os.getpid()),
    }
    os.environ.update({name: value for name, value in effective.items() if value})


def _listener(found: object, settings: MainSettings) -> WsListener | Failure:
    if isinstance(found, Failure | WsListener):
        return found
    listener = getattr(found, "listener", None)
    if isinstance(listener, WsListener):
        return listener
    if (library := library_of_type(type(found))) is not None:
        message, hint = refusal(library, settings.entry)
        return Failure(f"{message}. {hint}")
    kind = f"of type {type(found).__name__}"
    return Failure(f"main.entry is {settings.entry}, which is {kind}; it must be a WsListener or a bot")


if __name__ == "__main__":
    sys.exit(run(int(os.environ.pop(CHANNEL_FD))))
