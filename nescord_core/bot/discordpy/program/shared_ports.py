"""Ports that a bot listens on itself, as for a page that says it is alive, over a reload."""

from __future__ import annotations

import contextlib
import functools
import socket
from typing import Any

__all__ = ["share"]

_INTERNET = {socket.AF_INET, socket.AF_INET6}


def share() -> None:
    """Let this process listen where the one whose place it takes still does (SO_REUSEPORT, socket(7)).

    A port that a stranger listens on stays taken: both have to share it.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        return
    original = socket.socket.bind

    @functools.wraps(original)
    def bind(self: socket.socket, address: Any, /) -> None:
        if self.family in _INTERNET and self.type == socket.SOCK_STREAM:
            with contextlib.suppress(OSError):
                self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        original(self, address)

    socket.socket.bind = bind  # type: ignore[assignment,method-assign]  # wrapped, it is a function
