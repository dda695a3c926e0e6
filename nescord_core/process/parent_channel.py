"""Channel between a parent and the processes it starts: JSON lines over an inherited socket pair.

End-of-file means that the other side is gone. Settings travel over the channel, secrets included, because the
command line and the environment of a process can be read by others. Its users define the messages
(reload/swapping/messages.py, services/ws/messages.py).
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import msgspec

from nescord_core.process.own_children import OWN_CHILDREN

__all__ = ["CHANNEL_FD", "Channel", "Decoder", "decoder", "follow_parent", "pair", "receive", "send", "spawn"]

CHANNEL_FD = "NESCORD_CHANNEL_FD"
"""Environment variable with the descriptor of the child's end of the channel."""
LINE_LIMIT = 8 * 1024 * 1024

In = TypeVar("In")
Out = TypeVar("Out")
Decoder = msgspec.json.Decoder


def _encode_other(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent over the channel.")


def _decode_other(kind: type, value: Any) -> Any:
    if issubclass(kind, Path):
        return Path(value)
    raise TypeError(f"{kind.__name__} cannot be received over the channel.")


_encoder = msgspec.json.Encoder(enc_hook=_encode_other)


def decoder(messages: Any) -> Decoder[Any]:
    """Return the decoder for a union of tagged structs."""
    return msgspec.json.Decoder(messages, dec_hook=_decode_other)


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the parent's and the child's end; a process inherits an end only if it is passed explicitly."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)


def send(end: socket.socket, message: Any) -> None:
    """Write one message before an event loop runs; errors are ignored, as the other side may be gone."""
    try:
        end.sendall(_encoder.encode(message) + b"\n")
    except OSError:
        return


def receive(end: socket.socket, messages: Decoder[In]) -> In | None:
    """Read one message before an event loop runs; None when the other side is gone.

    Reads up to the newline and no further: the event loop reads what follows.
    """
    line = bytearray()
    while not line.endswith(b"\n"):
        ahead = end.recv(65536, socket.MSG_PEEK)
        if not ahead:
            return None
        line += end.recv(ahead.find(b"\n") + 1 or len(ahead))
    return messages.decode(line)


def follow_parent(end: socket.socket, grace: float) -> None:
    """Send this process SIGTERM when the parent's end closes: the kernel closes it however the parent dies.

    ``grace`` seconds later the process is killed. poll(2) always reports POLLHUP, so the watching thread
    requests no events and reads nothing.
    """
    watched = os.dup(end.fileno())

    def watch() -> None:
        poll = select.poll()
        poll.register(watched, 0)
        poll.poll()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


async def spawn(
    module: str, end: socket.socket, *, without: Collection[str] = ()
) -> asyncio.subprocess.Process:
    """Run ``python -m module`` in a new interpreter, with its end of a channel in CHANNEL_FD.

    -P keeps files in the working directory from shadowing modules. Variables in ``without`` are not passed
    on: the channel carries those secrets.
    """
    environment = {name: value for name, value in os.environ.items() if name not in without}
    with OWN_CHILDREN.starting() as started:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            module,
            pass_fds=(end.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            env={**environment, CHANNEL_FD: str(end.fileno()), "PYTHONUNBUFFERED": "1"},
        )
        started(process.pid)
    return process


class Channel(Generic[In, Out]):
    """One end of the channel in an event loop: sends ``Out``, receives ``In``."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, messages: Decoder[In]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._messages = messages

    @classmethod
    async def over(cls, end: socket.socket, messages: Decoder[Any]) -> Self:
        """Wrap an end of a pair; ``messages`` decodes the other side's messages."""
        return cls(*await asyncio.open_connection(sock=end, limit=LINE_LIMIT), messages)

    def send(self, message: Out) -> None:
        """Queue a message; it is lost if the other side is gone."""
        if not self._writer.is_closing():
            self._writer.write(_encoder.encode(message) + b"\n")

    async def receive(self) -> In | None:
        """Return the next message; None at end-of-file or after a malformed line."""
        try:
            line = await self._reader.readline()
        except (OSError, ValueError):
            return None
        if not line.endswith(b"\n"):
            return None
        try:
            return self._messages.decode(line)
        except msgspec.DecodeError:
            return None

    async def close(self) -> None:
        """Send the queued messages and close."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return
