"""Lets a bot keep its own listening ports, such as a health page's, across a reload."""

from __future__ import annotations

import contextlib
import functools
import socket
from typing import Any

__all__ = ["share"]

_INTERNET = {socket.AF_INET, socket.AF_INET6}


def share() -> None:
    """Let this process listen on ports its predecessor still has (SO_REUSEPORT, socket(7)).

    Ports of other programs stay taken: both sides have to share them.
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
