"""Decides when a shard may IDENTIFY: one per key and window, within the daily limit.

https://discord.com/developers/docs/events/gateway#session-start-limit-object
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from nescord_core.errors import IdentifyBudgetSpent

__all__ = ["IdentifyQueue", "SessionStartLimit"]

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class SessionStartLimit:
    """The ``session_start_limit`` of GET /gateway/bot, with ``reset_after`` in seconds, not milliseconds."""

    total: int = 1000
    remaining: int = 1000
    reset_after: float = DAY
    max_concurrency: int = 1


class IdentifyQueue:
    """First in, first out per key ``shard_id % max_concurrency``.

    ``window`` is Discord's 5 s; ``slack`` is added because Discord measures when two IDENTIFYs arrive, not
    when they leave. ``reserve`` session starts are never used.
    """

    def __init__(
        self, limit: SessionStartLimit, *, window: float, reserve: int, now: float, slack: float = 0.0
    ) -> None:
        self._limit = limit
        self._window = window + slack
        self._reserve = reserve
        self._remaining = limit.remaining
        self._resets_at = now + limit.reset_after
        self._waiting: dict[int, deque[tuple[int, int]]] = {}
        self._free_at: dict[int, float] = {}

    @property
    def remaining(self) -> int:
        """Session starts left today."""
        return self._remaining

    def request(self, ticket: int, shard_id: int, now: float) -> None:
        """Queue a shard. Raises IdentifyBudgetSpent when its IDENTIFY would eat into the reserve."""
        self._renew(now)
        waiting = sum(map(len, self._waiting.values()))
        if self._remaining - waiting <= self._reserve:
            raise IdentifyBudgetSpent(
                remaining=self._remaining,
                needed=waiting + 1,
                reserve=self._reserve,
                reset_after=self._resets_at - now,
            )
        key = shard_id % max(1, self._limit.max_concurrency)
        self._waiting.setdefault(key, deque()).append((ticket, shard_id))

    def cancel(self, ticket: int) -> None:
        """Remove a ticket from the queue."""
        for key, queue in self._waiting.items():
            self._waiting[key] = deque(entry for entry in queue if entry[0] != ticket)

    def grants(self, now: float) -> list[int]:
        """Remove, count and return the tickets whose turn it is, at most one per key."""
        self._renew(now)
        granted: list[int] = []
        for key, queue in self._waiting.items():
            if queue and self._free_at.get(key, now) <= now:
                granted.append(queue.popleft()[0])
                self._free_at[key] = now + self._window
                self._remaining -= 1
        return granted

    def used(self, shard_id: int, now: float) -> None:
        """Record that a granted IDENTIFY was sent only now: the key's window restarts."""
        self._free_at[shard_id % max(1, self._limit.max_concurrency)] = now + self._window

    def next_at(self, now: float) -> float | None:
        """Return when the next turn comes; None when the queue is empty."""
        times = [max(now, self._free_at.get(key, now)) for key, queue in self._waiting.items() if queue]
        return min(times, default=None)

    def _renew(self, now: float) -> None:
        while now >= self._resets_at:
            self._remaining = self._limit.total
            self._resets_at += DAY
