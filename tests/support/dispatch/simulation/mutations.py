"""Deliberate bugs in the rules; the simulation has to find each of them."""

from __future__ import annotations

from typing import Any

from nescord_core.bot.ordering import EventOrder
from nescord_core.dispatch.protocol.lease import Fence, Lease
from nescord_core.dispatch.sender.outbox import Entry, Outbox
from nescord_core.dispatch.sender.replica.queues import Partition
from nescord_core.dispatch.sender.spool.overflow import Overflow
from nescord_core.dispatch.sender.spool.write_behind import Write, WriteBehind

__all__ = ["MUTATIONS", "fence", "lease", "order", "outbox", "overflow", "partition", "write_behind"]

MUTATIONS = (
    "ack on receipt",
    "no hold at hand-over",
    "watermark too high",
    "marks removed",
    "spool overtaken",
    "no lease",
    "no fence",
    "lost streams go on",
    "order of handlers ignored",
    "nothing written behind",
    "backups removed too early",
)


class _HastyOutbox(Outbox):
    """Reports everything received as done."""

    def watermarks(self) -> list[tuple[int, str, int]]:
        super().watermarks()
        risen = [track for track in self._latest.values() if track.highest > track.floors.get(0, -1)]
        for track in risen:
            track.floors[0] = track.highest
        return [(track.shard_id, track.session_id, track.highest) for track in risen]


class _HastyPartition(Partition):
    """Moves lanes whose events are still in flight elsewhere."""

    def _rebalance(self, returned: Any = ()) -> None:
        super()._rebalance(returned)
        holds, self._holds = self._holds, {}
        for hold in holds.values():
            for entry in hold.waiting:
                self.assign(entry)


class _HastyOverflow(Overflow):
    """Lets events overtake those of their lane that are on disk."""

    def take(self, entry: Entry) -> bool:
        return self._outbox.events > self.limits.spill_events and super().take(entry)


class _NoWriteBehind(WriteBehind):
    """Leaves events in memory only."""

    def due(self) -> list[Write]:
        return []


class _HastyWriteBehind(WriteBehind):
    """Removes files whose events are not done."""

    def expendable(self) -> list[int]:
        numbers = self.files()
        for backup in list(self._backups):
            self._remove(backup)
        return numbers


class _EndlessLease(Lease):
    """Stays valid after the stream is gone."""

    def end(self) -> None:
        self._until = float("inf")


class _NoOrder(EventOrder[Any]):
    """Starts everything at once."""

    def arrive(self, item: Any, key: int, *, exclusive: bool = False, slots: int = 1) -> bool:
        return True

    def ended(self, key: int, *, exclusive: bool = False, slots: int = 1) -> list[Any]:
        return []


def order(mutation: str) -> type[EventOrder[Any]]:
    return _NoOrder if mutation == "order of handlers ignored" else EventOrder


def outbox(mutation: str) -> type[Outbox]:
    return _HastyOutbox if mutation == "watermark too high" else Outbox


def partition(mutation: str) -> type[Partition]:
    return _HastyPartition if mutation == "no hold at hand-over" else Partition


def overflow(mutation: str) -> type[Overflow]:
    return _HastyOverflow if mutation == "spool overtaken" else Overflow


def write_behind(mutation: str) -> type[WriteBehind]:
    match mutation:
        case "nothing written behind":
            return _NoWriteBehind
        case "backups removed too early":
            return _HastyWriteBehind
    return WriteBehind


def lease(mutation: str, seconds: float) -> Lease:
    if mutation == "lost streams go on":
        return _EndlessLease(seconds)
    return Lease(0.0 if mutation == "no lease" else seconds)


def fence(mutation: str, seconds: float) -> Fence:
    return Fence(0.0 if mutation == "no fence" else seconds)
