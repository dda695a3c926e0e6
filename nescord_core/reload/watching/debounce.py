"""One reload for one save: changes are gathered until they pause."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Debounce"]


class Debounce:
    """Gathers changed paths; they are due after a pause in the changes.

    One file is due ``quiet`` seconds after its last change: editors write a file in two or three steps within
    a few milliseconds. When it is known to be `whole`, ``closed`` seconds are enough for the next file of a
    save to show up. Several are due after ``several`` seconds, because more of a branch change or of "save
    all" may follow; one that comes later still supersedes the reload that has begun. A stream of changes that
    never pauses is due ``longest`` seconds after its first.
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
        """Note changes."""
        fresh = set(paths)
        if not fresh:
            return
        if not self._paths:
            self._first = now
        self._last = now
        self._paths |= fresh
        self._whole -= fresh

    def whole(self, paths: Iterable[str]) -> None:
        """Note that the writers of these files are through with them, until they change again."""
        self._whole |= self._paths.intersection(paths)

    def next_at(self) -> float | None:
        """When what is gathered falls due; None when there is nothing."""
        if not self._paths:
            return None
        single = self.closed if self._paths == self._whole else self.quiet
        pause = single if len(self._paths) == 1 else self.several
        return min(self._last + pause, self._first + self.longest)

    def take(self, now: float) -> frozenset[str]:
        """Return what is due and forget it; empty when nothing is."""
        due = self.next_at()
        if due is None or now < due:
            return frozenset()
        paths, self._paths, self._whole = frozenset(self._paths), set(), set()
        return paths
