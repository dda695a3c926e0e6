"""Messages between a worker and its parent, sent over their channel (nescord_core/process/parent_channel.py).

The parent sends Begin first and DrainNow last.
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
    "Advance",
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
    "Sources",
    "State",
    "Stats",
    "Wrote",
    "pair",
    "receive_begin",
    "send",
]


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """Load the entry and serve. ``state`` is the bot's state in the worker that this one replaces.

    ``watched`` means that changed files cause a reload, so the worker reports the bot's own writes.
    """

    settings: MainSettings
    replica: str
    generation: int
    debug: bool = False
    watched: bool = False
    state: Mapping[str, bytes] = {}  # msgspec copies the default for each instance


class DrainNow(msgspec.Struct, frozen=True, tag="drain"):
    """Accept no more events, finish the current ones, send Drained and exit."""


class Wrote(msgspec.Struct, frozen=True, tag="wrote"):
    """The bot opened this file for writing; the path is relative to the project, or absolute outside it."""

    path: str


class Sources(msgspec.Struct, frozen=True, tag="sources"):
    """The directories that hold the imported modules of the bot author's own code, as absolute paths.

    ``since`` is when the worker began to load them, in seconds since the epoch.
    """

    directories: tuple[str, ...]
    since: float = 0.0


class AskState(msgspec.Struct, frozen=True, tag="state?"):
    """Answer with State."""


class Handed(msgspec.Struct, frozen=True, tag="handed"):
    """The previous worker has drained; ``state`` is the final state it left."""

    state: Mapping[str, bytes]


class AskStats(msgspec.Struct, frozen=True, tag="stats?"):
    """Answer with Stats."""


class Advance(msgspec.Struct, frozen=True, tag="advance"):
    """Move the bot's timers on by these seconds, because the clock of its sandbox moves."""

    seconds: float


class Listening(msgspec.Struct, frozen=True, tag="ready"):
    """The worker accepts events at ``address``, ``ms`` after its start.

    ``drain_timeout`` (seconds) is the worker's own; None for the one in its settings. ``handles`` says what
    the bot handles, for people.
    """

    address: str
    ms: float
    drain_timeout: float | None = None
    handles: str = ""


class Imported(msgspec.Struct, frozen=True, tag="imported"):
    """The modules that the worker had imported when it was ready, without the project's own."""

    modules: tuple[str, ...]


class Broken(msgspec.Struct, frozen=True, tag="failed"):
    """The entry cannot be loaded or served: the error and its location in the project.

    ``in_code`` means that the same code would fail again.
    """

    message: str
    file: str = ""
    line: int = 0
    excerpt: str = ""
    traceback: str = ""
    in_code: bool = True


class Drained(msgspec.Struct, frozen=True, tag="drained"):
    """All handlers have finished or were cancelled; ``report`` counts them."""

    report: Mapping[str, Any]
    state: Mapping[str, bytes] = {}


class State(msgspec.Struct, frozen=True, tag="state"):
    """The state that the bot keeps for its next process, each value pickled."""

    state: Mapping[str, bytes]


class Stats(msgspec.Struct, frozen=True, tag="stats"):
    """Current figures of the worker."""

    values: Mapping[str, Any]


FromParent = Advance | Begin | DrainNow | AskStats | AskState | Handed
FromWorker = Listening | Imported | Broken | Drained | Sources | State | Stats | Wrote

from_parent: parent_channel.Decoder[FromParent] = parent_channel.decoder(FromParent)
from_worker: parent_channel.Decoder[FromWorker] = parent_channel.decoder(FromWorker)


def receive_begin(end: socket.socket) -> Begin | None:
    """Read the first message before an event loop runs; None when the parent is gone."""
    message = parent_channel.receive(end, from_parent)
    return message if isinstance(message, Begin) else None


class Channel(parent_channel.Channel[FromParent | FromWorker, FromParent | FromWorker]):
    """One end of the channel in an event loop."""

    @classmethod
    async def of_parent(cls, end: socket.socket) -> Channel:
        """Wrap the parent's end, which receives a worker's messages."""
        return await cls.over(end, from_worker)

    @classmethod
    async def of_worker(cls, end: socket.socket) -> Channel:
        """Wrap a worker's end, which receives the parent's messages."""
        return await cls.over(end, from_parent)
