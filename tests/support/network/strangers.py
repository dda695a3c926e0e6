"""Sockets of strangers: many at once, silent, slow or endless."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto

__all__ = ["End", "closes", "connect", "flood", "is_open", "many", "say", "statuses"]

PATIENCE = 30.0
STALLED = 2.0
"""Seconds without a byte taken after which the other side has stopped reading."""


def connect(port: int, first: bytes = b"") -> socket.socket:
    """Connect, and send some bytes."""
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection.sendall(first)
    return connection


@contextmanager
def many(port: int, count: int, first: bytes = b"") -> Iterator[list[socket.socket]]:
    """Hold so many connections, or as many as the other side accepts."""
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            with suppress(OSError):
                held.append(connect(port, first))
        yield held
    finally:
        for each in held:
            each.close()


def is_open(connection: socket.socket) -> bool:
    """Return whether the other side has not closed; what it has sent is read."""
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def closes(connection: socket.socket, within: float = PATIENCE) -> bytes:
    """Read until the other side closes, and close as well; return what it said. It must not stay open."""
    received, end = b"", time.monotonic() + within
    with connection, suppress(ConnectionError):
        while True:
            left = end - time.monotonic()
            assert left > 0, f"still open after {within:g} s; received {received[:200]!r}"
            connection.settimeout(left)
            try:
                chunk = connection.recv(65_536)
            except TimeoutError:
                continue
            if not chunk:
                return received
            received += chunk
    return received


def say(port: int, data: bytes, within: float = PATIENCE) -> bytes:
    """Send a request that asks for the connection's end; return the answer."""
    with connect(port) as connection:
        with suppress(ConnectionError):
            connection.sendall(data)
        return closes(connection, within)


class End(Enum):
    """How a flood ends: the other side closes, or stops reading, or takes everything."""

    CLOSED = auto()
    STALLED = auto()
    TAKEN = auto()


def flood(port: int, first: bytes, part: bytes, within: float = 10.0) -> tuple[End, bytes]:
    """Send ``part`` again and again without reading; return how that ended, and the answer.

    An answer may be lost with a connection that is reset.
    """
    until = time.monotonic() + within
    with connect(port, first) as connection:
        connection.settimeout(STALLED)
        try:
            while time.monotonic() < until:
                connection.sendall(part)
            end = End.TAKEN
        except TimeoutError:
            end = End.STALLED
        except OSError:
            end = End.CLOSED
        try:
            return end, connection.recv(65_536)
        except OSError:
            return end, b""


def statuses(answer: bytes) -> list[int]:
    """Return the status of each HTTP/1.1 response in an answer."""
    return [int(part[1:4]) for part in answer.split(b"HTTP/1.1")[1:]]
