"""How a replica does whose stream is open: well, stuck on an event, or silent. A dead one has no stream.

Stuck means that it answers, and the event that it has had for the longest time does not get done: a handler
hangs, and only its own guild, or the credit of the stream, is held up. Silent means that it says nothing at
all: its event loop is blocked, or the process is stopped; keepalive will tell whether it is gone.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Condition", "ReplicaHealth"]


class Condition(StrEnum):
    """Of a replica whose stream is open."""

    WELL = "well"
    STUCK = "stuck"
    SILENT = "silent"


class ReplicaHealth:
    """What was last heard of a replica, and since when the same delivery has been its oldest.

    ``silent_after`` and ``stuck_after`` are in seconds; 0 for silence: it is not expected to say anything.
    """

    def __init__(self, now: float, *, silent_after: float, stuck_after: float) -> None:
        self._silent_after = silent_after
        self._stuck_after = stuck_after
        self._heard = now
        self._oldest: int | None = None
        self._since = now

    def heard(self, now: float) -> None:
        """It said something."""
        self._heard = now

    def look(self, oldest: int | None, now: float) -> Condition:
        """Judge it; ``oldest`` is the number of the delivery that is in flight for the longest time."""
        if oldest != self._oldest:
            self._oldest, self._since = oldest, now
        if self._silent_after and self.silence(now) > self._silent_after:
            return Condition.SILENT
        if self.waiting(now) > self._stuck_after:
            return Condition.STUCK
        return Condition.WELL

    def silence(self, now: float) -> float:
        """Return for how many seconds it has said nothing."""
        return now - self._heard

    def waiting(self, now: float) -> float:
        """Return for how many seconds its oldest delivery has been that."""
        return 0.0 if self._oldest is None else now - self._since
