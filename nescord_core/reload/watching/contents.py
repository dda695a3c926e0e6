"""Digests of the watched files, which tell a change of content from a mere touch."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nescord_core.reload.watching.matcher import Matcher
from nescord_core.reload.watching.source_tree import SourceTree, scan

__all__ = ["ContentSnapshot"]


LARGE = 8 * 1024 * 1024
"""Bytes from which a file's content is not read: its size and modification time stand for it."""


@dataclass(frozen=True, slots=True)
class _FileState:
    identity: tuple[int, int, int, int]
    """Device, inode, size and modification time: another file may be moved or linked into the place."""
    digest: bytes


class ContentSnapshot:
    """The digest of every watched file; `changed` returns the files that differ from the last scan.

    A file is read when its identity, size or modification time changed, and always when it is named. Only
    regular files count: opening a fifo or a device may wait for ever, or do something.

    ``beside`` are further directories to look at (not below them), outside the project.
    """

    def __init__(self, project: Path, matcher: Matcher) -> None:
        self._project = project
        self.matcher = matcher
        self.beside: frozenset[str] = frozenset()
        self.tree = SourceTree()
        self._files: dict[str, _FileState] = {}

    @property
    def directories(self) -> frozenset[str]:
        """The names of the watched directories; "" is the project itself."""
        return frozenset(self.tree.places.values())

    def changed(self, named: Iterable[str] = ()) -> set[str]:
        """Scan everything; return the files that are new, deleted or have different content."""
        named = set(named)
        self.tree = scan(self._project, self.matcher, self.beside)
        found = {}
        for name, path in self.tree.files.items():
            if (state := self._read(name, path, force=name in named)) is not None:
                found[name] = state
        before, self._files = self._files, found
        return {name for name in {*before, *found} if _digest(before, name) != _digest(found, name)}

    def reread(self, named: Iterable[str]) -> set[str]:
        """Read only these files; return those that are new, deleted or have different content."""
        changed = set()
        for name in named:
            before = self._files.get(name)
            path = self.tree.files.get(name) or str(self._project / name)
            state = self._read(name, path, force=True)
            if state is None:
                self._files.pop(name, None)
            else:
                self._files[name] = state
            if (before and before.digest) != (state and state.digest):
                changed.add(name)
        return changed

    def widen(self, matcher: Matcher, beside: Iterable[str], since: float) -> set[str]:
        """Look at more directories; return what changed, new files of those directories only if recent.

        The code that a bot has loaded is no change. What was saved ``since`` then (epoch seconds) is.
        """
        before = self.directories
        self.matcher = matcher
        self.beside |= frozenset(beside)
        changed = self.changed()
        return {
            name
            for name in changed
            if name.rpartition("/")[0] in before
            or name not in self._files
            or self._files[name].identity[3] >= since * 1e9
        }

    def _read(self, name: str, path: str, *, force: bool) -> _FileState | None:
        try:
            status = os.stat(path)  # noqa: PTH116 - a path may hold any bytes, and this is faster
            if not stat.S_ISREG(status.st_mode):
                return None
            identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            before = self._files.get(name)
            if before and before.identity == identity and (not force or status.st_size > LARGE):
                return before
            content = repr(identity).encode() if status.st_size > LARGE else _content(path)
        except OSError:
            return None
        return _FileState(identity, hashlib.blake2b(content, digest_size=16).digest())


def _content(path: str) -> bytes:
    """Read a file; the open cannot wait, should something else have taken its place."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read(LARGE + 1)


def _digest(files: dict[str, _FileState], path: str) -> bytes | None:
    state = files.get(path)
    return state.digest if state else None
