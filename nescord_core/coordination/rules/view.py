"""What this host has seen in the store, and for how long what it sees there must have been so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from nescord_core.coordination.rules.terms import Terms

__all__ = ["BlockRecord", "HostRecord", "View"]


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """What a block's lease says: who holds it, and which host it is moving to."""

    host: str
    instance: str
    moving_to: str | None = None


@dataclass(frozen=True, slots=True)
class HostRecord:
    """What a host says of itself. ``address`` is where other members ask it."""

    instance: str
    capacity: int
    address: str = ""
    is_leaving: bool = False


Record = TypeVar("Record")


@dataclass(slots=True)
class _Seen(Generic[Record]):
    record: Record
    revision: int
    at: float


class View:
    """The keys as a watch reports them. It reports no expiry: what is not renewed has expired after the TTL.

    The store received a renewal before it was seen here, so that nothing seems free too early.
    """

    def __init__(self, terms: Terms, blocks: int) -> None:
        self._terms = terms
        self._number = blocks
        self._blocks: dict[int, _Seen[BlockRecord]] = {}
        self._hosts: dict[str, _Seen[HostRecord]] = {}
        self._free_since: dict[int, float] = {}
        self._promised: dict[int, str] = {}
        self._members: dict[str, tuple[HostRecord, float]] = {}
        self.changed_at = float("-inf")
        self.in_sync = False
        self._current = float("-inf")

    def begin(self) -> None:
        """A watch begins: what is known may be outdated."""
        self.in_sync = False

    def member_known(self, name: str, record: HostRecord, now: float) -> None:
        """A host has joined some time ago, and has not left in order."""
        self._members.setdefault(name, (record, now))

    def is_current(self, now: float) -> None:
        """What was seen until now is complete."""
        self._current = now

    def synced(self, now: float) -> None:
        """The watch has reported everything that exists; what it no longer reports expires here as well."""
        self.in_sync = True
        for block in range(self._number):
            if block not in self._blocks:
                self._free_since.setdefault(block, now)

    def block_seen(self, block: int, record: BlockRecord, revision: int, now: float) -> None:
        """A block's lease was written."""
        known = self._blocks.get(block)
        if known is not None and revision < known.revision:
            return
        if known is None or known.record.instance != record.instance:
            self.changed_at = now
        self._blocks[block] = _Seen(record, revision, now)
        self._free_since.pop(block, None)
        self._promised.pop(block, None)

    def block_removed(self, block: int, revision: int, now: float) -> None:
        """A block's lease was given up."""
        known = self._blocks.get(block)
        if known is not None and revision < known.revision:
            return
        seen = self._blocks.pop(block, None)
        self._free_since.setdefault(block, now)
        self.changed_at = now
        if seen is not None and seen.record.moving_to:
            self._promised[block] = seen.record.moving_to

    def host_seen(self, name: str, record: HostRecord, revision: int, now: float) -> None:
        """A host wrote its record."""
        if name not in self.capacities(now):
            self.changed_at = now
        self._hosts[name] = _Seen(record, revision, now)
        self._members[name] = record, now

    def host_removed(self, name: str, now: float) -> None:
        """A host has left in order."""
        self._hosts.pop(name, None)
        self._members.pop(name, None)
        self.changed_at = now

    def capacities(self, now: float) -> dict[str, int]:
        """Return the live hosts that take blocks."""
        return {
            name: seen.record.capacity
            for name, seen in self._hosts.items()
            if not seen.record.is_leaving and now - seen.at < self._terms.ttl
        }

    def members(self) -> dict[str, HostRecord]:
        """Return every host that may claim something, as far as is known.

        One that vanished without leaving may come back at any time, so it is forgotten late, and not by the
        time in which nothing could be seen.
        """
        return {
            name: record
            for name, (record, at) in self._members.items()
            if self._current - at < self._terms.member_memory
        }

    def holders(self, now: float) -> dict[int, BlockRecord]:
        """Return the blocks that somebody holds."""
        return {block: seen.record for block, seen in self._blocks.items() if now - seen.at < self._terms.ttl}

    def free(self, now: float) -> dict[int, float]:
        """Return for each free block since when it has been free."""
        found, ttl = dict(self._free_since), self._terms.ttl
        for block, seen in self._blocks.items():
            if now - seen.at >= ttl:
                found[block] = seen.at + ttl
        return found

    def left_by(self, host: str, instance: str, now: float) -> dict[int, int]:
        """Return the blocks that an earlier process of a host still holds, with their revisions."""
        return {
            block: self._blocks[block].revision
            for block, record in self.holders(now).items()
            if record.host == host and record.instance != instance
        }

    def host_revision(self, host: str, now: float) -> int:
        """Return the revision of a host's record, 0 if there is none."""
        seen = self._hosts.get(host)
        return seen.revision if seen is not None and now - seen.at < self._terms.ttl else 0

    def promised_to(self, block: int) -> str | None:
        """Return the host to which the last holder has handed a free block over."""
        return self._promised.get(block)
