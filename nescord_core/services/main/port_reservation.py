"""Reserves a group's ports: its old and new workers share them, and other programs cannot bind them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from nescord_core.process import ports

__all__ = ["reserved"]

RETRY_TIME = 3.0
"""Seconds for which a taken port is retried: the workers of a killed parent may still be draining."""
RETRY_INTERVAL = 0.1
KEY = "main.listen (NESCORD_MAIN_LISTEN)"


@asynccontextmanager
async def reserved(host: str, port: int, count: int) -> AsyncIterator[tuple[int, ...]]:
    """Reserve ``count`` consecutive ports from ``port`` (0: any free ones) while the block runs.

    The sockets are bound but never listen: they receive no connections, and only processes of the same user
    that also set SO_REUSEPORT can bind the same ports (socket(7)).

    Raises:
        PortTaken: another process has one of them.
        ConfigError: the host is not an address of this machine, or this user may not bind the port.

    """
    with ExitStack() as stack:
        bound = [await _bind_with_retry(stack, host, port + index if port else 0) for index in range(count)]
        yield tuple(bound)


async def _bind_with_retry(stack: ExitStack, host: str, port: int) -> int:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + RETRY_TIME
    while True:
        try:
            reservation = stack.enter_context(_reserve(host, port))
            return int(reservation.getsockname()[1])
        except OSError as error:
            if not ports.is_taken(error) or loop.time() > deadline:
                raise ports.refusal(error, host, port, service="main", key=KEY) from None
        await asyncio.sleep(RETRY_INTERVAL)


def _reserve(host: str, port: int) -> socket.socket:
    """Bind a shared socket, after binding an exclusive one to make sure that the port is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as exclusive:
        exclusive.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ignore connections in TIME_WAIT
        exclusive.bind((host, port))
        port = exclusive.getsockname()[1]
    shared = socket.socket(family, socket.SOCK_STREAM)
    try:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind((host, port))
    except OSError:
        shared.close()
        raise
    return shared
