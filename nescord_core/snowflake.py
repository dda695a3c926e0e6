"""Discord's ids: 64-bit integers that contain their creation time.

https://discord.com/developers/docs/reference#snowflakes
"""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["DISCORD_EPOCH_MS", "created_at", "created_at_ms", "from_ms", "shard_of"]

DISCORD_EPOCH_MS = 1_420_070_400_000
"""The first second of 2015, in milliseconds since the Unix epoch."""


def created_at_ms(snowflake: int) -> int:
    """Return the creation time of an id in milliseconds since the Unix epoch."""
    return (snowflake >> 22) + DISCORD_EPOCH_MS


def created_at(snowflake: int) -> datetime:
    """Return the creation time of an id, in UTC."""
    return datetime.fromtimestamp(created_at_ms(snowflake) / 1000, tz=UTC)


def from_ms(unix_ms: int) -> int:
    """Return the smallest id created at that Unix time in ms: a bound for `before` and `after`."""
    return (unix_ms - DISCORD_EPOCH_MS) << 22


def shard_of(guild_id: int, shard_count: int) -> int:
    """Return the shard that receives a guild's events; direct messages (guild id 0) arrive on shard 0.

    https://discord.com/developers/docs/events/gateway#sharding
    """
    return (guild_id >> 22) % shard_count
