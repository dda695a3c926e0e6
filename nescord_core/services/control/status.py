"""Which services of a project run, and how they are: from `nescord dev`, or from each by itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp

from nescord_core.errors import NescordError, NotRunning, TransportError
from nescord_core.services.control import control_socket
from nescord_core.services.control.running_services import RunningService, read_all
from nescord_core.supervisor.lifecycle import Reading, State
from nescord_core.supervisor.probe import ask
from nescord_core.supervisor.resource_usage import Usage, measure

__all__ = ["collect"]

PROBE_TIMEOUT = 2.0
RETRY = 0.1
ANYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - replaced, not bound
Entry = dict[str, Any]


async def collect(state_dir: Path, *, wait: float = 0.0) -> dict[str, Entry]:
    """Return ``{service: {state, pid, address, uptime_s, restarts, ...}}`` of what runs with this state_dir.

    ``state`` is what `nescord dev` says of the service, else ``ready`` or ``unhealthy`` by asking it. With
    ``wait``, look again for up to so many seconds until there are services and all are ready. ``cpu_percent``
    (of one core), ``memory_mb`` and ``processes`` are of all processes of a service, None where the system
    does not say. ``ws`` has ``shards``, ``shards_connected`` and ``identifies_left_today`` as well.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + wait
    while True:
        found = await _look(state_dir)
        if loop.time() >= end or (found and all(entry["state"] == "ready" for entry in found.values())):
            return await _with_gateway(await _measured(found), state_dir)
        await asyncio.sleep(RETRY)


async def _with_gateway(found: dict[str, Entry], state_dir: Path) -> dict[str, Entry]:
    """Add to ws how many of its shards are connected, and how many IDENTIFYs Discord allows it today."""
    if "ws" not in found:
        return found
    try:
        told = await control_socket.request(
            state_dir, "status", name=control_socket.WS, timeout=PROBE_TIMEOUT
        )
    except NescordError:
        return found  # it has just begun, or does not answer; its state says so
    shards = told.get("shards", ())
    more = {
        "shards": len(shards),
        "shards_connected": sum(shard["connected"] for shard in shards),
        "identifies_left_today": told.get("identifies_left_today"),
    }
    return {**found, "ws": found["ws"] | more}


async def _measured(found: dict[str, Entry]) -> dict[str, Entry]:
    used = await measure(entry["pid"] for entry in found.values() if entry["pid"])
    return {name: entry | _numbers(used.get(entry["pid"])) for name, entry in found.items()}


def _numbers(used: Usage | None) -> Entry:
    names = ("cpu_percent", "memory_mb", "processes")
    return asdict(used) if used else dict.fromkeys(names)


async def _look(state_dir: Path) -> dict[str, Entry]:
    try:
        supervised = await control_socket.status(state_dir)
    except (NotRunning, TransportError):
        supervised = {}  # nobody supervises, or not any more; the services answer for themselves
    alone = [one for name, one in read_all(state_dir).items() if name not in supervised]
    async with aiohttp.ClientSession() as session:
        entries = await asyncio.gather(*(_ask(session, presence) for presence in alone))
    return {**supervised, **dict(zip((presence.service for presence in alone), entries, strict=True))}


async def _ask(session: aiohttp.ClientSession, presence: RunningService) -> Entry:
    reading = Reading.GOOD
    if presence.admin:
        host, _, port = presence.admin.rpartition(":")
        url = f"http://{ANYWHERE.get(host, host)}:{port}/readyz"
        reading = await ask(session, url, PROBE_TIMEOUT)
    return {
        "state": (State.READY if reading is Reading.GOOD else State.UNHEALTHY).value,
        "pid": presence.pid,
        "address": presence.address,
        "uptime_s": round(max(0.0, time.time() - presence.started_at), 1),
        "restarts": 0,
    }
