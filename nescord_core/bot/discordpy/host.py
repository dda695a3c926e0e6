"""Where a client's events come from: the worker that this process is, or a program of its own."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from nescord_core import config
from nescord_core.bot.listener import WsListener
from nescord_core.bot.process import leave_at_signal
from nescord_core.bot.runtime import Runtime
from nescord_core.settings import MainSettings

__all__ = ["Host", "Standalone", "current", "install"]

log = logging.getLogger(__name__)


class Host(Protocol):
    """Runs a listener in the loop of the bot."""

    settings: MainSettings

    async def serve(self, listener: WsListener, leave: asyncio.Event) -> None:
        """Serve events until told to drain from outside or by ``leave``, and drain."""


class Standalone:
    """A bot that was started by itself, as in ``python bot.py``: it serves until a signal."""

    def __init__(self, settings: MainSettings) -> None:
        self.settings = settings

    async def serve(self, listener: WsListener, leave: asyncio.Event) -> None:
        """Serve until SIGTERM, SIGINT, SIGHUP or ``leave``."""
        with suppress(ValueError):  # not the main thread: whoever runs the loop there ends it
            leave_at_signal(leave)
        async with Runtime(listener, listener.settings(self.settings)) as runtime:
            log.info("main listens on %s:%d", self.settings.listen_host, runtime.port)
            await leave.wait()
            await runtime.drain()


_installed: list[Host] = []


def install(host: Host) -> None:
    """Serve every client of this process through this host."""
    _installed[:] = [host]


def current() -> Host:
    """Return the host of this process. Raises ConfigError when the configuration is wrong."""
    if not _installed:
        install(Standalone(config.load().main))
    return _installed[0]
