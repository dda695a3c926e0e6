"""What ws passes on for one gateway dispatch: its identity, its routing and its untouched bytes."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Envelope"]


class Envelope(NamedTuple):
    """One dispatch (opcode 0) as it came from Discord.

    The identity is (``shard_id``, ``session_id``, ``seq``): sequence numbers are per session, and two
    events with equal content are two events. A NamedTuple rather than a dataclass because one is made for
    every event on the hot path.

    ``key`` is what the event is routed and ordered by: the guild id, or the channel id of a direct
    message, or 0. ``guild_id`` is 0 for events without a guild. ``data`` is the raw JSON of ``d``.
    ``received_at`` is in seconds since the epoch. ``redelivered`` is true when main may have seen the
    event before (a RESUME from the last acknowledged event after ws itself was restarted).
    """

    shard_id: int
    session_id: str
    seq: int
    type: str
    key: int
    guild_id: int
    data: bytes
    received_at: float
    redelivered: bool = False
