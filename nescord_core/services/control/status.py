"""Collects the state of a project's running services, from `nescord dev` or from each service."""

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
    """Return ``{service: {state, pid, address, uptime_s, restarts, ...}}`` for this state_dir.

    ``state`` comes from `nescord dev`; without it, a probe decides between ``ready`` and ``unhealthy``. With
    ``wait``, poll for up to that many seconds until there are services and all of them are ready.
    ``cpu_percent`` (of one core), ``memory_mb`` and ``processes`` cover all processes of a service; they are
    None if the system does not report them. ``ws`` also has ``shards``, ``shards_connected`` and
    ``identifies_left_today``.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + wait
    while True:
        found = await _look(state_dir)
        if loop.time() >= end or (found and all(entry["state"] == "ready" for entry in found.values())):
            return await _with_gateway(await _measured(found), state_dir)
        await asyncio.sleep(RETRY)


async def _with_gateway(found: dict[str, Entry], state_dir: Path) -> dict[str, Entry]:
    """Add the shards and the IDENTIFYs left today to the entry of ws."""
    if "ws" not in found:
        return found
    try:
        answer = await control_socket.request(
            state_dir, "status", name=control_socket.WS, timeout=PROBE_TIMEOUT
        )
    except NescordError:
        return found  # it has just started or does not answer, which its state shows
    shards = answer.get("shards", ())
    more = {
        "shards": len(shards),
        "shards_connected": sum(shard["connected"] for shard in shards),
        "identifies_left_today": answer.get("identifies_left_today"),
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
        supervised = {}  # no supervisor, or not any more: ask each service
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
