"""Asks a service whether it is ready, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from nescord_core.supervisor.lifecycle import Reading
from nescord_core.supervisor.spec import ReadyProbe

__all__ = ["ask", "keep_asking"]

READY = 200


async def ask(session: aiohttp.ClientSession, url: str, timeout: float) -> Reading:
    """Ask once. Anything but a whole answer within ``timeout`` seconds is silence."""
    try:
        async with session.get(
            url, timeout=aiohttp.ClientTimeout(total=timeout), allow_redirects=False
        ) as answer:
            return Reading.GOOD if answer.status == READY else Reading.BAD
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Reading.SILENT


async def keep_asking(
    session: aiohttp.ClientSession, probe: ReadyProbe, report: Callable[[Reading], None]
) -> None:
    """Ask until cancelled: often until the first good answer, then slowly. Every answer is reported."""
    interval = probe.fast
    while True:
        reading = await ask(session, probe.url, probe.timeout)
        report(reading)
        if reading is Reading.GOOD:
            interval = probe.slow
        await asyncio.sleep(interval)
