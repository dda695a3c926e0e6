"""How far a session may be resumed from after a crash of this process."""

from __future__ import annotations

__all__ = ["ResumePoint"]


class ResumePoint:
    """The sequence number to persist: the highest at or below which nothing is left to be done.

    Filtered events need no acknowledgement: while nothing is outstanding, the mark is what was received last.
    """

    __slots__ = ("_acknowledged", "_delivered", "_received")

    def __init__(self, start: int = 0) -> None:
        self._acknowledged = start
        self._delivered = start
        self._received = start

    def restart(self) -> None:
        """Begin a new session."""
        self._acknowledged = self._delivered = self._received = 0

    def delivered(self, seq: int) -> None:
        """An event was handed on; from now on it is outstanding."""
        self._delivered = self._received = seq

    def skipped(self, seq: int) -> None:
        """An event was received and nobody wants it."""
        self._received = seq

    def acknowledged(self, seq: int) -> None:
        """Everything handed on up to ``seq`` is done. Numbers never received are cut to those that were."""
        self._acknowledged = max(self._acknowledged, min(seq, self._received))

    @property
    def value(self) -> int:
        """The sequence number to resume from."""
        return self._received if self._acknowledged >= self._delivered else self._acknowledged
