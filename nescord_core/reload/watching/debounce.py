"""Debounces file changes: collects them until they pause, so that one save causes one reload."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Debounce"]


class Debounce:
    """Collects changed paths, which are due after a pause in the changes.

    A single file is due ``quiet`` seconds after its last change, because editors write a file in two or three
    steps within a few milliseconds. If its writer has closed it (`whole`), ``closed`` seconds suffice for the
    next file of the same save to appear. Several files are due after ``several`` seconds, because more of a
    branch switch or a "save all" may follow; a later change supersedes the reload under way. Changes that
    never pause are due ``longest`` seconds after the first.
    """

    def __init__(
        self, *, closed: float = 0.004, quiet: float = 0.015, several: float = 0.06, longest: float = 0.5
    ) -> None:
        self.closed = closed
        self.quiet = quiet
        self.several = several
        self.longest = longest
        self._paths: set[str] = set()
        self._whole: set[str] = set()
        self._first = 0.0
        self._last = 0.0

    def changed(self, paths: Iterable[str], now: float) -> None:
        """Record changes."""
        changed = set(paths)
        if not changed:
            return
        if not self._paths:
            self._first = now
        self._last = now
        self._paths |= changed
        self._whole -= changed

    def whole(self, paths: Iterable[str]) -> None:
        """Record that the writers of these files have closed them; another change resets this."""
        self._whole |= self._paths.intersection(paths)

    def next_at(self) -> float | None:
        """Return when the collected paths are due; None when there are none."""
        if not self._paths:
            return None
        single = self.closed if self._paths == self._whole else self.quiet
        pause = single if len(self._paths) == 1 else self.several
        return min(self._last + pause, self._first + self.longest)

    def take(self, now: float) -> frozenset[str]:
        """Remove and return the paths if they are due; otherwise return an empty set."""
        due = self.next_at()
        if due is None or now < due:
            return frozenset()
        paths, self._paths, self._whole = frozenset(self._paths), set(), set()
        return paths
