"""Tracks the sequence number from which a session can be resumed after a crash of this process."""

from __future__ import annotations

__all__ = ["ResumePoint"]


class ResumePoint:
    """The sequence number to persist: the highest one with no unfinished event at or below it.

    Filtered events need no acknowledgement: while none is outstanding, it is the last one received.
    """

    __slots__ = ("_acknowledged", "_delivered", "_received")

    def __init__(self, start: int = 0) -> None:
        self._acknowledged = start
        self._delivered = start
        self._received = start

    def restart(self) -> None:
        """Reset for a new session."""
        self._acknowledged = self._delivered = self._received = 0

    def delivered(self, seq: int) -> None:
        """Record an event as delivered, and so outstanding until acknowledged."""
        self._delivered = self._received = seq

    def skipped(self, seq: int) -> None:
        """Record an event as received and filtered out."""
        self._received = seq

    def acknowledged(self, seq: int) -> None:
        """Mark everything delivered up to ``seq`` as done, capped at what was received."""
        self._acknowledged = max(self._acknowledged, min(seq, self._received))

    @property
    def value(self) -> int:
        """The sequence number to resume from."""
        return self._received if self._acknowledged >= self._delivered else self._acknowledged
