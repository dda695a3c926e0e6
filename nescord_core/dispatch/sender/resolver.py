"""Resolves the configured hosts to the addresses of main's replicas."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["Lookup", "addresses", "look_up"]

log = logging.getLogger(__name__)

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Maps a name and a port to host:port strings; raises OSError."""

_DNS = "dns:///"


async def addresses(hosts: tuple[str, ...], *, interval: float, lookup: Lookup) -> AsyncIterator[set[str]]:
    """Yield the addresses of all replicas, and again whenever they change.

    A plain host:port is one replica. With ``dns:///name:port``, every address of the name is one; it is
    resolved every ``interval`` seconds, and the last result stays in use while that fails.
    """
    fixed = {host for host in hosts if not host.startswith(_DNS)}
    names = [host.removeprefix(_DNS) for host in hosts if host.startswith(_DNS)]
    known: dict[str, set[str]] = {name: set() for name in names}
    reported: set[str] | None = None
    while True:
        for name in names:
            known[name] = await _resolve(name, lookup, known[name])
        current = fixed.union(*known.values())
        if current != reported:
            reported = current
            yield set(current)
        if not names:
            return
        await asyncio.sleep(interval)


async def _resolve(name: str, lookup: Lookup, previous: set[str]) -> set[str]:
    host, _, port = name.rpartition(":")
    try:
        return set(await lookup(host.strip("[]"), int(port)))
    except OSError as error:
        if previous:
            log.warning("cannot resolve %s (%s); its known addresses stay in use", host, error.strerror)
        else:
            log.warning("cannot resolve %s (%s); events wait in the outbox", host, error.strerror)
        return previous


async def look_up(host: str, port: int) -> list[str]:
    """Resolve a name with the system's resolver."""
    results = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [
        f"[{sockaddr[0]}]:{port}" if ":" in str(sockaddr[0]) else f"{sockaddr[0]}:{port}"
        for *_, sockaddr in results
    ]
