"""What becomes of a guild at one replica when replicas join and leave.

Pure. Nothing is kept by guild: before and after are told from the replicas that there were and are. A replica
has kept a guild only if no other one that was there meanwhile, however shortly, comes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from nescord_core.dispatch.sender.partition import rendezvous, seed_of

__all__ = ["GuildAssignment", "GuildMove"]


class GuildMove(Enum):
    """What becomes of a guild at the replica that is asked for."""

    KEPT = auto()
    COMES = auto()
    GOES = auto()
    ELSEWHERE = auto()


class GuildAssignment:
    """The guilds of the replica at ``address``, as the replicas were told last (``before``) and are ``now``.

    ``since`` are all that were there from then on, ``before`` and ``now`` included; each maps addresses to
    the numbers of `seed_of`.
    """

    def __init__(
        self, address: str, *, before: Mapping[str, int], since: Mapping[str, int], now: Mapping[str, int]
    ) -> None:
        self._seed = seed_of(address)
        self._rivals = [
            (seed, each in before, each in now) for each, seed in since.items() if each != address
        ]
        self.is_change = any(was != there or not there for _, was, there in self._rivals)

    def fate(self, guild_id: int) -> GuildMove:
        """Return what becomes of a guild."""
        own, had, has, contested = rendezvous(guild_id, self._seed), True, True, False
        for seed, was_there, is_there in self._rivals:
            if rendezvous(guild_id, seed) > own:
                contested = True
                had = had and not was_there
                has = has and not is_there
        if has:
            return GuildMove.COMES if contested else GuildMove.KEPT
        return GuildMove.GOES if had else GuildMove.ELSEWHERE

    def is_own(self, guild_id: int) -> bool:
        """Tell whether a guild belongs to the replica now."""
        return self.fate(guild_id) in {GuildMove.KEPT, GuildMove.COMES}
