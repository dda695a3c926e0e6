"""Tracks the sequence number from which a session can be resumed after a crash of this process."""

from __future__ import annotations

__all__ = ["ResumePoint", "replayable_events", "still_replayable"]

_FEWEST, _MOST, _PER_GUILD = 100, 3500, 75


def replayable_events(guilds: int) -> int:
    """Return how many of a session's latest events Discord sends again at a RESUME.

    https://github.com/discord/discord-api-docs/issues/24
    """
    return max(_FEWEST, min(_MOST, _PER_GUILD * guilds))


def still_replayable(seq: int, *, received: int, replayable: int) -> int:
    """Return the seq to resume from: not further back than Discord replays.

    A RESUME from further back may end the session, and with it everything that Discord could still replay.
    """
    return max(seq, received - replayable)


class ResumePoint:
    """The sequence number to persist: the highest one with no event at or below it that could be lost.

    An event cannot be lost if it is acknowledged, or on this host's disk. Filtered events need neither: while
    none is outstanding, it is the last one received. A session that is resumed starts at ``start``, of which
    everything up to ``acknowledged`` is finished.
    """

    __slots__ = ("_acknowledged", "_delivered", "_received", "_secured")

    def __init__(self, start: int = 0, *, acknowledged: int | None = None) -> None:
        self._acknowledged = start if acknowledged is None else min(acknowledged, start)
        self._secured = start
        self._delivered = start
        self._received = start

    def restart(self) -> None:
        """Reset for a new session."""
        self._acknowledged = self._secured = self._delivered = self._received = 0

    def delivered(self, seq: int) -> None:
        """Record an event as delivered, and so outstanding until acknowledged."""
        self._delivered = self._received = seq

    def skipped(self, seq: int) -> None:
        """Record an event as received and filtered out."""
        self._received = seq

    def acknowledged(self, seq: int) -> None:
        """Mark everything delivered up to ``seq`` as done, capped at what was received."""
        self._acknowledged = max(self._acknowledged, min(seq, self._received))

    def secured(self, seq: int) -> None:
        """Mark everything delivered up to ``seq`` as done or on disk; it may be less than before."""
        self._secured = min(seq, self._received)

    @property
    def received(self) -> int:
        """The last sequence number received."""
        return self._received

    @property
    def done(self) -> int:
        """The highest sequence number up to which everything is acknowledged."""
        return self._received if self._acknowledged >= self._delivered else self._acknowledged

    @property
    def value(self) -> int:
        """The sequence number to resume from."""
        safe = max(self._acknowledged, self._secured)
        return self._received if safe >= self._delivered else safe
