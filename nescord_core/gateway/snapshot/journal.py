"""The events that made a shard's snapshot, on disk: a ws that resumes a session gets no READY and no guilds.

A record is written before its event is passed on, so that after kill -9 it holds at least what was
acknowledged; a torn last record is cut off. A file that has grown far past what it comes to is written anew.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from nescord_core.gateway.snapshot.shard_snapshot import Record, ShardSnapshot, decode_record, encode_record

__all__ = ["SnapshotJournal"]

log = logging.getLogger("nescord.gateway")

_HEAD = struct.Struct("<II")
_GROWTH = 4
_SMALL = 4 * 1024 * 1024


class SnapshotJournal:
    """One file a shard. When it cannot be written, that is said once, and the next start identifies anew.

    A file of less than ``small`` bytes is never written anew.
    """

    def __init__(self, path: Path, *, small: int = _SMALL) -> None:
        self._path = path
        self._small = small
        self._file: BinaryIO | None = None
        self._size = 0
        self._bound = small

    def restore(self, snapshot: ShardSnapshot) -> None:
        """Apply what the file holds."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("%s cannot be read (%s)", self._path, error.strerror)
            return
        try:
            for record in _records(content):
                snapshot.replay(record)
        except msgspec.MsgspecError:
            log.warning("%s is of another version of nescord, and is not used", self._path)
            snapshot.ready = None

    def append(self, record: Record, snapshot: ShardSnapshot) -> None:
        """Write an event down; ``snapshot`` is what all of them have come to."""
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
        """Leave the file as it is, for the next process."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, file: BinaryIO, record: Record) -> None:
        body = encode_record(record)
        file.write(_HEAD.pack(len(body), zlib.crc32(body)) + body)
        self._size += _HEAD.size + len(body)

    def _rewrite(self, records: Iterable[Record]) -> None:
        """Write what there is, the newest event included, and put it in the place of the old file."""
        self.close()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as whole:
            self._size = 0
            for record in records:
                self._write(whole, record)
        fresh.chmod(0o600)
        fresh.replace(self._path)
        self._bound = max(self._small, _GROWTH * self._size)
        # Unbuffered: what was written survives this process, and nothing is left to be flushed.
        self._file = self._path.open("ab", buffering=0)

    def _give_up(self, error: OSError) -> None:
        log.error(
            "%s cannot be written (%s): after a restart of ws this shard starts a new session",
            self._path,
            os.strerror(error.errno or 0),
        )
        self._bound = -1
        self.close()
        with suppress(OSError):
            self._path.unlink()


def _records(content: bytes) -> Iterator[Record]:
    at = 0
    while at + _HEAD.size <= len(content):
        size, checksum = _HEAD.unpack_from(content, at)
        body = content[at + _HEAD.size : at + _HEAD.size + size]
        if len(body) < size or zlib.crc32(body) != checksum:
            return
        yield decode_record(body)
        at += _HEAD.size + size
