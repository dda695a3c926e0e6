"""Strangers on the admin ports of real services."""

from __future__ import annotations

import pytest

from support.network.strangers import End, closes, connect, flood, is_open, many, say, statuses
from support.processes.commands import until
from support.system.system import System
from support.system.under_attack import ADMIN, watched

SERVICES = ("main", "ws")
MOST = 128


def port_of(system: System, service: str) -> int:
    return system.ports[ADMIN.get(service, service)]


@pytest.mark.bound(
    "Admin ports of ws and main: connections",
    "Admin ports of ws and main: a connection without a request, before the first one or after one",
)
@pytest.mark.parametrize("service", SERVICES)
def test_silent_connections(system: System, service: str) -> None:
    port = port_of(system, service)
    with watched(system, service, most_mb=20), many(port, 600) as silent:
        until(lambda: sum(map(is_open, silent)) <= MOST, "the earliest are closed")
        assert is_open(silent[-1])
        begun = connect(port, b"GET /st")
        after = connect(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        closes(begun, 15)
        assert statuses(closes(after, 15)) == [200]
        assert closes(silent[-1], 15) == b""


@pytest.mark.bound("Admin ports of ws and main: head and body of a request")
@pytest.mark.parametrize("service", SERVICES)
def test_endless_requests(system: System, service: str) -> None:
    port = port_of(system, service)
    head = b"POST /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with watched(system, service, most_mb=20):
        for first, part in (
            (head, b"X-N: v\r\n" * 1000),
            (head + b"X-N: ", b"v" * 8000),
            (head + b"Content-Length: 100000000\r\n\r\n", bytes(8000)),
            (head + b"Transfer-Encoding: chunked\r\n\r\n", b"1f40\r\n" + bytes(8000) + b"\r\n"),
        ):
            end, answer = flood(port, first, part)
            assert end is End.CLOSED, first
            assert all(status >= 400 for status in statuses(answer))


@pytest.mark.bound("Admin ports of ws and main: names in the Host header of a caller without the secret")
@pytest.mark.parametrize("service", SERVICES)
def test_names_that_a_page_may_have_chosen(system: System, service: str) -> None:
    with watched(system, service, most_mb=10):
        for host in (b"evil.example", b"127.0.0.1.evil.example", b"localhost.evil.example:1"):
            request = b"GET /stats HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % host
            assert statuses(say(port_of(system, service), request)) == [403]
