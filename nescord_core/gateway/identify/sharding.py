"""Computes shard counts, the shards of a host, and their split over cluster processes.

https://discord.com/developers/docs/events/gateway#sharding
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from nescord_core.snowflake import shard_of

__all__ = [
    "clusters",
    "count_warning",
    "format_ids",
    "label_shards",
    "parse_ids",
    "shard_count",
    "shard_of",
    "shards_held",
]


def shard_count(configured: int | None, recommended: int) -> int:
    """Return the number of shards: the configured one, or what GET /gateway/bot recommends."""
    count = recommended if configured is None else configured
    if count < 1:
        raise ValueError(f"a bot needs at least one shard, not {count}")
    return count


def count_warning(configured: int | None, recommended: int, max_concurrency: int) -> str | None:
    """Return why Discord may reject a configured number of shards, as a sentence; None if it will not.

    A shard has at most 2500 guilds (close code 4011), and the recommendation assumes 1000. Very large bots,
    which may IDENTIFY several shards at a time, need a multiple of a number that Discord assigns (4010).
    https://discord.com/developers/docs/events/gateway#sharding-for-very-large-bots
    """
    if configured is None:
        return None
    if max_concurrency > 1 and configured % max_concurrency and configured % recommended:
        return (
            f"{configured} shards may be rejected with close code 4010: a very large bot needs a multiple of"
            f" {max_concurrency}, and Discord recommends {recommended}"
        )
    if configured * 2.5 < recommended - 1:
        return (
            f"{configured} shards may be rejected with close code 4011, as a shard has at most 2500 guilds:"
            f" Discord recommends {recommended}"
        )
    return None


def shards_held(configured: Iterable[int] | None, count: int) -> tuple[int, ...]:
    """Return the sorted ids this host runs. Raises ValueError for an id outside 0..``count`` - 1."""
    if configured is None:
        return tuple(range(count))
    ids = tuple(sorted(set(configured)))
    if not ids:
        raise ValueError("at least one shard id is required")
    if ids[0] < 0 or ids[-1] >= count:
        wrong = ids[0] if ids[0] < 0 else ids[-1]
        raise ValueError(f"shard {wrong} does not exist: with {count} shards the ids are 0 to {count - 1}")
    return ids


def clusters(ids: Sequence[int], per_cluster: int) -> list[tuple[int, ...]]:
    """Split shard ids into groups of at most ``per_cluster``, one per process, as evenly as possible."""
    if per_cluster < 1:
        raise ValueError(f"a cluster needs at least one shard, not {per_cluster}")
    number = -(-len(ids) // per_cluster)
    bounds = [len(ids) * i // number for i in range(number + 1)] if number else [0]
    return [tuple(ids[a:b]) for a, b in pairwise(bounds)]


def parse_ids(text: str) -> tuple[int, ...]:
    """Parse ranges such as ``0-31,40`` into sorted ids; ValueError names the invalid part."""
    ids: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{part.strip()!r} is neither a shard id nor a range such as 0-31")
        low, high = int(first), int(last or first)
        if high < low:
            raise ValueError(f"the range {part.strip()!r} is reversed")
        ids.update(range(low, high + 1))
    return tuple(sorted(ids))


def format_ids(ids: Iterable[int]) -> str:
    """Format ids the way parse_ids reads them: ``0-31,40``."""
    runs: list[list[int]] = []
    for shard_id in sorted(set(ids)):
        if runs and shard_id == runs[-1][1] + 1:
            runs[-1][1] = shard_id
        else:
            runs.append([shard_id, shard_id])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def label_shards(ids: Iterable[int]) -> str:
    """Format ids with their noun: ``shard 0`` or ``shards 0-31,40``."""
    formatted = format_ids(ids)
    return f"{'shard' if formatted.isdecimal() else 'shards'} {formatted}"
