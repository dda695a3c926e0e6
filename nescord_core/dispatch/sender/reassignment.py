"""Determines for one replica which guilds it gains, keeps or loses when replicas join and leave.

Pure, and without state per guild: everything follows from the sets of replicas before and now. A replica has
kept a guild only if none of the others that were present in between, however briefly, ranks before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from nescord_core.dispatch.sender.replica.queues import rendezvous, seed_of

__all__ = ["GuildAssignment", "GuildMove"]


class GuildMove(Enum):
    """What happens to a guild from the point of view of one replica."""

    KEPT = auto()
    ARRIVES = auto()
    LEAVES = auto()
    ELSEWHERE = auto()


class GuildAssignment:
    """The guilds of the replica at ``address``: as last sent to it (``before``), and ``now``.

    ``since`` are all replicas that have been present since, including ``before`` and ``now``; each maps
    addresses to the numbers of `seed_of`.
    """

    def __init__(
        self, address: str, *, before: Mapping[str, int], since: Mapping[str, int], now: Mapping[str, int]
    ) -> None:
        self._seed = seed_of(address)
        self._rivals = [
            (seed, each in before, each in now) for each, seed in since.items() if each != address
        ]
        self.is_change = any(was != there or not there for _, was, there in self._rivals)

    def move_of(self, guild_id: int) -> GuildMove:
        """Return what happens to a guild."""
        own, had, has, contested = rendezvous(guild_id, self._seed), True, True, False
        for seed, was_there, is_there in self._rivals:
            if rendezvous(guild_id, seed) > own:
                contested = True
                had = had and not was_there
                has = has and not is_there
        if has:
            return GuildMove.ARRIVES if contested else GuildMove.KEPT
        return GuildMove.LEAVES if had else GuildMove.ELSEWHERE

    def is_own(self, guild_id: int) -> bool:
        """Return whether a guild now belongs to the replica."""
        return self.move_of(guild_id) in {GuildMove.KEPT, GuildMove.ARRIVES}
