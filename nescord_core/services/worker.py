"""One worker of main: loads the bot's code, serves its events, drains when told to.

The parent (services/main.py) starts it with its end of a channel, as a fresh interpreter or by a fork. It ends when the parent says so, on SIGTERM, and when the parent is gone, always in order.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nescord_core import logs
from nescord_core.bot import runtime
from nescord_core.bot.listener import WsListener
from nescord_core.errors import NescordError
from nescord_core.reload import entry, fresh
from nescord_core.reload.channel import (
    AskStats,
    Begin,
    Broken,
    Channel,
    Drained,
    DrainNow,
    Listening,
    Stats,
    receive_begin,
    send,
)
from nescord_core.reload.spawn import CHANNEL_FD
from nescord_core.reload.swap import Failure
from nescord_core.rest import client as rest_client
from nescord_core.settings import MainSettings

__all__ = ["run"]

log = logging.getLogger("nescord.main")
GRACE = 2.0
"""Seconds past the drain time-out that a worker without a parent gets before it is killed."""


def run(channel_fd: int) -> int:
    """Be a worker on this channel until the end; returns the process's exit code."""
    started = time.perf_counter()
    end = socket.socket(fileno=channel_fd)
    end.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C and a closed terminal reach the whole group: the parent
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # hears of it as well, and says when to drain
    begin = receive_begin(end)
    if begin is None:
        return 0
    settings = begin.settings
    _follow_parent(end, settings.drain_timeout + GRACE)
    logs.configure("main", secrets=(settings.token, settings.security.secret), debug=begin.debug)
    _settle_in(settings)
    listener = _listener(settings)
    if isinstance(listener, Failure):
        send(end, _broken(listener))
        return 1
    return asyncio.run(_serve(begin, listener, end, started))


def _follow_parent(end: socket.socket, grace: float) -> None:
    """A thread waits for the parent's end of the channel to close, which the kernel does whatever ended it.

    POLLHUP is always reported and needs not be asked for (poll(2)), so that nothing is read here.
    """
    watched = os.dup(end.fileno())

    def watch() -> None:
        poll = select.poll()
        poll.register(watched, 0)
        poll.poll()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def _settle_in(settings: MainSettings) -> None:
    """Be where the project is, and give the bot's own clients what the parent was configured with."""
    os.chdir(settings.project_dir)
    fresh.install(settings.project_dir)
    effective = {
        "DISCORD_BOT_TOKEN": settings.token,
        "NESCORD_REST_URL": settings.rest_url,
        "NESCORD_SECRET": settings.security.secret,
        "NESCORD_STATE_DIR": str(settings.state_dir),
    }
    os.environ.update({name: value for name, value in effective.items() if value})


def _listener(settings: MainSettings) -> WsListener | Failure:
    found = entry.load(settings.entry, settings.project_dir)
    if isinstance(found, Failure | WsListener):
        return found
    own = getattr(found, "listener", None)  # the discord.py classes carry theirs
    if isinstance(own, WsListener):
        return own
    kind = type(found).__name__
    return Failure(f"main.entry is {settings.entry}, which is a {kind}; it must be a WsListener or a bot")


async def _serve(begin: Begin, listener: WsListener, end: socket.socket, started: float) -> int:
    channel = await Channel.of_worker(end)
    drain = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, drain.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            hearing = tasks.create_task(_hear(channel, drain, listener))
            code = await _serve_until_drained(begin, listener, channel, drain, started)
            hearing.cancel()
    finally:
        await rest_client.close_all()
        await channel.close()
    return code


async def _serve_until_drained(
    begin: Begin, listener: WsListener, channel: Channel, drain: asyncio.Event, started: float
) -> int:
    settings = begin.settings
    ready = asyncio.Event()

    def on_ready() -> None:
        ready.set()
        address = f"{settings.listen_host}:{settings.listen_port}"
        ms = (time.perf_counter() - started) * 1000
        channel.send(Listening(address, ms, _imported(settings.project_dir)))

    try:
        report = await runtime.serve(
            listener,
            settings,
            replica=begin.replica,
            generation=begin.generation,
            on_ready=on_ready,
            drain=drain,
        )
    except Exception as error:
        if ready.is_set():
            log.exception("the worker ended with an error")
        else:
            channel.send(_broken(_why_not_ready(error, settings.project_dir)))
        return 1
    channel.send(Drained(_plain(report)))
    return 0


async def _hear(channel: Channel, drain: asyncio.Event, listener: WsListener) -> None:
    """Do what the parent says; when it is gone, drain."""
    while (message := await channel.receive()) is not None:
        match message:
            case DrainNow():
                drain.set()
            case AskStats():
                channel.send(Stats(_stats(listener)))
    drain.set()


def _why_not_ready(error: Exception, project: Path) -> Failure:
    """An error of ours says it all; anything else came out of the bot's own start hooks."""
    if isinstance(error, NescordError):
        return Failure(str(error))
    return entry.failure_of(error, project)


def _broken(failure: Failure) -> Broken:
    return Broken(failure.message, failure.file, failure.line, failure.excerpt, failure.traceback)


def _plain(report: Any) -> dict[str, Any]:
    fields = dataclasses.asdict(report) if dataclasses.is_dataclass(report) else report._asdict()  # type: ignore[arg-type]
    return {name: value for name, value in fields.items() if isinstance(value, int | float | str | bool)}


def _stats(listener: WsListener) -> dict[str, Any]:
    times = os.times()
    own: Callable[[], Any] | None = getattr(listener, "stats", None)
    return {"cpu_s": round(times.user + times.system, 3), **(_plain(own()) if own else {})}


def _imported(project: Path) -> tuple[str, ...]:
    """Name what is imported and does not belong to the project: a warm parent may import it ahead."""
    names = []
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if spec is None or name == "__main__" or spec.name != name:
            continue
        origin = spec.origin or ""
        if name.startswith("nescord_core") or not fresh.is_of_project(origin, project):
            names.append(name)
    return tuple(names)


if __name__ == "__main__":
    # As `python -m`, this file is the module __main__; the worker is the one that everybody else imports.
    worker = importlib.import_module("nescord_core.services.worker")
    sys.exit(worker.run(int(os.environ.pop(CHANNEL_FD))))
