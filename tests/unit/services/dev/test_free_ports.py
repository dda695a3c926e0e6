"""`nescord dev` checks its ports before it starts anything."""

from __future__ import annotations

import asyncio
import io
import socket
import time
from pathlib import Path

import pytest

from nescord_core.config import load
from nescord_core.errors import PortTaken
from nescord_core.process.port_claims import PortClaims
from nescord_core.process.ports import Holder
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


def test_two_that_start_at_once_choose_different_ports(tmp_path: Path) -> None:
    config = load(tmp_path, environ={})
    first, second, third = (PortClaims(tmp_path / "claims") for _ in range(3))
    one = free_ports.choose_offset(config, sandbox=True, claims=first)
    other = free_ports.choose_offset(config, sandbox=True, claims=second)
    assert one.offset != other.offset, "nothing listens yet, but the first is about to"
    first.close()
    second.close()
    assert third.take([config.shifted(one.offset)["rest.port"]]), "a claim ends with its process"


def test_the_ports_of_another_are_named(tmp_path: Path) -> None:
    taken = Listener("rest", "rest.port", "127.0.0.1", 7401)
    notice = free_ports.OffsetChoice(50, taken, Holder(7, "python3")).notice()
    assert notice.startswith("127.0.0.1:7401 is taken by python3 (process 7); all ports are moved by 50")
    assert free_ports.OffsetChoice(50).notice() == ""
