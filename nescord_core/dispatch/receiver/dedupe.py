"""Recognizes redelivered events that main has already finished, by their identity.

The identity is (shard, session id, seq), never a hash of the content: two identical real events are two
events, and sequence numbers are per session.
"""

from __future__ import annotations

from collections.abc import Iterator

from nescord_core.dispatch.protocol.ranges import RangeSet

__all__ = ["Dedupe"]


class Dedupe:
    """A bounded window of finished identities.

    ``window`` limits the ranges over all sessions; at least that many of the latest identities are kept. The
    first to be dropped are the lowest of the least recently used session.
    """

    def __init__(self, window: int) -> None:
        self._window = max(window, 1)
        self._sessions: dict[tuple[int, str], RangeSet] = {}
        self._newest: tuple[int, str] | None = None
        self._ranges = 0

    def __len__(self) -> int:
        """Return the number of ranges held."""
        return self._ranges

    def __iter__(self) -> Iterator[tuple[int, str, int, int]]:
        """Yield (shard, session id, first, last), the least recently used session first."""
        for (shard_id, session_id), ranges in self._sessions.items():
            for first, last in ranges:
                yield shard_id, session_id, first, last

    def seen(self, shard_id: int, session_id: str, seq: int) -> bool:
        """Return whether that event is finished."""
        ranges = self._sessions.get((shard_id, session_id))
        return ranges is not None and seq in ranges

    def add(self, shard_id: int, session_id: str, first: int, last: int | None = None) -> None:
        """Mark one event, or the events ``first`` to ``last`` of a session, as finished."""
        name = (shard_id, session_id)
        ranges = self._touch(name)
        before = len(ranges)
        if last is None:
            ranges.add(first)
        else:
            ranges.add_range(first, last)
        self._ranges += len(ranges) - before
        if self._ranges > self._window:
            self._evict()

    def _touch(self, name: tuple[int, str]) -> RangeSet:
        if name == self._newest:
            return self._sessions[name]
        ranges = self._sessions.pop(name, None) or RangeSet()
        self._sessions[name] = ranges
        self._newest = name
        return ranges

    def _evict(self) -> None:
        """Drop the oldest ranges, with some slack, so that the cost is spread over many adds."""
        target = self._window - self._window // 16
        while self._ranges > target:
            name = next(iter(self._sessions))
            ranges = self._sessions[name]
            drop = min(len(ranges), self._ranges - target)
            ranges.drop_lowest(drop)
            self._ranges -= drop
            if not len(ranges):
                del self._sessions[name]
                if name == self._newest:
                    self._newest = None
