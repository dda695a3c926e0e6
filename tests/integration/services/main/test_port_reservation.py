from __future__ import annotations

import socket
from contextlib import AsyncExitStack

import pytest

from nescord_core.errors import PortTaken
from nescord_core.services.main.port_reservation import reserved


def shared(port: int) -> socket.socket:
    """A listening socket, created as grpc does."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


async def test_old_and_new_workers_share_a_held_port_and_it_gets_no_connections_itself() -> None:
    async with reserved("127.0.0.1", 0, 1) as (port,):
        with shared(port) as old, shared(port), socket.create_connection(("127.0.0.1", port)):
            old.close()
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", port)):
                    pass


async def test_a_held_port_is_closed_to_others() -> None:
    async with AsyncExitStack() as stack:
        (port,) = await stack.enter_async_context(reserved("127.0.0.1", 0, 1))
        with socket.socket() as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                stranger.bind(("127.0.0.1", port))
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}"):
            await stack.enter_async_context(reserved("127.0.0.1", port, 1))


async def test_several_workers_get_a_port_each() -> None:
    async with reserved("127.0.0.1", 0, 3) as ports:
        assert len(set(ports)) == 3
