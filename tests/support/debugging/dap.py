"""A client of the Debug Adapter Protocol, as an editor is one.

https://microsoft.github.io/debug-adapter-protocol/specification
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

from support.processes.commands import PATIENCE

__all__ = ["Editor"]

Message = dict[str, Any]
HANDSHAKE = 5.0
"""Seconds after which an editor gives up an adapter: one whose process has ended waits for another one."""


class Editor:
    """A connection to a debug adapter. Events are kept until they are waited for."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._events: list[Message] = []

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def send(self, command: str, **arguments: Any) -> int:
        self._number += 1
        request = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(request).encode()
        self._socket.sendall(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return self._number

    def ask(self, command: str, **arguments: Any) -> Message:
        """Send a request and return the body of its response; ConnectionError if it is refused."""
        number = self.send(command, **arguments)
        answer = self._until(lambda message: message.get("request_seq") == number)
        if not answer["success"]:
            raise ConnectionError(str(answer))
        return dict(answer.get("body") or {})

    def event(self, name: str) -> Message:
        """Wait for an event and return its body."""
        found = next((event for event in self._events if event["event"] == name), None)
        if found is None:
            found = self._until(lambda message: message.get("event") == name)
        self._events.remove(found)
        return dict(found.get("body") or {})

    def attach(self, file: str, line: int) -> None:
        """Attach, and set a breakpoint. Raises TimeoutError if the adapter has no process to debug."""
        self._socket.settimeout(HANDSHAKE)
        self.ask("initialize", adapterID="nescord")
        self.send("attach", justMyCode=True)
        self.event("initialized")
        found = self.ask("setBreakpoints", source={"path": file}, breakpoints=[{"line": line}])
        assert [each["verified"] for each in found["breakpoints"]] == [True], found
        self.ask("configurationDone")
        self._socket.settimeout(PATIENCE)

    def _until(self, matches: Callable[[Message], bool]) -> Message:
        while True:
            message = self._read()
            if message.get("type") == "event":
                self._events.append(message)
            if matches(message):
                return message

    def _read(self) -> Message:
        length = 0
        while header := self._file.readline().strip():
            length = int(header.partition(b":")[2])
        if not length:
            raise ConnectionResetError("the adapter has closed the connection")
        message: Message = json.loads(self._file.read(length))
        return message
