"""The counters of a shard, and the snapshot of them that is published."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["ShardCounters", "ShardStats"]


@dataclass(slots=True)
class ShardCounters:
    """Counts since the process started. ``closes`` is by close code, None for a broken connection.

    ``down_since`` is when the shard lost its connection or first tried to connect, not counting the queue for
    an IDENTIFY; ``trouble`` is what ended the last connection. ``resumed`` is whether the last one resumed.
    """

    resumes: int = 0
    identifies: int = 0
    bytes_in: int = 0
    decode_errors: int = 0
    duplicates: int = 0
    filtered: int = 0
    set_aside: int = 0
    redelivered: int = 0
    commands: int = 0
    last_event_at: float | None = None
    session_since: float | None = None
    connected_once: bool = False
    resumed: bool = False
    down_since: float | None = None
    trouble: str = ""
    events: dict[str, int] = field(default_factory=dict)
    closes: Counter[int | None] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ShardStats:
    """One shard at one moment. Ages and latencies are in seconds, None while unknown.

    ``state`` is the session's state in lower case (``connected`` when healthy). ``events``, by type, include
    the filtered ones; ``set_aside`` counts undeliverable ones. ``closes`` is by code, ``"none"``
    for connections that broke. ``down_for`` is how long the shard has been trying to connect and ``trouble``
    why it fails; None and empty while it is connected.
    """

    shard_id: int
    state: str
    connected: bool
    session_id: str | None
    session_age: float | None
    seq_received: int
    seq_acknowledged: int
    last_event_age: float | None
    latency: float | None
    latency_average: float | None
    resumes: int
    identifies: int
    closes: dict[str, int]
    bytes_in: int
    events: dict[str, int]
    filtered: int
    redelivered: int
    duplicates: int
    decode_errors: int
    commands_sent: int
    commands_waiting: int
    resumed: bool = False
    down_for: float | None = None
    trouble: str = ""
    set_aside: int = 0
