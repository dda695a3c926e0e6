"""The terminal's side of a debugging session (services/main/worker/debugging): finds stops, talks to one."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from nescord_core.services.control import control_socket

__all__ = ["DebugSession", "WaitingStop", "waiting_stops"]


@dataclass(frozen=True, slots=True)
class WaitingStop:
    """A process at a breakpoint; ``socket`` is where it waits for a terminal, empty if it has one."""

    pid: int
    file: str
    line: int
    socket: str


async def waiting_stops(state_dir: Path) -> list[WaitingStop]:
    """Return the processes at breakpoints; raises NotRunning if no main runs here."""
    answer = await control_socket.request(state_dir, "stops", name=control_socket.MAIN)
    return [WaitingStop(**each) for each in answer["stops"]]


class DebugSession:
    """A connection to a stopped process. It blocks: there is one person at one terminal."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")

    @classmethod
    def attach(cls, stop: WaitingStop) -> Self:
        """Attach to a process; raises OSError if it no longer waits."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(stop.socket)
            connection.sendall(b"attach\n")
        except OSError:
            connection.close()
            raise
        return cls(connection)

    def message(self) -> Mapping[str, Any] | None:
        """Wait for a message; None when the process has ended or closed the session."""
        try:
            message: Mapping[str, Any] = json.loads(self._file.readline())
        except (OSError, ValueError):
            return None
        return message

    def answer(self, line: str | None) -> None:
        """Send a line, or with None the end of the input, which detaches."""
        self._send({"eof": True} if line is None else {"line": line})

    def completions(self, word: str, line: str, begin: int, end: int) -> list[str]:
        """Return how a word may continue; only while the process asks for a line."""
        self._send({"complete": [word, line, begin, end]})
        return list((self.message() or {}).get("matches", ()))

    def close(self) -> None:
        """Detach; the program continues without a debugger."""
        self._file.close()
        self._connection.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return  # it has ended, which the next `message` says
