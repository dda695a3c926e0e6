"""What a worker and its parent say to each other over their channel (nescord_core/process/parent_channel.py).

The parent says Begin first and DrainNow at the end.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import msgspec

from nescord_core.process import parent_channel
from nescord_core.process.parent_channel import pair, send
from nescord_core.settings import MainSettings

__all__ = [
    "AskState",
    "AskStats",
    "Begin",
    "Broken",
    "Channel",
    "DrainNow",
    "Drained",
    "FromParent",
    "FromWorker",
    "Handed",
    "Imported",
    "Listening",
    "State",
    "Stats",
    "Wrote",
    "pair",
    "receive_begin",
    "send",
]


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """Load the entry and serve. ``state`` is that of the worker whose place this one takes.

    ``watched`` means that changed files bring a reload, so that the bot's own writes are of interest.
    """

    settings: MainSettings
    replica: str
    generation: int
    debug: bool = False
    watched: bool = False
    state: Mapping[str, bytes] = {}  # msgspec gives each its own


class DrainNow(msgspec.Struct, frozen=True, tag="drain"):
    """Take no more events, finish what is there, say Drained and leave."""


class Wrote(msgspec.Struct, frozen=True, tag="wrote"):
    """The bot opened this file of the project (relative to it) for writing."""

    path: str


class AskState(msgspec.Struct, frozen=True, tag="state?"):
    """Answer with State."""


class Handed(msgspec.Struct, frozen=True, tag="handed"):
    """The worker before has drained, and this is the state it left."""

    state: Mapping[str, bytes]


class AskStats(msgspec.Struct, frozen=True, tag="stats?"):
    """Answer with Stats."""


class Listening(msgspec.Struct, frozen=True, tag="ready"):
    """The worker takes events at ``address``, ``ms`` after its start.

    ``drain_timeout`` (seconds) is its own, None for that of its settings.
    """

    address: str
    ms: float
    drain_timeout: float | None = None


class Imported(msgspec.Struct, frozen=True, tag="imported"):
    """What the worker had imported when it was ready, without the project's own modules."""

    modules: tuple[str, ...]


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
    state: Mapping[str, bytes] = {}


class State(msgspec.Struct, frozen=True, tag="state"):
    """What the bot keeps for the process after this one, each value pickled."""

    state: Mapping[str, bytes]


class Stats(msgspec.Struct, frozen=True, tag="stats"):
    """Numbers of the worker, as they are now."""

    values: Mapping[str, Any]


FromParent = Begin | DrainNow | AskStats | AskState | Handed
FromWorker = Listening | Imported | Broken | Drained | State | Stats | Wrote

from_parent: parent_channel.Decoder[FromParent] = parent_channel.decoder(FromParent)
from_worker: parent_channel.Decoder[FromWorker] = parent_channel.decoder(FromWorker)


def receive_begin(end: socket.socket) -> Begin | None:
    """Read the first message before there is an event loop; None when the parent is gone."""
    message = parent_channel.receive(end, from_parent)
    return message if isinstance(message, Begin) else None


class Channel(parent_channel.Channel[FromParent | FromWorker, FromParent | FromWorker]):
    """One end in an event loop. Iterating ends when the other side is gone."""

    @classmethod
    async def of_parent(cls, end: socket.socket) -> Channel:
        """Take over the parent's end; it gets what a worker says."""
        return await cls.over(end, from_worker)

    @classmethod
    async def of_worker(cls, end: socket.socket) -> Channel:
        """Take over a worker's end; it gets what the parent says."""
        return await cls.over(end, from_parent)
