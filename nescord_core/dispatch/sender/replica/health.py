"""The health of a replica with an open stream: well, stuck on an event, or silent.

Stuck means that it responds, but its oldest event does not finish: a handler hangs, and holds up only its own
guild, or the stream's credit. Silent means that it sends nothing at all: its event loop is blocked or the
process is stopped; keepalive will find out whether it is dead. A dead replica has no stream.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Condition", "ReplicaHealth"]


class Condition(StrEnum):
    """The condition of a replica with an open stream."""

    WELL = "well"
    STUCK = "stuck"
    SILENT = "silent"


class ReplicaHealth:
    """Tracks when a replica last sent something, and how long its oldest delivery has been the same one.

    ``silent_after`` and ``stuck_after`` are in seconds; ``silent_after`` is 0 for a replica that need not
    send.
    """

    def __init__(self, now: float, *, silent_after: float, stuck_after: float) -> None:
        self._silent_after = silent_after
        self._stuck_after = stuck_after
        self._received_at = now
        self._oldest: int | None = None
        self._since = now

    def received(self, now: float) -> None:
        """Record that the replica sent something."""
        self._received_at = now

    def check(self, oldest: int | None, now: float) -> Condition:
        """Return the condition; ``oldest`` is the number of the delivery that has been in flight longest."""
        if oldest != self._oldest:
            self._oldest, self._since = oldest, now
        if self._silent_after and self.silence(now) > self._silent_after:
            return Condition.SILENT
        if self.waiting(now) > self._stuck_after:
            return Condition.STUCK
        return Condition.WELL

    def silence(self, now: float) -> float:
        """Return for how many seconds it has sent nothing."""
        return now - self._received_at

    def waiting(self, now: float) -> float:
        """Return for how many seconds its oldest delivery has been the same one."""
        return 0.0 if self._oldest is None else now - self._since
