"""Readable reasons from errors of the system, asyncio and the resolver."""

from __future__ import annotations

import errno
import socket

import pytest

from nescord_core.errors import ConfigError, PortTaken
from nescord_core.process.os_errors import reason_of
from nescord_core.process.ports import refusal


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"),
            "connection refused",
        ),
        (OSError(errno.ENOSPC, "x"), "no space left on device"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (TimeoutError(), "no answer in time"),
        (OSError("Multiple exceptions"), "Multiple exceptions"),
        (OSError("could not bind on any address out of [('h', 0)]"), "cannot assign requested address"),
        (ValueError(), "ValueError"),
    ],
)
def test_reasons(error: Exception, text: str) -> None:
    assert reason_of(error) == text


def test_a_taken_port_and_an_address_of_another_machine_are_told_apart() -> None:
    taken = refusal(OSError(errno.EADDRINUSE, "x"), "::1", 1, service="ws", key="ws.admin")
    assert isinstance(taken, PortTaken)
    assert "[::1]:1" in str(taken)
    foreign = refusal(OSError(errno.EADDRNOTAVAIL, "x"), "203.0.113.7", 1, service="ws", key="ws.admin")
    assert isinstance(foreign, ConfigError)
    assert "ws.admin: ws cannot listen on 203.0.113.7:1: cannot assign requested address." in str(foreign)
