"""Invalid bytes on every port cause an error answer or a closed connection, and nothing else."""

from __future__ import annotations

import random
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest

from support.processes.commands import PATIENCE, fetch
from support.system.system import System

PORTS = ("sandbox", "rest", "main", "main_admin", "ws")
HTTP_PORTS = ("sandbox", "rest", "main_admin", "ws")
SEED = 20
TLS_HELLO = bytes.fromhex("16030100a5010000a10303") + bytes(range(160))
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GARBAGE = {
    "random bytes": random.Random(SEED).randbytes(4096),
    "zeros": bytes(65536),
    "a TLS hello": TLS_HELLO,
    "HTTP/1.1": b"GET /nescord.v1.Dispatch/Stream HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/2 with a broken frame": HTTP2_PREFACE + b"\xff\xff\xff\x04\x00\x00\x00\x00\x00" + b"x" * 64,
    "a request line without an end": b"GET /" + b"a" * 100_000,
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length that is none": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "a broken chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """All services, ready."""
    system = System(tmp_path_factory.mktemp("garbage") / "bot")
    system.environ["NESCORD_IDENTIFY_WINDOW"] = "0.1"
    system.start_sandbox()
    system.start("run", "rest")
    system.start("run", "main")
    system.start("run", "ws")
    system.until_ready()
    yield system
    for started in system.started:
        print(started)
    system.close()


def throw(port: int, payload: bytes) -> bytes:
    """Send the bytes and shut down our side; return the answer until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection, suppress(OSError):
        connection.sendall(payload)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


def check_unharmed(system: System) -> None:
    """Check that every service is still ready and none has exited or printed a traceback."""
    system.until_ready()
    assert system.is_settled() or system.stats("ws") is not None
    for started in system.started:
        assert started.process.poll() is None, started
        assert "Traceback" not in started.output, started
        assert "Unhandled" not in started.output, started


def test_garbage_on_every_port(running: System) -> None:
    for name in PORTS:
        for what, payload in GARBAGE.items():
            answer = throw(running.ports[name], payload)
            if name in HTTP_PORTS and answer:
                status = int(answer.split(None, 2)[1])
                assert 400 <= status < 600, f"{what} on {name}: {answer[:200]!r}"
    check_unharmed(running)


def test_connections_that_are_reset(running: System) -> None:
    for name in PORTS:
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", running.ports[name]), PATIENCE)
            connection.sendall(b"GET / HT")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    check_unharmed(running)


def test_tls_where_none_is_spoken(running: System) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name in PORTS:
        with (
            socket.create_connection(("127.0.0.1", running.ports[name]), PATIENCE) as connection,
            pytest.raises((ssl.SSLError, ConnectionError)),
        ):
            context.wrap_socket(connection)
    check_unharmed(running)


def test_those_that_are_slow_do_not_keep_others_waiting(running: System) -> None:
    slow = []
    for name in HTTP_PORTS:
        for _ in range(50):
            connection = socket.create_connection(("127.0.0.1", running.ports[name]), PATIENCE)
            connection.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            slow.append(connection)
    try:
        check_unharmed(running)
        for name in HTTP_PORTS:
            assert fetch("GET", f"http://127.0.0.1:{running.ports[name]}/healthz")[0] == 200
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize(
    "path", ["/nothing", "/healthz/../../etc/passwd", "/%00", "/%ff%fe", "/stats?" + "a" * 7000]
)
def test_paths_that_are_none(running: System, path: str) -> None:
    for name in ("main_admin", "ws"):
        status, _ = fetch("GET", f"http://127.0.0.1:{running.ports[name]}{path}")
        assert status in (200, 400, 404), (name, path)
    check_unharmed(running)


def test_a_body_that_discord_would_take_and_one_that_it_would_not(running: System) -> None:
    """30 MB pass through the proxy (to the sandbox, which may reject them); 106 MB do not."""
    address = ("127.0.0.1", running.ports["rest"])
    token = running.environ["DISCORD_BOT_TOKEN"]

    def post(size: int) -> int:
        head = (
            f"POST /api/v10/channels/1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bot {token}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection(address, PATIENCE) as connection:
            with suppress(ConnectionError):
                connection.sendall(head.encode())
                for _ in range(size // 1_000_000):
                    connection.sendall(bytes(1_000_000))
            return int(connection.recv(4096).split(None, 2)[1])

    assert post(30_000_000) in (400, 404, 413)
    assert post(106_000_000) == 413
    check_unharmed(running)


def test_the_bot_still_answers(running: System) -> None:
    assert running.ask("!ping")
