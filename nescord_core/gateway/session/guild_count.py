"""Counts a session's guilds as they come and go: how many events Discord replays depends on their number.

An outage takes no guild away. A session of an earlier process brings the number alone: a guild that comes
then counts only if it left before, since it may just as well be one of those counted. Too low a number means
that events are written to disk earlier; too high a one would mean a resume point that Discord refuses.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

__all__ = ["GuildCount"]

_MOST = 100_000
"""Guilds to remember; Discord gives a shard 2,500 at the most."""


class _Guild(msgspec.Struct, gc=False):
    id: int
    unavailable: bool | None = None


_decode = msgspec.json.Decoder(_Guild, strict=False).decode


class GuildCount:
    """The number of a session's guilds, None while it is unknown.

    With ``number`` it continues the count of an earlier process, which had received events up to ``seq``.
    """

    __slots__ = ("_away", "_here", "_seq", "number")

    def __init__(self, number: int | None = None, *, seq: int = 0) -> None:
        self.number = number
        self._seq = seq
        self._here: set[int] | None = None
        self._away: set[int] = set()

    def ready(self, ids: Iterable[int] | None) -> None:
        """Start with the guilds of READY; None if it does not list them."""
        self._here = None if ids is None else set(ids)
        self.number = None if self._here is None else len(self._here)
        self._seq, self._away = 0, set()

    def apply(self, kind: str, seq: int, d: bytes | msgspec.Raw) -> None:
        """Count GUILD_CREATE and GUILD_DELETE; any other event, or one of an odd shape, changes nothing."""
        if kind not in ("GUILD_CREATE", "GUILD_DELETE") or self.number is None or seq <= self._seq:
            return
        try:
            guild = _decode(d)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        if kind == "GUILD_CREATE":
            self._add(guild.id)
        elif not guild.unavailable:
            self._remove(guild.id)

    def _add(self, guild_id: int) -> None:
        if self._here is None:
            self._count(1 if guild_id in self._away else 0)
            self._away.discard(guild_id)
        elif len(self._here) < _MOST:
            self._here.add(guild_id)
            self.number = len(self._here)

    def _remove(self, guild_id: int) -> None:
        if self._here is not None:
            self._here.discard(guild_id)
            self.number = len(self._here)
        elif self.number and guild_id not in self._away:
            self._away.add(guild_id)
            self._count(-1)

    def _count(self, change: int) -> None:
        assert self.number is not None
        self.number += change
