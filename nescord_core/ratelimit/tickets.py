"""Tickets, which stand for queued or granted requests, and the limiter's state for one token."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import TypeAlias

from nescord_core.ratelimit.bucket import Bucket, Lane
from nescord_core.ratelimit.global_limit import GlobalLimit
from nescord_core.ratelimit.route import Route

__all__ = ["Poll", "Refusal", "Ticket", "TicketBucket", "TicketLane", "TicketState", "TokenScope"]


class TicketState(enum.Enum):
    """State of a ticket. GRANTED: may be sent or is in flight; DONE: answered, cancelled or refused."""

    QUEUED = "queued"
    GRANTED = "granted"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that is not sent; ``retry_after`` is in seconds."""

    status: int
    message: str
    code: int = 0
    retry_after: float | None = None


class Ticket:
    """A request in the limiter, which owns it; callers only keep it and pass it back."""

    __slots__ = ("granted_at", "lane", "rank", "route", "scope", "seq", "state", "tries")

    def __init__(self, route: Route, scope: TokenScope, rank: float, seq: int) -> None:
        self.route = route
        self.scope = scope
        self.rank = rank
        self.seq = seq
        self.state = QUEUED
        self.tries = 0
        self.granted_at = 0.0
        self.lane: TicketLane | None = None


# See bucket.py: looked up for every request.
QUEUED, GRANTED, DONE = TicketState.QUEUED, TicketState.GRANTED, TicketState.DONE
TicketLane: TypeAlias = Lane[Ticket]
TicketBucket: TypeAlias = Bucket[Ticket]


@dataclass(slots=True)
class Poll:
    """Result of `Limiter.poll`: granted tickets, tickets refused after all, and when to poll again."""

    granted: list[Ticket] = field(default_factory=list)
    refused: list[tuple[Ticket, Refusal]] = field(default_factory=list)
    wake: float = math.inf


class TokenScope:
    """The state of one token, shared with no other. ``key`` is the token's fingerprint."""

    __slots__ = (
        "buckets",
        "exempt_ready",
        "global_limit",
        "hashes",
        "key",
        "lanes",
        "locked_until",
        "ready",
        "used_at",
    )

    def __init__(self, key: str, global_limit: int) -> None:
        self.key = key
        self.global_limit = GlobalLimit(global_limit)
        self.hashes: dict[str, str] = {}
        self.buckets: dict[str, TicketBucket] = {}
        self.lanes: dict[str, TicketLane] = {}
        self.ready: list[tuple[float, int, TicketBucket]] = []
        self.exempt_ready: list[tuple[float, int, TicketBucket]] = []
        self.locked_until: float | None = None
        self.used_at = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether no request is queued or in flight and the token is not locked."""
        busy = any(bucket.in_flight or bucket.has_queue() for bucket in self.buckets.values())
        return not busy and self.locked_until is None

    def sweep(self, now: float) -> None:
        """Drop idle lanes and buckets."""
        for bucket in list(self.buckets.values()):
            for lane in [lane for lane in bucket.lanes.values() if lane.idle_at(now)]:
                del bucket.lanes[lane.key]
                del self.lanes[lane.key]
            if bucket.idle_at(now) and bucket.ready_rank is None:
                self.buckets.pop(bucket.key, None)

    def lane_of(self, route: Route, lane_key: str) -> TicketLane:
        """Return the lane of a route, which has this key, in the bucket of its hash if that is known."""
        lane = self.lanes.get(lane_key)
        if lane is not None:
            return lane
        family = route.family
        key = f"{self.hashes.get(family, family)}|{route.variant}|{route.major}"
        bucket = self.buckets.get(key)
        if bucket is None:
            bucket = self.buckets[key] = Bucket(key)
        lane = self.lanes[lane_key] = bucket.lane(lane_key, route.sub)
        return lane
