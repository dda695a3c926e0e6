"""Finds the event that kills this process while it is taken in, by a mark that outlives the process."""

from __future__ import annotations

import logging
import mmap
import os
from pathlib import Path
from typing import Protocol

from nescord_core.gateway.session.payload import salvage
from nescord_core.process.state_dir import make_folder, open_file, read_bytes

__all__ = ["CrashMarks", "Suspects"]

log = logging.getLogger("nescord.gateway")

_SIZE = 1024
_HEAD = 256
"""Bytes of a payload that name its event: Discord writes type and number first."""
_MOST = 100

Identity = tuple[str, int]


class Suspects(Protocol):
    """What a shard asks and tells about the events it takes in."""

    def begin(self, session_id: str, text: bytes) -> None:
        """Record that a payload is about to be read."""

    def end(self) -> None:
        """Record that it has been taken in."""

    def is_guilty(self, session_id: str, seq: int) -> bool:
        """Return whether an event has killed a process that was marking."""


class CrashMarks:
    """The marks of one cluster, in two small files of ``folder``. Use it after two quick deaths in a row.

    The event being taken in is marked in mapped memory, which costs no system call and survives the process.
    What is marked at the start has killed the process before, and is not read again.
    """

    def __init__(self, folder: Path, name: str) -> None:
        make_folder(folder)
        self._guilty_path = folder / f"{name}.guilty"
        fd = open_file(folder / f"{name}.mark", os.O_RDWR | os.O_CREAT)
        try:
            os.ftruncate(fd, _SIZE)
            self._mark = mmap.mmap(fd, _SIZE)
        finally:
            os.close(fd)
        self._guilty = self._load()

    def begin(self, session_id: str, text: bytes) -> None:
        """Mark a payload, before anything reads it."""
        mark = b"%b\n%b\0" % (session_id.encode(errors="replace")[:_HEAD], text[:_HEAD])
        self._mark[: len(mark)] = mark

    def end(self) -> None:
        """Remove the mark."""
        self._mark[0] = 0

    def is_guilty(self, session_id: str, seq: int) -> bool:
        """Return whether an event has killed this cluster while it was marked."""
        return (session_id, seq) in self._guilty

    def close(self) -> None:
        """Close the file."""
        self._mark.close()

    def _load(self) -> dict[Identity, None]:
        guilty = dict.fromkeys(self._earlier())
        marked = bytes(self._mark).partition(b"\0")[0]
        session_id, _, head = marked.partition(b"\n")
        found = salvage(head)
        if found is not None:
            guilty[session_id.decode(errors="replace"), found.seq] = None
            log.error(
                "%s (seq %d) is not read again: the cluster died while reading it", found.type, found.seq
            )
            lines = "".join(f"{name}\t{seq}\n" for name, seq in list(guilty)[-_MOST:])
            fd = open_file(self._guilty_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                file.write(lines)
        self.end()
        return guilty

    def _earlier(self) -> list[Identity]:
        try:
            lines = read_bytes(self._guilty_path).decode(errors="replace").splitlines()
        except OSError:
            return []
        pairs = (line.rpartition("\t") for line in lines)
        return [(name, int(seq)) for name, _, seq in pairs if seq.isdecimal()]
