"""What the sender and its spool ask and tell the process that holds the sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nescord_core.envelope import Envelope

__all__ = ["Replayable", "SessionCallbacks", "SetAside"]

Replayable = Callable[[int, str], int]
"""Maps (shard, session id) to how many of the session's latest events Discord replays at a RESUME."""

SetAside = Callable[[Envelope, str], None]
"""Gets an event that cannot be carried, and why. It is not delivered and counts as acknowledged."""


def _ignore_position(_shard_id: int, _session_id: str, _seq: int) -> None:
    """Do nothing."""


def _ignore_event(_envelope: Envelope, _why: str) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class SessionCallbacks:
    """``secured(shard_id, session_id, seq)`` gets a seq up to which a session's events are done or on disk.

    It may be less than before, when the disk has no room. Without ``replayable``,
    ``settings.replay_events`` holds for every session.
    """

    secured: Callable[[int, str, int], None] = _ignore_position
    replayable: Replayable | None = None
    set_aside: SetAside = _ignore_event
