"""Records on disk which events' handlers were running when a process of main crashed, to find the culprit.

Every process records in a file of its own, in ``state_dir/inflight``, which events' handlers it starts, and
removes the file at a clean exit. A file whose lock nobody holds is from a process that died, and stays as
evidence. Events that were only waiting in it are not listed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from nescord_core.dispatch.protocol.ranges import RangeSet
from nescord_core.dispatch.receiver.full_disk import write_all
from nescord_core.process.state_dir import make_folder, open_file, read_bytes

__all__ = ["StartedLog"]

_ROTATE_BYTES = 1024 * 1024
_MAX_CRASHES = 32
"""Crashes that are remembered."""
_RETRACTED = "\tnot"
"""Marks a line of events whose handlers did not start after all."""

Identity = tuple[int, str, int]


class StartedLog:
    """Records handlers that start; `crashes` counts the crashes in which an event's handlers were running.

    A write survives the process, not the machine. No file is created before the first event.
    """

    def __init__(self, folder: Path, *, name: str) -> None:
        self._folder = folder
        self._name = name
        self._path: Path | None = None
        self._fd = -1
        self._size = 0
        self._unwritten: list[Identity] = []
        self._retracted: list[Identity] = []
        self._evidence: dict[str, dict[tuple[int, str], RangeSet]] = {}

    def add(self, identity: Identity) -> None:
        """Record that an event's handlers start; call `flush` before they run."""
        self._unwritten.append(identity)

    def retract(self, identity: Identity) -> None:
        """Cancel the record: the handlers did not start."""
        if identity in self._unwritten:
            self._unwritten.remove(identity)
        else:
            self._retracted.append(identity)

    def flush(self, outstanding: Callable[[], Iterable[Identity]] = tuple) -> None:
        """Write new records; if the file has grown too long, keep only what is ``outstanding``."""
        if not (self._unwritten or self._retracted):
            return
        data = _encode(self._retracted, _RETRACTED) + _encode(self._unwritten)
        self._unwritten.clear()
        self._retracted.clear()
        with contextlib.suppress(OSError):  # a full disk loses the evidence, not the event
            if self._fd < 0 or self._size > _ROTATE_BYTES:
                self._start_file(outstanding())
            self._size += os.write(self._fd, data)

    def close(self) -> None:
        """Exit cleanly: this process leaves no evidence."""
        self._unwritten.clear()
        self._retracted.clear()
        if self._fd >= 0 and self._path is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1

    def refresh(self) -> None:
        """Read the files of processes that have died since the last call."""
        for path in self._folder.glob("*.log"):
            if path != self._path and _is_dead(path):
                with contextlib.suppress(OSError):
                    path.rename(path.with_suffix(".dead"))
        present = sorted(self._folder.glob("*.dead"), key=_modified_at)
        for old in present[:-_MAX_CRASHES]:
            old.unlink(missing_ok=True)
        for path in present[-_MAX_CRASHES:]:
            if path.name not in self._evidence:
                self._evidence[path.name] = _read(path)

    def crashes(self, identity: Identity) -> int:
        """Return in how many of the crashes read so far the event's handlers were running."""
        shard_id, session_id, seq = identity
        name = (shard_id, session_id)
        return sum(name in each and seq in each[name] for each in self._evidence.values())

    def _start_file(self, outstanding: Iterable[Identity]) -> None:
        make_folder(self._folder)
        path = self._folder / f"{self._name}.{os.getpid()}.log"
        new_path = path.with_suffix(".new")
        fd = open_file(new_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            write_all(fd, _encode(outstanding))
            if path.exists() and _is_dead(path):  # a predecessor's with the same pid, as in containers
                path.rename(path.with_suffix(f".{os.fstat(fd).st_ino}.dead"))
            new_path.replace(path)
        except OSError:
            os.close(fd)
            raise
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._size, self._path = fd, 0, path


def _encode(identities: Iterable[Identity], end: str = "") -> bytes:
    """Encode consecutive numbers as one line."""
    lines: list[str] = []
    name, first, last = (-1, ""), 0, -1
    for shard_id, session_id, seq in sorted(identities):
        if seq == last + 1 and (shard_id, session_id) == name:
            last = seq
            continue
        if last >= 0:
            lines.append(f"{name[0]}\t{name[1]}\t{first}\t{last}{end}\n")
        name, first, last = (shard_id, session_id), seq, seq
    if last >= 0:
        lines.append(f"{name[0]}\t{name[1]}\t{first}\t{last}{end}\n")
    return "".join(lines).encode()


def _read(path: Path) -> dict[tuple[int, str], RangeSet]:
    found: dict[tuple[int, str], RangeSet] = {}
    with contextlib.suppress(OSError):
        for line in read_bytes(path).splitlines():
            with contextlib.suppress(ValueError, UnicodeDecodeError):  # the last line may be incomplete
                text = line.decode()
                shard_id, session_id, first, last = text.removesuffix(_RETRACTED).split("\t")
                ranges = found.setdefault((int(shard_id), session_id), RangeSet())
                change = ranges.remove_range if text.endswith(_RETRACTED) else ranges.add_range
                change(int(first), int(last))
    return found


def _is_dead(path: Path) -> bool:
    """Return whether nobody holds the file's lock."""
    try:
        fd = open_file(path, os.O_RDONLY)
    except OSError:  # removed just now, or set aside
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(fd)


def _modified_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
