"""A listener as a process of its own: it serves until a signal, and leaves in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable

from nescord_core.bot.handlers import EventHandlers
from nescord_core.bot.runtime import DrainReport, Runtime
from nescord_core.process import logs
from nescord_core.settings import MainSettings

__all__ = ["leave_at_signal", "run", "serve"]

log = logging.getLogger(__name__)


async def serve(
    listener: EventHandlers,
    settings: MainSettings,
    *,
    replica: str = "0",
    generation: int = 1,
    on_ready: Callable[[], None],
    drain: asyncio.Event,
) -> DrainReport:
    """Run a listener until ``drain`` is set; ``on_ready`` is called once events can come.

    Several workers have one ``replica`` name each; ``generation`` grows with every reload of a replica.
    Raises PortTaken, and whatever a start hook raises.
    """
    async with Runtime(listener, settings, replica=replica, generation=generation) as runtime:
        on_ready()
        await drain.wait()
        return await runtime.drain()


def run(listener: EventHandlers, settings: MainSettings) -> DrainReport:
    """Run a listener in this process until SIGTERM, SIGINT or SIGHUP; a second signal ends it at once."""
    if not logging.getLogger().handlers:
        # A program that configured logging itself keeps what it set.
        logs.configure("main", secrets=(settings.token, settings.security.secret))
    return asyncio.run(_until_signal(listener, settings))


async def _until_signal(listener: EventHandlers, settings: MainSettings) -> DrainReport:
    drain = asyncio.Event()
    leave_at_signal(drain)
    where = f"{settings.listen_host}:{settings.listen_port}"
    try:
        report = await serve(
            listener, settings, on_ready=lambda: log.info("main listens on %s", where), drain=drain
        )
    finally:
        # Only a bot that uses RestClient has imported it.
        client = sys.modules.get("nescord_core.rest.client.client")
        if client is not None:
            await client.close_all()
    log.info("left after %d events, %d given back", report.handled, report.returned)
    return report


def leave_at_signal(drain: asyncio.Event) -> None:
    """Set the event at SIGTERM, SIGINT or SIGHUP; a second signal does what it does without this."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def leave() -> None:
        drain.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, leave)
