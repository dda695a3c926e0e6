"""Which events' handlers ran when a process of main died: so one that kills it again and again is found.

Every process notes in a file of its own, in ``state_dir/inflight``, which events' handlers it begins, and
removes the file when it leaves in order. A file whose lock nobody holds any more is that of a process that
died; it stays as evidence. Events that only waited in a process that died are not in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from nescord_core.dispatch.protocol.ranges import RangeSet

__all__ = ["StartedLog"]

_ROTATE_BYTES = 1024 * 1024
_EVIDENCE = 32
"""Deaths that are remembered."""
_TAKEN_BACK = "\tnot"
"""Ends a line of events that have not begun after all."""

Identity = tuple[int, str, int]


class StartedLog:
    """Notes what begins; `crashes` tells in how many deaths an event's handlers ran.

    A write survives the process, not the machine. Nothing is made before the first event.
    """

    def __init__(self, folder: Path, *, name: str) -> None:
        self._folder = folder
        self._name = name
        self._path: Path | None = None
        self._fd = -1
        self._size = 0
        self._unwritten: list[Identity] = []
        self._taken_back: list[Identity] = []
        self._evidence: dict[str, dict[tuple[int, str], RangeSet]] = {}

    def note(self, identity: Identity) -> None:
        """An event's handlers begin; `flush` has to follow before they run."""
        self._unwritten.append(identity)

    def take_back(self, identity: Identity) -> None:
        """They have not begun after all."""
        if identity in self._unwritten:
            self._unwritten.remove(identity)
        else:
            self._taken_back.append(identity)

    def flush(self, outstanding: Callable[[], Iterable[Identity]] = tuple) -> None:
        """Write what was noted; when the file has grown too long, only what is ``outstanding`` is kept."""
        if not (self._unwritten or self._taken_back):
            return
        data = _encode(self._taken_back, _TAKEN_BACK) + _encode(self._unwritten)
        self._unwritten.clear()
        self._taken_back.clear()
        if self._fd < 0 or self._size > _ROTATE_BYTES:
            self._begin(outstanding())
        with contextlib.suppress(OSError):  # a full disk costs the evidence, not the event
            self._size += os.write(self._fd, data)

    def close(self) -> None:
        """Leave in order: nothing of this process is evidence."""
        self._unwritten.clear()
        self._taken_back.clear()
        if self._fd >= 0 and self._path is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1

    def refresh(self) -> None:
        """Read what processes have left that died since the last time."""
        for path in self._folder.glob("*.log"):
            if path != self._path and _is_dead(path):
                with contextlib.suppress(OSError):
                    path.rename(path.with_suffix(".dead"))
        present = sorted(self._folder.glob("*.dead"), key=_time)
        for old in present[:-_EVIDENCE]:
            old.unlink(missing_ok=True)
        for path in present[-_EVIDENCE:]:
            if path.name not in self._evidence:
                self._evidence[path.name] = _read(path)

    def crashes(self, identity: Identity) -> int:
        """Return in how many deaths of processes the event's handlers ran, as far as was read."""
        shard_id, session_id, seq = identity
        name = (shard_id, session_id)
        return sum(name in each and seq in each[name] for each in self._evidence.values())

    def _begin(self, outstanding: Iterable[Identity]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{self._name}.{os.getpid()}.log"
        fresh = path.with_suffix(".new")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        data = _encode(outstanding)
        os.write(fd, data)
        if path.exists() and _is_dead(path):  # of a predecessor with the same pid, as containers have it
            path.rename(path.with_suffix(f".{os.fstat(fd).st_ino}.dead"))
        fresh.replace(path)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._size, self._path = fd, 0, path


def _encode(identities: Iterable[Identity], end: str = "") -> bytes:
    """One line for every run of consecutive numbers."""
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
    with contextlib.suppress(FileNotFoundError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError, UnicodeDecodeError):  # a line may be half written
                text = line.decode()
                shard_id, session_id, first, last = text.removesuffix(_TAKEN_BACK).split("\t")
                ranges = found.setdefault((int(shard_id), session_id), RangeSet())
                change = ranges.remove_range if text.endswith(_TAKEN_BACK) else ranges.add_range
                change(int(first), int(last))
    return found


def _is_dead(path: Path) -> bool:
    """Whether nobody holds the file's lock."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(fd)


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
