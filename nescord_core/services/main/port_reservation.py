"""Holds the ports of a group of workers: old and new processes share them, nobody else can take them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from nescord_core.process import ports

__all__ = ["reserved"]

PATIENCE = 3.0
"""Seconds for which a taken port is tried again: workers of a killed predecessor are still draining."""
RETRY = 0.1
KEY = "main.listen (NESCORD_MAIN_LISTEN)"


@asynccontextmanager
async def reserved(host: str, port: int, count: int) -> AsyncIterator[tuple[int, ...]]:
    """Hold ``count`` consecutive ports from ``port`` (0: any free ones) for as long as the block runs.

    The sockets are bound and never listen: they get no connections, and only processes of the same user that
    share ports as well (SO_REUSEPORT) can bind beside them (socket(7)).

    Raises:
        PortTaken: somebody else has one of them.
        ConfigError: it is not an address of this machine, or not for this user.

    """
    with ExitStack() as stack:
        held = [await _patiently(stack, host, port + place if port else 0) for place in range(count)]
        yield tuple(held)


async def _patiently(stack: ExitStack, host: str, port: int) -> int:
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while True:
        try:
            reservation = stack.enter_context(_reserve(host, port))
            return int(reservation.getsockname()[1])
        except OSError as error:
            if not ports.is_taken(error) or loop.time() > until:
                raise ports.refusal(error, host, port, service="main", key=KEY) from None
        await asyncio.sleep(RETRY)


def _reserve(host: str, port: int) -> socket.socket:
    """First make sure that the port is free, which a socket that shares it cannot tell."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as alone:
        alone.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # old connections in TIME_WAIT do not matter
        alone.bind((host, port))
        port = alone.getsockname()[1]
    shared = socket.socket(family, socket.SOCK_STREAM)
    try:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind((host, port))
    except OSError:
        shared.close()
        raise
    return shared
