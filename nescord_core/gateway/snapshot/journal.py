"""Stores a shard's snapshot on disk as a log of its events: a resumed session sends no READY and no guilds.

A record is written before its event is delivered, so that after kill -9 the file holds at least what was
acknowledged; a torn last record is dropped. After any other damage, what the file says of the guilds would be
out of date: it is set aside. A file several times the size of the state is compacted.
"""

from __future__ import annotations

import logging
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from nescord_core.gateway.snapshot.guild_events import UNEXPECTED
from nescord_core.gateway.snapshot.shard_snapshot import Record, ShardSnapshot, decode_record, encode_record
from nescord_core.process.record_frames import HEAD, next_intact, payload_at
from nescord_core.process.safe_text import printable
from nescord_core.process.state_dir import make_folder, open_file, read_bytes, set_aside

__all__ = ["SnapshotJournal"]

log = logging.getLogger("nescord.gateway")

_START = re.compile(rb"(?=\x95[\xa0-\xbf\xd9])")
"""How the MessagePack of a record starts: five members, of which the first is a text."""
_GROWTH = 4
_SMALL = 4 * 1024 * 1024


class SnapshotJournal:
    """The journal of one shard. After a write error, logged once, the next start identifies again.

    A file of less than ``small`` bytes is never compacted.
    """

    def __init__(self, path: Path, *, small: int = _SMALL) -> None:
        self._path = path
        self._small = small
        self._file: BinaryIO | None = None
        self._size = 0
        self._bound = small

    def restore(self, snapshot: ShardSnapshot) -> None:
        """Replay the file into ``snapshot``."""
        try:
            content = read_bytes(self._path)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("cannot read %s: %s", self._path, error.strerror)
            return
        try:
            for record in _records(content):
                snapshot.replay(record)
        except UNEXPECTED as error:
            set_aside(self._path, printable(f"{type(error).__name__}: {error}"))
            snapshot.ready = None

    def append(self, record: Record, snapshot: ShardSnapshot) -> None:
        """Write an event; ``snapshot`` is the state it leads to, in case the file is compacted."""
        if self._bound < 0:
            return
        try:
            if self._file is None or self._size > self._bound:
                self._rewrite(snapshot.records())
            else:
                self._write(self._file, record)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Close the file and leave it for the next process."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, file: BinaryIO, record: Record) -> None:
        body = encode_record(record)
        file.write(HEAD.pack(len(body), zlib.crc32(body)) + body)
        self._size += HEAD.size + len(body)

    def _rewrite(self, records: Iterable[Record]) -> None:
        """Write the current state, the newest event included, to a new file and swap it in."""
        self.close()
        make_folder(self._path.parent)
        fresh = self._path.with_suffix(".new")
        with os.fdopen(open_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as whole:
            self._size = 0
            for record in records:
                self._write(whole, record)
        fresh.replace(self._path)
        self._bound = max(self._small, _GROWTH * self._size)
        # Unbuffered: a write survives this process, and nothing is left to flush.
        self._file = os.fdopen(open_file(self._path, os.O_WRONLY | os.O_APPEND), "ab", buffering=0)

    def _give_up(self, error: OSError) -> None:
        log.error(
            "cannot write %s: %s; after a restart of ws this shard starts a new session",
            self._path,
            os.strerror(error.errno or 0),
        )
        self._bound = -1
        self.close()
        with suppress(OSError):
            self._path.unlink()


def _records(content: bytes) -> Iterator[Record]:
    """Yield the records up to a torn last one. Raises ValueError where the file is damaged."""
    at = 0
    while at < len(content):
        payload = payload_at(content, at)
        if payload is None:
            if at and _is_torn(content, at):
                return
            raise ValueError(f"no record at byte {at} of {len(content)}")
        yield decode_record(bytes(payload))
        at += HEAD.size + len(payload)


def _is_torn(content: bytes, at: int) -> bool:
    """Return whether a record is the incomplete last one: longer than the file, with no other after it."""
    if at + HEAD.size <= len(content) and at + HEAD.size + HEAD.unpack_from(content, at)[0] <= len(content):
        return False
    return next_intact(content, at, _START) is None
