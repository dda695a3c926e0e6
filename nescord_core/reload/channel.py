"""What a worker and its parent say to each other: JSON lines over an inherited socket pair.

The parent says Begin first and DrainNow at the end. The end of the channel means that the other side is gone.
Settings travel here, secrets included: neither the command line nor the environment of a process shows them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from nescord_core.settings import MainSettings

__all__ = [
    "AskStats",
    "Begin",
    "Broken",
    "Channel",
    "DrainNow",
    "Drained",
    "FromParent",
    "FromWorker",
    "Listening",
    "Stats",
    "pair",
    "receive_begin",
    "send",
]

LINE_LIMIT = 8 * 1024 * 1024


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """Load the entry and serve."""

    settings: MainSettings
    replica: str
    generation: int
    debug: bool = False


class DrainNow(msgspec.Struct, frozen=True, tag="drain"):
    """Take no more events, finish what is there, say Drained and leave."""


class AskStats(msgspec.Struct, frozen=True, tag="stats?"):
    """Answer with Stats."""


class Listening(msgspec.Struct, frozen=True, tag="ready"):
    """The worker takes events at ``address``, ``ms`` after its start; ``modules`` are what it imported.

    ``drain_timeout`` (seconds) is its own, None for that of its settings.
    """

    address: str
    ms: float
    modules: tuple[str, ...] = ()
    drain_timeout: float | None = None


class Broken(msgspec.Struct, frozen=True, tag="failed"):
    """The entry cannot be loaded or served: what is wrong, and where in the project."""

    message: str
    file: str = ""
    line: int = 0
    excerpt: str = ""
    traceback: str = ""


class Drained(msgspec.Struct, frozen=True, tag="drained"):
    """All handlers have ended or were cut short; ``report`` counts them."""

    report: Mapping[str, Any]


class Stats(msgspec.Struct, frozen=True, tag="stats"):
    """Numbers of the worker, as they are now."""

    values: Mapping[str, Any]


FromParent = Begin | DrainNow | AskStats
FromWorker = Listening | Broken | Drained | Stats
Message = TypeVar("Message")


def _encode_other(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent over the channel.")


def _decode_other(kind: type, value: Any) -> Any:
    if issubclass(kind, Path):
        return Path(value)
    raise TypeError(f"{kind.__name__} cannot come over the channel.")


_encoder = msgspec.json.Encoder(enc_hook=_encode_other)
from_parent: msgspec.json.Decoder[FromParent] = msgspec.json.Decoder(FromParent, dec_hook=_decode_other)
from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker, dec_hook=_decode_other)


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the parent's and the worker's end; neither is inherited by processes that are not given it."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)


def send(end: socket.socket, message: FromWorker) -> None:
    """Write one message before there is an event loop; a parent that is gone does not matter here."""
    try:
        end.sendall(_encoder.encode(message) + b"\n")
    except OSError:
        return


def receive_begin(end: socket.socket) -> Begin | None:
    """Read the first message before there is an event loop; None when the parent is gone.

    Reads to the end of the line and not a byte further, because what follows is read by the event loop.
    """
    line = bytearray()
    while not line.endswith(b"\n"):
        ahead = end.recv(65536, socket.MSG_PEEK)
        if not ahead:
            return None
        line += end.recv(ahead.find(b"\n") + 1 or len(ahead))
    message = from_parent.decode(line)
    return message if isinstance(message, Begin) else None


class Channel:
    """One end in an event loop. Iterating ends when the other side is gone."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, decoder: msgspec.json.Decoder[Any]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = decoder

    @classmethod
    async def of_parent(cls, end: socket.socket) -> Channel:
        """Take over the parent's end; it gets what a worker says."""
        return cls(*await asyncio.open_connection(sock=end, limit=LINE_LIMIT), from_worker)

    @classmethod
    async def of_worker(cls, end: socket.socket) -> Channel:
        """Take over a worker's end; it gets what the parent says."""
        return cls(*await asyncio.open_connection(sock=end, limit=LINE_LIMIT), from_parent)

    def send(self, message: FromParent | FromWorker) -> None:
        """Queue a message; to a side that is gone it is lost."""
        if not self._writer.is_closing():
            self._writer.write(_encoder.encode(message) + b"\n")

    async def receive(self) -> FromParent | FromWorker | None:
        """Return the next message; None at the end, which a damaged line is as well."""
        try:
            line = await self._reader.readline()
        except (OSError, ValueError):
            return None
        if not line.endswith(b"\n"):
            return None
        try:
            message: FromParent | FromWorker = self._decoder.decode(line)
        except msgspec.DecodeError:
            return None
        return message

    async def close(self) -> None:
        """Send what is queued and close."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return
