"""Checks that the ports of all services are free before any of them starts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence

from nescord_core.errors import PortTaken
from nescord_core.process.ports import refusal
from nescord_core.services.dev import plan
from nescord_core.supervisor.output import Output

__all__ = ["until_free"]

RETRY = 0.1
"""Seconds between two checks while an earlier run is stopping."""


async def until_free(
    addresses: Iterable[plan.Listener], output: Output, patience: float, signals: Sequence[str]
) -> None:
    """Raise PortTaken if a port is still taken after ``patience`` seconds; return early after a signal."""
    loop = asyncio.get_running_loop()
    until, reported = loop.time() + patience, False
    while not signals:
        try:
            _check_free(addresses)
            return
        except PortTaken:
            if loop.time() >= until:
                raise
        if not reported:
            output.say("waiting for the ports of an earlier run that was killed and is still stopping")
            reported = True
        await asyncio.sleep(RETRY)


def _check_free(listeners: Iterable[plan.Listener]) -> None:
    """Bind each address briefly; raises PortTaken for one that is in use."""
    for listener in listeners:
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listener.host, listener.port))
            except OSError as error:
                raise refusal(
                    error, listener.host, listener.port, service=listener.service, key=listener.key
                ) from None
