"""A gateway dispatch as ws forwards it: its identity, its routing and its raw bytes."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Envelope"]


class Envelope(NamedTuple):
    """One dispatch (opcode 0), as received from Discord.

    Its identity is (``shard_id``, ``session_id``, ``seq``): sequence numbers are per session, and two events
    with equal content are two events. A NamedTuple rather than a dataclass because one is created for every
    event.

    ``key`` is what the event is routed and ordered by: the guild id, or the channel id of a direct message,
    or 0. ``guild_id`` is 0 for events without a guild. ``data`` is the raw JSON of ``d``. ``received_at`` is
    in seconds since the epoch. ``redelivered`` is true if main may have seen the event before (a RESUME from
    the last acknowledged event after a restart of ws).
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
