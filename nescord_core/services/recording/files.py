"""Reads and writes recordings, and reads the recent events that a dev loop keeps.

A recording is a header line followed by one JSON object a line (nescord_core.tracing.records). It is
compressed unless its name ends with .jsonl.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import zstandard

from nescord_core._version import __version__
from nescord_core.bot.observing.recent_events import FOLDER
from nescord_core.errors import ConfigError, NescordError
from nescord_core.process.os_errors import reason_of, refused
from nescord_core.tracing import records
from nescord_core.tracing.handler_run import HandlerRun
from nescord_core.tracing.scrubbing import Scrubber

__all__ = ["Episode", "Recorder", "episodes", "last_of", "recent", "recording", "replayable"]

PLAIN = ".jsonl"
_VERSION = 1
_ZSTD = b"\x28\xb5\x2f\xfd"
_FLUSH_EVERY = 1.0
_SESSION_EVENTS = frozenset({"READY", "RESUMED"})


@dataclass
class Episode:
    """An event with the calls that the bot made for it; ``error`` is what a handler raised.

    ``handlers`` are the functions of the bot that ran.
    """

    event: records.Seen
    calls: list[records.Called] = field(default_factory=list)
    error: str = ""
    ended: bool = False
    handlers: tuple[HandlerRun, ...] = ()


class Recorder:
    """Writes scrubbed records to an open file; ``events`` counts the events written."""

    def __init__(self, file: Any, scrubber: Scrubber) -> None:
        self.events = 0
        self._file = file
        self._scrubber = scrubber
        self._flushed = time.monotonic()

    def put(self, record: records.Record) -> None:
        """Write one record."""
        match record:
            case records.Seen():
                self.events += 1
                record = msgspec.structs.replace(record, data=self._scrubbed(record.data))
            case records.Called():
                record = msgspec.structs.replace(record, body=self._scrubbed(record.body))
            case records.Hello():
                return
        self._file.write(records.encode(record))
        if time.monotonic() - self._flushed > _FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Flush to disk, so that a killed process loses little."""
        self._file.flush()
        self._flushed = time.monotonic()

    def _scrubbed(self, raw: msgspec.Raw) -> msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(self._scrubber.scrub(msgspec.json.decode(raw))))


@contextmanager
def recording(path: Path, *, scrub: frozenset[str], force: bool) -> Iterator[Recorder]:
    """Open a recording for the duration of the block.

    Raises:
        ConfigError: the file exists and ``force`` is false, or it cannot be written.

    """
    with refused(path), path.open("wb" if force else "xb") as file:
        path.chmod(0o600)  # it contains people's messages
        with _compressing(path, file) as out:
            header = {"nescord_recording": _VERSION, "version": __version__, "at": round(time.time(), 3)}
            out.write(msgspec.json.encode(header | {"scrubbed": sorted(scrub)}) + b"\n")
            yield Recorder(out, Scrubber(scrub))


def _compressing(path: Path, file: BinaryIO) -> Any:
    if path.suffix == PLAIN:
        return io.BufferedWriter(file.raw if hasattr(file, "raw") else file)
    return zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False)


def episodes(path: Path) -> list[Episode]:
    """Read a recording, complete or truncated.

    Raises:
        ConfigError: the file does not exist, or is not a recording.

    """
    try:
        lines = _lines(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"it cannot be read: {reason_of(error)}.", where=str(path), hint="Name a file from `record`."
        ) from None
    if not _is_header(next(lines, b"")):
        raise ConfigError(
            "this is not a recording of events.",
            where=str(path),
            hint="Create one with `nescord events record FILE`.",
        )
    return _assembled(lines)


def replayable(found: Iterable[Episode]) -> list[Episode]:
    """Return the events that can be replayed: session events would upset the current session."""
    return [each for each in found if each.event.type not in _SESSION_EVENTS and not each.event.again]


def last_of(found: Sequence[Episode], count: int, *, own: frozenset[int]) -> list[Episode]:
    """Return the end of the list with ``count`` events; messages of the users ``own`` do not count."""
    left = count
    for at in range(len(found) - 1, -1, -1):
        left -= not _is_by(found[at].event, own)
        if left == 0:
            return list(found[at:])
    return list(found)


def _is_by(event: records.Seen, users: frozenset[int]) -> bool:
    data = msgspec.json.decode(event.data)
    author = data.get("author") if isinstance(data, dict) else None
    number = author.get("id") if isinstance(author, dict) else None
    return str(number).isdigit() and int(str(number)) in users


def recent(state_dir: Path) -> list[Episode]:
    """Return the events that the dev loop has kept, oldest first.

    Raises:
        NescordError: none are kept.

    """
    folder = state_dir / FOLDER
    found = [each for path in folder.glob("*.jsonl") for each in _assembled(_lines(_bytes(path)))]
    if not found:
        raise NescordError(
            f"there are no events in {folder}.",
            hint="`nescord dev` and `nescord run main --watch` keep them while they run.",
        )
    return sorted(found, key=lambda each: each.event.received_at)


def _bytes(path: Path) -> bytes:
    with suppress(OSError):  # the oldest file was removed just now
        return path.read_bytes()
    return b""


def _lines(data: bytes) -> Iterator[bytes]:
    stream: BinaryIO = io.BytesIO(data)
    if data.startswith(_ZSTD):
        stream = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(stream))
    while True:
        try:
            line = stream.readline()
        except zstandard.ZstdError:
            return  # truncated by a crash of the machine
        if not line:
            return
        yield line


def _is_header(line: bytes) -> bool:
    with suppress(msgspec.DecodeError):
        found = msgspec.json.decode(line)
        return isinstance(found, dict) and found.get("nescord_recording") == _VERSION
    return False


def _assembled(lines: Iterable[bytes]) -> list[Episode]:
    by_id: dict[str, Episode] = {}
    found: list[Episode] = []
    for line in lines:
        with suppress(msgspec.DecodeError):
            match records.decode(line):
                case records.Seen() as event:
                    by_id[event.id] = Episode(event)
                    found.append(by_id[event.id])
                case records.Called() as call if call.id in by_id:
                    by_id[call.id].calls.append(call)
                case records.Ended(id, _, error, handlers) if id in by_id:
                    by_id[id].error, by_id[id].ended, by_id[id].handlers = error, True, handlers
    return found
