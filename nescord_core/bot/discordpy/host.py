"""Runs a client's listener: in a worker of main, or in a standalone program."""

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
    """Runs a listener in the bot's event loop."""

    settings: MainSettings

    async def serve(self, listener: WsListener, leave: asyncio.Event) -> None:
        """Serve events until stopped from outside or by ``leave``, and drain."""


class Standalone:
    """A bot started on its own, as in ``python bot.py``: it serves until a signal."""

    def __init__(self, settings: MainSettings) -> None:
        self.settings = settings

    async def serve(self, listener: WsListener, leave: asyncio.Event) -> None:
        """Serve until SIGTERM, SIGINT, SIGHUP or ``leave``."""
        with suppress(ValueError):  # not the main thread; its owner ends the loop
            leave_at_signal(leave)
        async with Runtime(listener, listener.settings(self.settings)) as runtime:
            log.info("main listens on %s:%d", self.settings.listen_host, runtime.port)
            await leave.wait()
            await runtime.drain()


_installed: list[Host] = []


def install(host: Host) -> None:
    """Use this host for every client of the process."""
    _installed[:] = [host]


def current() -> Host:
    """Return the process's host. Raises ConfigError if the configuration is invalid."""
    if not _installed:
        install(Standalone(config.load().main))
    return _installed[0]
