"""Asks a service whether it is ready, again and again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

import aiohttp

from nescord_core.supervisor.lifecycle import Reading
from nescord_core.supervisor.spec import ReadyProbe

__all__ = ["ask", "hear", "keep_asking"]

READY = 200
LONGEST_WORDS = 200


async def ask(session: aiohttp.ClientSession, url: str, timeout: float) -> Reading:
    """Ask once. Anything but a whole answer within ``timeout`` seconds is silence."""
    return (await hear(session, url, timeout))[0]


async def hear(session: aiohttp.ClientSession, url: str, timeout: float) -> tuple[Reading, str]:
    """Ask once, and return as well what the service says is in its way (empty: nothing, or not said)."""
    try:
        async with session.get(
            url, timeout=aiohttp.ClientTimeout(total=timeout), allow_redirects=False
        ) as answer:
            if answer.status == READY:
                return Reading.GOOD, ""
            return Reading.BAD, _problems(await answer.read())
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Reading.SILENT, ""


def _problems(body: bytes) -> str:
    """What /readyz lists; a program of another kind may answer anything."""
    with suppress(ValueError, TypeError, KeyError):
        return "; ".join(map(str, json.loads(body)["problems"]))[:LONGEST_WORDS]
    return ""


async def keep_asking(
    session: aiohttp.ClientSession, probe: ReadyProbe, report: Callable[[Reading, str], None]
) -> None:
    """Ask until cancelled: often until the first good answer, then slowly. Every answer is reported."""
    interval = probe.fast
    while True:
        reading, said = await hear(session, probe.url, probe.timeout)
        report(reading, said)
        if reading is Reading.GOOD:
            interval = probe.slow
        await asyncio.sleep(interval)
