"""A bot that writes a file which is watched would be reloaded by its own doing, for ever."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["OwnWrites", "SiftedChanges"]


@dataclass(frozen=True, slots=True)
class SiftedChanges:
    """The changes that call for a reload, and the files that are from now on left to the bot."""

    kept: tuple[str, ...]
    paused: tuple[str, ...] = ()


class OwnWrites:
    """Tells the bot's changes from a person's.

    A change is the bot's when it said within ``near`` seconds before that it had opened the file to write.
    ``patience`` such changes of a file in a row are a loop: further ones change nothing. A change by anybody
    else always counts, and ends the pause. Times are in seconds of one clock.
    """

    def __init__(self, *, near: float = 2.0, patience: int = 3) -> None:
        self._near = near
        self._patience = patience
        self._written: dict[str, float] = {}
        self._count: dict[str, int] = {}

    def wrote(self, path: str, now: float) -> None:
        """The bot writes a file."""
        self._written[path] = now

    def sift(self, paths: Iterable[str], now: float) -> SiftedChanges:
        """Judge changes."""
        kept, paused = [], []
        for path in paths:
            written = self._written.get(path)
            if written is None or now - written > self._near:
                self._count.pop(path, None)
                kept.append(path)
                continue
            count = self._count[path] = self._count.get(path, 0) + 1
            if count < self._patience:
                kept.append(path)
            elif count == self._patience:
                paused.append(path)
        return SiftedChanges(tuple(kept), tuple(paused))
