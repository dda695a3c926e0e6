"""sd_notify against a real datagram socket, as systemd has one."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nescord_core.supervisor.systemd import SystemdNotifier


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@nescord-test-{os.getpid()}"


@pytest.fixture
def systemd(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(address.replace("@", "\0"))
        end.settimeout(10)
        yield end


def test_it_is_told_what_is_said(systemd: socket.socket, address: str) -> None:
    environ = {"NOTIFY_SOCKET": address, "OTHER": "1"}
    notifier = SystemdNotifier.from_environment(environ)
    assert environ == {"OTHER": "1"}, "its children must not notify in its name"
    notifier.tell("READY=1", "STATUS=all is well")
    assert systemd.recv(1000) == b"READY=1\nSTATUS=all is well"


async def test_the_watchdog_is_shown_that_the_loop_turns(systemd: socket.socket, address: str) -> None:
    notifier = SystemdNotifier.from_environment({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000"})
    systemd.setblocking(False)
    loop = asyncio.get_running_loop()
    waking = asyncio.ensure_future(notifier.keep_awake())
    async with asyncio.timeout(20):
        for _ in range(3):
            assert await loop.sock_recv(systemd, 100) == b"WATCHDOG=1"
    waking.cancel()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": "not an address"},
        {"NOTIFY_SOCKET": "/nowhere/notify"},
        {"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
    ],
)
async def test_where_nobody_listens_nothing_happens(environ: dict[str, str]) -> None:
    notifier = SystemdNotifier.from_environment(environ)
    notifier.tell("READY=1")
    await notifier.keep_awake()
    assert notifier.watchdog == 0
