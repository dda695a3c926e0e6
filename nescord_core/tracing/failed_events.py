"""Stores failed events in ``state_dir/failed``, for inspection and replay.

Every process of main appends JSON lines to a file of its own; the oldest files are deleted. Events to replay
are queued in ``state_dir/failed/again``, where one of main's processes picks them up.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nescord_core.envelope import Envelope
from nescord_core.process.rotated_files import RotatedFiles
from nescord_core.process.state_dir import make_folder, read_bytes, replace_file

__all__ = [
    "CRASHED",
    "RAISED",
    "REPLAYED",
    "SET_ASIDE",
    "FailedEvent",
    "FailedLog",
    "ReplayQueue",
    "failed_id",
    "read",
]

RAISED = "raised"
CRASHED = "crashed"
REPLAYED = "replayed"
SET_ASIDE = "set aside"

_FILES = 16
_DATA_BYTES = 1024 * 1024
"""A larger event is recorded without its data and cannot be replayed."""


class FailedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: an event whose handler raised or crashed the process, or (``replayed``) a successful replay.

    ``at`` and ``received_at`` are in seconds since the epoch; ``data`` is the event's JSON.
    """

    id: str
    at: float
    kind: str
    shard_id: int = 0
    session_id: str = ""
    seq: int = 0
    type: str = ""
    key: int = 0
    guild_id: int = 0
    received_at: float = 0.0
    redelivered: bool = False
    handler: str = ""
    error: str = ""
    traceback: str = ""
    data: str | None = None

    def envelope(self) -> Envelope | None:
        """Return the event for a replay, marked as redelivered; None if its data was not stored."""
        if self.data is None:
            return None
        return Envelope(
            self.shard_id,
            self.session_id,
            self.seq,
            self.type,
            self.key,
            self.guild_id,
            self.data.encode(),
            self.received_at,
            redelivered=True,
        )


_decoder = msgspec.json.Decoder(FailedEvent)


def failed_id(envelope: Envelope) -> str:
    """Return an event's id for people: its shard, the end of its session id, its sequence number."""
    return f"{envelope.shard_id}-{envelope.session_id[-6:]}-{envelope.seq}"


class FailedLog:
    """The file of one process, created at the first failure. A disk error loses the record."""

    def __init__(self, state_dir: Path) -> None:
        self._files = RotatedFiles(state_dir / "failed", keep=_FILES)

    def record(
        self, envelope: Envelope, kind: str, *, handler: str = "", error: str = "", traceback: str = ""
    ) -> None:
        """Record a failure."""
        data = envelope.data if len(envelope.data) <= _DATA_BYTES else None
        self._write(
            FailedEvent(
                id=failed_id(envelope),
                at=time.time(),
                kind=kind,
                shard_id=envelope.shard_id,
                session_id=envelope.session_id,
                seq=envelope.seq,
                type=envelope.type,
                key=envelope.key,
                guild_id=envelope.guild_id,
                received_at=envelope.received_at,
                redelivered=envelope.redelivered,
                handler=handler,
                error=error,
                traceback=traceback,
                data=None if data is None else data.decode(errors="replace"),
            )
        )

    def replayed(self, envelope: Envelope) -> None:
        """Record that an event was replayed successfully."""
        self._write(FailedEvent(id=failed_id(envelope), at=time.time(), kind=REPLAYED))

    def close(self) -> None:
        """Close the file."""
        self._files.close()

    def _write(self, event: FailedEvent) -> None:
        self._files.append(msgspec.json.encode(event) + b"\n")


def read(state_dir: Path) -> list[FailedEvent]:
    """Return all records in order of time, without unreadable lines."""
    found = [event for path in (state_dir / "failed").glob("*.jsonl") for event in _events(path)]
    return sorted(found, key=lambda event: event.at)


def _events(path: Path) -> Iterator[FailedEvent]:
    try:
        lines = read_bytes(path).splitlines()
    except OSError:  # the oldest file was just deleted
        return
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
            yield _decoder.decode(line)


class ReplayQueue:
    """A folder with a file for every event to replay; one process takes each."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "failed" / "again"

    def put(self, event: FailedEvent) -> None:
        """Queue an event for a replay."""
        make_folder(self._folder.parent)
        make_folder(self._folder)
        replace_file(self._folder / f"{event.id}.json", msgspec.json.encode(event))

    def withdraw(self, event: FailedEvent) -> bool:
        """Remove an event from the queue; return False if it was taken already."""
        try:
            (self._folder / f"{event.id}.json").unlink()
        except FileNotFoundError:
            return False
        return True

    def take(self) -> list[FailedEvent]:
        """Take all queued events. Each is taken once, even if it then crashes the process."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            mine = path.with_suffix(f".{os.getpid()}")
            with contextlib.suppress(OSError, msgspec.DecodeError):
                path.rename(mine)
                try:
                    found.append(_decoder.decode(read_bytes(mine)))
                finally:
                    mine.unlink()
        return found
