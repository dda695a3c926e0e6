"""The connection of a stopped worker with the terminal of `nescord debug`, as a file for pdb.

Both sides send JSON lines. The worker sends ``{"out": text}``, ``{"ask": prompt}``, ``{"matches": [...]}``,
``{"running": true}`` and ``{"detached": true}``; the terminal sends ``{"line": text}``, ``{"eof": true}`` and
``{"complete": [...]}``.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Completer", "TerminalChannel"]

Completer = Callable[[str, str, int, int], list[str]]
"""Returns the completions of (word, line, begin, end), as the methods of `cmd.Cmd` take them."""


class TerminalChannel:
    """A text file whose lines a person types in another process. At its end, `readline` returns ""."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        self._partial = ""
        self.completer: Completer = lambda *_: []

    @property
    def is_open(self) -> bool:
        """Whether the terminal is still attached."""
        try:
            return bool(self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True  # it has nothing to say
        except OSError:
            return False

    def close(self) -> None:
        """Detach the terminal."""
        self._send({"detached": True})
        self._file.close()
        self._connection.close()

    def write(self, text: str) -> int:
        """Send whole lines; what follows the last newline is sent with the next, or becomes the prompt."""
        whole, newline, self._partial = (self._partial + text).rpartition("\n")
        if newline:
            self._send({"out": whole + newline})
        return len(text)

    def flush(self) -> None:
        """Do nothing: lines are sent at once."""

    def isatty(self) -> bool:
        """Return False: it is no terminal of this process."""
        return False

    def readline(self, _size: int = -1, /) -> str:
        """Ask for a line, with the unfinished line as prompt."""
        prompt, self._partial = self._partial, ""
        self._send({"ask": prompt})
        while (message := self._receive()) is not None:
            match message:
                case {"line": str(line)}:
                    return f"{line}\n"
                case {"complete": [str(word), str(line), int(begin), int(end)]}:
                    self._send({"matches": self.completer(word, line, begin, end)})
                case _:
                    return ""
        return ""

    def running(self) -> None:
        """Say that the program continues."""
        self._send({"running": True})

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return  # it is gone, which the next `readline` finds out

    def _receive(self) -> Any:
        try:
            return json.loads(self._file.readline())
        except (OSError, ValueError):
            return None
