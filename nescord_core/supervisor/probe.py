"""Readiness probes: GET requests to a service's /readyz."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

import aiohttp

from nescord_core.supervisor.lifecycle import Reading
from nescord_core.supervisor.spec import ReadyProbe

__all__ = ["ask", "ask_with_problem", "poll"]

READY = 200
LONGEST_PROBLEM = 200


async def ask(session: aiohttp.ClientSession, url: str, timeout: float) -> Reading:
    """Probe once. Anything but a complete answer within ``timeout`` seconds counts as SILENT."""
    return (await ask_with_problem(session, url, timeout))[0]


async def ask_with_problem(session: aiohttp.ClientSession, url: str, timeout: float) -> tuple[Reading, str]:
    """Probe once; return as well why the service says that it is not ready ("" if it gives no reason)."""
    try:
        async with session.get(
            url, timeout=aiohttp.ClientTimeout(total=timeout), allow_redirects=False
        ) as response:
            if response.status == READY:
                return Reading.GOOD, ""
            return Reading.BAD, _problems(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Reading.SILENT, ""


def _problems(body: bytes) -> str:
    """Return what /readyz lists; "" for a body of another form, as other programs may answer anything."""
    with suppress(ValueError, TypeError, KeyError):
        return "; ".join(map(str, json.loads(body)["problems"]))[:LONGEST_PROBLEM]
    return ""


async def poll(
    session: aiohttp.ClientSession, probe: ReadyProbe, report: Callable[[Reading, str], None]
) -> None:
    """Probe until cancelled, every ``fast`` seconds until ready, then every ``slow``; report each result."""
    interval = probe.fast
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        reading, problem = await ask_with_problem(session, probe.url, probe.timeout)
        if reading is Reading.SILENT and loop.time() - began > probe.timeout + probe.late:
            reading = Reading.SUSPENDED
        report(reading, problem)
        if reading is Reading.GOOD:
            interval = probe.slow
        slept_from = loop.time()
        await asyncio.sleep(interval)
        if loop.time() - slept_from > interval + probe.late:
            report(Reading.SUSPENDED, "")
