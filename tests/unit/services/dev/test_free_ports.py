"""`nescord dev` checks its ports before it starts anything."""

from __future__ import annotations

import asyncio
import io
import socket
import time

import pytest

from nescord_core.errors import PortTaken
from nescord_core.services.dev import free_ports
from nescord_core.services.dev.plan import Listener
from nescord_core.supervisor.output import Output

NOTICE = "waiting for the ports of an earlier run that was killed and is still stopping"


class Waiting:
    """Another process holds the port, and `nescord dev` waits for it."""

    def __init__(self, patience: float) -> None:
        self.holder = socket.create_server(("127.0.0.1", 0))
        self.text = io.StringIO()
        self.output = Output(self.text, names=["dev"], now=time.time)
        port = self.holder.getsockname()[1]
        listener = Listener("rest", "rest.port (NESCORD_REST_PORT)", "127.0.0.1", port)
        self.signals: list[str] = []
        self.task = asyncio.ensure_future(
            free_ports.until_free([listener], self.output, patience, self.signals)
        )

    async def announced(self) -> None:
        async with asyncio.timeout(30):
            while NOTICE not in self.text.getvalue():  # noqa: ASYNC110 - the output is all there is to wait for
                await asyncio.sleep(0.01)


async def test_it_waits_for_the_ports_of_a_killed_run_and_says_so_once() -> None:
    waiting = Waiting(patience=60.0)
    await waiting.announced()
    assert not waiting.task.done()
    waiting.holder.close()
    await waiting.task
    assert waiting.text.getvalue().count(NOTICE) == 1


async def test_a_port_that_stays_taken_is_an_error() -> None:
    waiting = Waiting(patience=0.1)
    with waiting.holder, pytest.raises(PortTaken, match="NESCORD_REST_PORT"):
        await waiting.task


async def test_a_signal_ends_the_wait() -> None:
    waiting = Waiting(patience=60.0)
    with waiting.holder:
        await waiting.announced()
        waiting.signals.append("SIGTERM")
        await waiting.task
