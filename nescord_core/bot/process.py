"""Runs a listener as a process of its own until a signal, then drains it."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable

from nescord_core.bot.handlers import EventHandlers
from nescord_core.bot.runtime import DrainReport, Runtime
from nescord_core.plurals import counted
from nescord_core.process import logs, state_dir
from nescord_core.settings import MainSettings
from nescord_core.tracing.export import exporting

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
    """Run a listener until ``drain`` is set; ``on_ready`` is called once events can arrive.

    Each of several workers has its own ``replica`` name; ``generation`` increases with every reload of a
    replica. Raises PortTaken, and whatever a start hook raises.
    """
    state_dir.prepare(settings.state_dir)
    async with Runtime(listener, settings, replica=replica, generation=generation) as runtime:
        on_ready()
        await drain.wait()
        return await runtime.drain()


def run(listener: EventHandlers, settings: MainSettings) -> DrainReport:
    """Run a listener in this process until SIGTERM, SIGINT or SIGHUP; a second signal kills it."""
    if not logging.getLogger().handlers:
        # A program that has configured logging keeps its configuration.
        logs.configure("main", secrets=(settings.token, settings.security.secret))
    with exporting("main"):
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
        # Imported only by bots that use RestClient.
        client = sys.modules.get("nescord_core.rest.client.client")
        if client is not None:
            await client.close_all()
    log.info("drained after handling %s, %d handed back", counted(report.handled, "event"), report.returned)
    return report


def leave_at_signal(drain: asyncio.Event) -> None:
    """Set the event at SIGTERM, SIGINT or SIGHUP; a second signal has its default effect."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def leave() -> None:
        drain.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, leave)
