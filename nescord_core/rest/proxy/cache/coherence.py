"""Tracks whether all changes to a bot's guilds are reported; if not, a cached response may be outdated."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["CacheCoherence"]

LEASE = 3.0
"""Seconds for which a reported shard counts as connected."""
MOST_BOTS = 1024
MOST_SHARDS = 1 << 16


class CacheCoherence:
    """The connected shards of each bot, by the fingerprint of its token. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, dict[int, float]]] = {}
        self._until: dict[str, float] = {}

    def update(self, bot: str, shards: Iterable[int], shard_count: int, now: float) -> None:
        """Record connected shards; a different shard count discards the earlier ones."""
        if not 1 <= shard_count <= MOST_SHARDS:
            return
        known_count, times = self._seen.pop(bot, (shard_count, {}))
        if known_count != shard_count:
            times = {}
        times.update((shard, now) for shard in shards if 0 <= shard < shard_count)
        self._seen[bot] = (shard_count, times)
        self._until[bot] = min(times.values()) + LEASE if len(times) == shard_count else -math.inf
        if len(self._seen) > MOST_BOTS:
            oldest = next(iter(self._seen))
            del self._seen[oldest], self._until[oldest]

    def complete_bots(self, now: float) -> int:
        """Return the number of bots with all shards connected."""
        return sum(now < until for until in self._until.values())

    def is_complete(self, bot: str, now: float) -> bool:
        """Return whether all of a bot's shards are connected, so that their events arrive."""
        return now < self._until.get(bot, -math.inf)
