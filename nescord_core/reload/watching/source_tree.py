"""Finds the files and directories to watch: below the project, behind its links, and beside it.

Every directory is known by its real path, because notifications come by real paths, and has one name: its
path relative to the project, where the project itself is "". A directory behind a link is named after the
link, unless it has a name of its own.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from nescord_core.reload.watching.links import follow
from nescord_core.reload.watching.matcher import Matcher

__all__ = ["LINKED_DIRECTORIES", "SourceTree", "scan"]

INSTALLED = frozenset({"site-packages", "dist-packages", "node_modules"})

LINKED_DIRECTORIES = 4096
"""Directories behind links that are looked into: a link may lead to a whole disk."""


@dataclass
class SourceTree:
    """What one scan found.

    ``places`` maps the real path of each directory to its name, ``files`` the name of each file to its path,
    and ``targets`` the real path of a linked file to its names. ``crossings`` are the links on the way, and
    the real directories at their ends: a change of one may change everything behind it. ``left_out`` are
    directories that the matcher skips, ``too_large`` links with too many directories behind them.
    """

    places: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    targets: dict[str, set[str]] = field(default_factory=dict)
    crossings: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)

    def to_watch(self) -> set[str]:
        """Return the real paths of all directories in which a change may matter."""
        beside = {os.path.dirname(path) for path in (*self.targets, *self.crossings)}  # noqa: PTH120
        return {*self.places, *beside}

    def names_of(self, path: str) -> list[str]:
        """Return the names of what has this real path (or would have it: it may be gone)."""
        names = list(self.targets.get(path, ()))
        directory, _, base = path.rpartition(os.sep)
        if (name := self.places.get(directory or os.sep)) is not None:
            names.append(_joined(name, base))
        return names


def scan(project: Path, matcher: Matcher, beside: Iterable[str] = ()) -> SourceTree:
    """Look at the project, behind its links, and at the directories ``beside`` it (not below them)."""
    looking = _Scan(os.path.realpath(project), matcher)
    looking.walk("", looking.root)
    looking.follow_links()
    for directory in beside:
        name = os.path.relpath(directory, project)
        looking.walk(name, os.path.realpath(directory), deep=False)
    return looking.tree


class _Scan:
    """One scan. Directories with names of their own come first, then those behind links."""

    def __init__(self, root: str, matcher: Matcher) -> None:
        self.tree = SourceTree()
        self.root = root
        self._matcher = matcher
        self._links: deque[tuple[str, str]] = deque()

    def walk(self, name: str, real: str, *, deep: bool = True, room: int | None = None) -> bool:
        """Take a directory and those below it, but leave links for later.

        Returns False if there are more than ``room`` of them.
        """
        waiting = [(name, real)]
        while waiting:
            if room is not None and (room := room - 1) < 0:
                return False
            name, real = waiting.pop()
            if real in self.tree.places:
                continue
            try:
                with os.scandir(real) as entries:
                    found = list(entries)
            except OSError:
                continue  # deleted during the scan, or not readable
            self.tree.places[real] = name
            below = [entry for entry in found if self._take(_joined(name, entry.name), entry)]
            waiting += [(_joined(name, entry.name), entry.path) for entry in below] if deep else []
        return True

    def follow_links(self) -> None:
        """Take the directories that links lead to."""
        while self._links:
            name, path = self._links.popleft()
            way = follow(path)
            if way is None:
                continue
            self.tree.crossings.update(way.links, [way.target])
            if self._is_foreign(way.target):
                continue
            if not self.walk(name, way.target, room=LINKED_DIRECTORIES):
                self.tree.too_large.append(name)

    def _take(self, name: str, entry: os.DirEntry[str]) -> bool:
        """Record a file or a link; return whether the entry is a directory to look into."""
        if entry.is_symlink():
            self._take_link(name, entry.path)
        elif entry.is_dir(follow_symlinks=False):
            if self._matcher.wants_directory(name):
                return True
            self.tree.left_out.append(name)
        elif self._matcher.wants_file(name):
            self.tree.files[name] = entry.path
        return False

    def _take_link(self, name: str, path: str) -> None:
        if self._matcher.wants_file(name) and not os.path.isdir(path):  # noqa: PTH112 - much faster
            self.tree.files[name] = path
            if way := follow(path):
                self.tree.crossings.update(way.links)
                self.tree.targets.setdefault(way.target, set()).add(name)
        elif self._matcher.wants_directory(name) and not os.path.isfile(path):  # noqa: PTH113
            self._links.append((name, path))  # to a directory, or to nothing yet

    def _is_foreign(self, real: str) -> bool:
        """Whether a directory holds the project itself, or installed packages."""
        holds_project = f"{self.root}{os.sep}".startswith(f"{real.rstrip(os.sep)}{os.sep}")
        return holds_project or not INSTALLED.isdisjoint(real.split("/"))


def _joined(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name
