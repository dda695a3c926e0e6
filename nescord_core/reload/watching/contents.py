"""The content of the watched files: what tells a change from a touch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nescord_core.reload.watching.matcher import Matcher

__all__ = ["ContentSnapshot"]


@dataclass(frozen=True, slots=True)
class _Seen:
    modified_ns: int
    size: int
    digest: bytes


class ContentSnapshot:
    """Knows every watched file's digest; `changed` says whose content is another than at the last look.

    Files are read when their size or time of change moved, and always when they are named.
    """

    def __init__(self, project: Path, matcher: Matcher) -> None:
        self._project = project
        self._matcher = matcher
        self._files: dict[str, _Seen] = {}
        self._directories: frozenset[str] = frozenset()

    @property
    def directories(self) -> frozenset[str]:
        """The watched directories, relative to the project; "" is the project itself."""
        return self._directories

    def changed(self, named: Iterable[str] = ()) -> set[str]:
        """Look at the whole project; return the files that are new, gone or of another content."""
        named = set(named)
        found: dict[str, _Seen] = {}
        directories = set()
        for directory, files in self._walk(""):
            directories.add(directory)
            for path in files:
                if (seen := self._look(path, fresh=path in named)) is not None:
                    found[path] = seen
        before, self._files = self._files, found
        self._directories = frozenset(directories)
        return {path for path in {*before, *found} if _digest(before, path) != _digest(found, path)}

    def reread(self, named: Iterable[str]) -> set[str]:
        """Look at these files alone; return those that are new, gone or of another content."""
        changed = set()
        for path in named:
            before, seen = self._files.get(path), self._look(path, fresh=True)
            if seen is None:
                self._files.pop(path, None)
            else:
                self._files[path] = seen
            if (before and before.digest) != (seen and seen.digest):
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
            return  # gone between two looks
        yield directory, files
        for path in below:
            yield from self._walk(path)

    def _look(self, path: str, *, fresh: bool) -> _Seen | None:
        try:
            status = (self._project / path).stat()
            before = self._files.get(path)
            if (
                before
                and not fresh
                and (before.modified_ns, before.size) == (status.st_mtime_ns, status.st_size)
            ):
                return before
            content = (self._project / path).read_bytes()
        except OSError:
            return None
        return _Seen(status.st_mtime_ns, status.st_size, hashlib.blake2b(content, digest_size=16).digest())


def _digest(files: dict[str, _Seen], path: str) -> bytes | None:
    seen = files.get(path)
    return seen.digest if seen else None
