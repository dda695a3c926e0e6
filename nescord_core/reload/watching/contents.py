"""Digests of the watched files, which tell a change of content from a mere touch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nescord_core.reload.watching.matcher import Matcher

__all__ = ["ContentSnapshot"]


@dataclass(frozen=True, slots=True)
class _FileState:
    modified_ns: int
    size: int
    digest: bytes


class ContentSnapshot:
    """The digest of every watched file; `changed` returns the files that differ from the last scan.

    A file is read when its size or modification time changed, and always when it is named.
    """

    def __init__(self, project: Path, matcher: Matcher) -> None:
        self._project = project
        self._matcher = matcher
        self._files: dict[str, _FileState] = {}
        self._directories: frozenset[str] = frozenset()

    @property
    def directories(self) -> frozenset[str]:
        """The watched directories, relative to the project; "" is the project itself."""
        return self._directories

    def changed(self, named: Iterable[str] = ()) -> set[str]:
        """Scan the whole project; return the files that are new, deleted or have different content."""
        named = set(named)
        found: dict[str, _FileState] = {}
        directories = set()
        for directory, files in self._walk(""):
            directories.add(directory)
            for path in files:
                if (state := self._read(path, force=path in named)) is not None:
                    found[path] = state
        before, self._files = self._files, found
        self._directories = frozenset(directories)
        return {path for path in {*before, *found} if _digest(before, path) != _digest(found, path)}

    def reread(self, named: Iterable[str]) -> set[str]:
        """Read only these files; return those that are new, deleted or have different content."""
        changed = set()
        for path in named:
            before, state = self._files.get(path), self._read(path, force=True)
            if state is None:
                self._files.pop(path, None)
            else:
                self._files[path] = state
            if (before and before.digest) != (state and state.digest):
                changed.add(path)
        return changed

    def _walk(self, directory: str) -> Iterator[tuple[str, list[str]]]:
        files, below = [], []
        try:
            with os.scandir(self._project / directory) as entries:
                for entry in entries:
                    path = f"{directory}/{entry.name}" if directory else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if self._matcher.wants_directory(path):
                            below.append(path)
                    elif self._matcher.wants_file(path):
                        files.append(path)
        except OSError:
            return  # deleted during the scan
        yield directory, files
        for path in below:
            yield from self._walk(path)

    def _read(self, path: str, *, force: bool) -> _FileState | None:
        try:
            status = (self._project / path).stat()
            before = self._files.get(path)
            if (
                before
                and not force
                and (before.modified_ns, before.size) == (status.st_mtime_ns, status.st_size)
            ):
                return before
            content = (self._project / path).read_bytes()
        except OSError:
            return None
        return _FileState(
            status.st_mtime_ns, status.st_size, hashlib.blake2b(content, digest_size=16).digest()
        )


def _digest(files: dict[str, _FileState], path: str) -> bytes | None:
    state = files.get(path)
    return state.digest if state else None
