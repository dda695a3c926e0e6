"""Detects reload loops: a bot that writes a watched file would reload itself forever."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["OwnWrites", "SiftedChanges"]


@dataclass(frozen=True, slots=True)
class SiftedChanges:
    """The changes that cause a reload, and the files whose changes by the bot are ignored from now on."""

    to_reload: tuple[str, ...]
    paused: tuple[str, ...] = ()


class OwnWrites:
    """Separates the bot's own writes from other changes.

    A change is the bot's if the bot reported opening the file for writing at most ``window`` seconds before.
    ``limit`` such changes of one file in a row are a loop, and further ones are ignored. Any other change
    causes a reload and ends the pause. Times are in seconds on one clock.
    """

    def __init__(self, *, window: float = 2.0, limit: int = 3) -> None:
        self._window = window
        self._limit = limit
        self._written_at: dict[str, float] = {}
        self._in_a_row: dict[str, int] = {}

    def wrote(self, path: str, now: float) -> None:
        """Record that the bot opened a file for writing."""
        self._written_at[path] = now

    def sift(self, paths: Iterable[str], now: float) -> SiftedChanges:
        """Sort changes into those that cause a reload and files that pause now."""
        to_reload, paused = [], []
        for path in paths:
            written_at = self._written_at.get(path)
            if written_at is None or now - written_at > self._window:
                self._in_a_row.pop(path, None)
                to_reload.append(path)
                continue
            count = self._in_a_row[path] = self._in_a_row.get(path, 0) + 1
            if count < self._limit:
                to_reload.append(path)
            elif count == self._limit:
                paused.append(path)
        return SiftedChanges(tuple(to_reload), tuple(paused))
