"""Which addresses are replicas of main, as far as the configuration and the name service tell."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["Lookup", "addresses", "look_up"]

log = logging.getLogger(__name__)

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Given a name and a port, returns host:port strings; raises OSError."""

_DNS = "dns:///"


async def addresses(hosts: tuple[str, ...], *, interval: float, lookup: Lookup) -> AsyncIterator[set[str]]:
    """Yield the addresses of all replicas, again whenever they change.

    A plain host:port is one replica. Every address behind ``dns:///name:port`` is one; the name is looked up
    every ``interval`` seconds, and what it last gave stays valid while it cannot be looked up.
    """
    fixed = {host for host in hosts if not host.startswith(_DNS)}
    names = [host.removeprefix(_DNS) for host in hosts if host.startswith(_DNS)]
    known: dict[str, set[str]] = {name: set() for name in names}
    told: set[str] | None = None
    while True:
        for name in names:
            known[name] = await _resolve(name, lookup, known[name])
        current = fixed.union(*known.values())
        if current != told:
            told = current
            yield set(current)
        if not names:
            return
        await asyncio.sleep(interval)


async def _resolve(name: str, lookup: Lookup, before: set[str]) -> set[str]:
    host, _, port = name.rpartition(":")
    try:
        return set(await lookup(host.strip("[]"), int(port)))
    except OSError as error:
        if before:
            log.warning("%s cannot be looked up (%s); its known addresses stay in use", host, error.strerror)
        else:
            log.warning("%s cannot be looked up (%s); events wait in the outbox", host, error.strerror)
        return before


async def look_up(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [f"[{where[0]}]:{port}" if ":" in str(where[0]) else f"{where[0]}:{port}" for *_, where in found]
