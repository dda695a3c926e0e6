"""Whether all that happens to a bot's guilds is heard of: without that, a kept answer may be out of date."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["CacheCoherence"]

LEASE = 3.0
"""Seconds for which a shard counts as connected after it was said to be."""
MOST_BOTS = 1024
MOST_SHARDS = 1 << 16


class CacheCoherence:
    """The shards of each bot, by the fingerprint of its token. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[int, dict[int, float]]] = {}
        self._until: dict[str, float] = {}

    def heard(self, bot: str, shards: Iterable[int], shard_count: int, now: float) -> None:
        """Note which shards are connected; another count of shards makes the ones before it void."""
        if not 1 <= shard_count <= MOST_SHARDS:
            return
        known_count, times = self._heard.pop(bot, (shard_count, {}))
        if known_count != shard_count:
            times = {}
        times.update((shard, now) for shard in shards if 0 <= shard < shard_count)
        self._heard[bot] = (shard_count, times)
        self._until[bot] = min(times.values()) + LEASE if len(times) == shard_count else -math.inf
        if len(self._heard) > MOST_BOTS:
            oldest = next(iter(self._heard))
            del self._heard[oldest], self._until[oldest]

    def whole(self, now: float) -> int:
        """Return for how many bots they do."""
        return sum(now < until for until in self._until.values())

    def is_whole(self, bot: str, now: float) -> bool:
        """Say whether events of every shard of the bot arrive."""
        return now < self._until.get(bot, -math.inf)
