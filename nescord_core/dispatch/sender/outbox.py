"""Holds the events received from the gateway until they are done, and tracks each session's progress.

An event is identified by (shard, session id, seq). The low watermark of a session is the highest sequence
number up to which all is done: only that may be persisted for RESUME, because after a crash Discord resends
everything above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from operator import attrgetter

import msgspec

from nescord_core.dispatch.sender.worlds import is_of_former_world, world_of
from nescord_core.envelope import Envelope
from nescord_core.tracing.spans import EventTrace

__all__ = ["Entry", "Outbox", "Track"]

_ENTRY_BYTES = 400
"""Memory that an event costs besides its data: envelope, entry, and its places in the queues."""


class Track:
    """The unfinished events of one gateway session. ``highest`` is the last seq that was received.

    ``pending`` never left memory, ``restored`` are back from disk, and ``floors`` has the lowest seq of each
    disk segment that holds some. Those of ``pending`` up to ``saved`` are on disk as well, and so are
    ``restored`` ones; ``exposed`` are the exceptions, which are in memory only. ``is_over`` if it is of a
    former world of the sandbox.
    """

    __slots__ = (
        "_heap",
        "exposed",
        "floors",
        "highest",
        "is_over",
        "pending",
        "reported",
        "restored",
        "saved",
        "session_id",
        "shard_id",
    )

    def __init__(self, shard_id: int, session_id: str) -> None:
        self.shard_id = shard_id
        self.session_id = session_id
        self.pending: dict[int, Entry] = {}
        self.restored: dict[int, Entry] = {}
        self.floors: dict[int, int] = {}
        self.exposed: dict[int, Entry] = {}
        self.saved = -1
        self.highest = -1
        self.is_over = False
        self.reported = -1
        self._heap: list[int] = []

    @property
    def unfinished(self) -> bool:
        """Whether some of its events are not done."""
        return bool(self.pending or self.restored or self.floors)

    def watermark(self) -> int:
        """Return the highest seq up to which all is done.

        Sequence numbers only grow within a session, so a gap between two received ones holds nothing to
        deliver. A dict keeps insertion order: its first key is the lowest.
        """
        lowest = self.lowest_pending()
        if self.restored or self.floors:
            lowest = min(lowest, self._lowest_restored(), *self.floors.values())
        return lowest - 1

    def holds(self, seq: int) -> bool:
        """Return whether an event is unfinished and in memory."""
        return seq in self.pending or seq in self.restored

    def expose(self, seq: int) -> None:
        """Record that an event in memory is no longer on disk."""
        entry = self.pending.get(seq) or self.restored.get(seq)
        if entry is not None:
            self.exposed[seq] = entry

    def unsaved(self) -> list[Entry]:
        """Return the events that never were on disk, in order of arrival."""
        found: list[Entry] = []
        for seq, entry in reversed(self.pending.items()):
            if seq <= self.saved:
                break
            found.append(entry)
        found.reverse()
        return found

    def lowest_pending(self) -> int:
        """Return the lowest seq of those that never left memory, or one above all if there is none."""
        return next(iter(self.pending), self.highest + 1)

    def secured(self) -> int:
        """Return a seq up to which all is done or on disk, apart from spilled events not written yet.

        It is at most one write behind the highest such seq: finding that one would mean a search.
        """
        lowest = self.highest + 1
        if self.pending and next(reversed(self.pending)) > self.saved:
            lowest = max(self.saved + 1, next(iter(self.pending)))
        if self.exposed:
            self.exposed = {seq: entry for seq, entry in self.exposed.items() if self.holds(seq)}
            lowest = min(lowest, min(self.exposed, default=lowest))
        return lowest - 1

    def restore(self, seq: int, entry: Entry) -> None:
        """Add an event read back from disk; segments may be read in any order."""
        self.restored[seq] = entry
        self.highest = max(self.highest, seq)
        heappush(self._heap, seq)

    def _lowest_restored(self) -> int:
        while self._heap and self._heap[0] not in self.restored:
            heappop(self._heap)
        return self._heap[0] if self._heap else self.highest + 1


class Entry(msgspec.Struct, gc=False, eq=False):
    """One undelivered or unacknowledged event; a struct, since one is made for every event.

    ``order`` counts arrivals. ``lane`` is the unit of ordering and routing: the guild, the channel of a
    direct message, the shard (below 0), or (a string) the address of the replica that the event must go to.
    ``segment`` is the disk segment it was read back from, None if it never left memory. ``trace`` holds its
    spans, if this process records some.
    """

    envelope: Envelope
    lane: int | str
    order: int
    track: Track
    redelivered: bool = False
    segment: int | None = None
    trace: EventTrace | None = None

    def size(self) -> int:
        """Return its approximate size in memory, in bytes."""
        return len(self.envelope.data) + _ENTRY_BYTES


class Outbox:
    """Counts the unfinished events and bounds them, by number and by bytes of memory.

    ``events`` and ``bytes`` are those in memory; ``spilled`` events are only on disk. ``left`` counts the
    unfinished events of every segment that was read back.
    """

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._latest: dict[int, Track] = {}
        self._tracks: dict[tuple[int, str], Track] = {}
        self._changed: set[Track] = set()
        self._order = 0
        self._recovered = -(1 << 40)
        self._floors: dict[int, set[Track]] = {}
        self.left: dict[int, int] = {}
        self.world = ""
        """The sandbox's present world; "" on Discord."""
        self.has_former_worlds = False
        """Whether there are unfinished events of others."""
        self.events = 0
        self.bytes = 0
        self.spilled = 0
        self.done_count = 0
        self.duplicates = 0
        self.set_aside = 0
        self.shed_by_shard: dict[int, int] = {}

    def put(self, envelope: Envelope, lane: int | str | None = None) -> Entry | None:
        """Add an event; return None if it is a duplicate within its session.

        The default ``lane`` is the event's key, or its shard if it has none (READY and the like).
        """
        shard_id, session_id, seq = envelope[0], envelope[1], envelope[2]
        track = self._latest.get(shard_id)
        if track is None or track.session_id != session_id:
            track = self._track(shard_id, session_id)
        if seq <= track.highest:
            self.duplicates += 1
            return None
        track.highest = seq
        self._order = order = self._order + 1
        entry = Entry(envelope, envelope[4] or -1 - shard_id if lane is None else lane, order, track)
        track.pending[seq] = entry
        self.events += 1
        self.bytes += len(envelope[6]) + _ENTRY_BYTES
        return entry

    def open(self, shard_id: int, session_id: str, seq: int) -> None:
        """Continue a session that an earlier process received up to ``seq``."""
        track = self._track(shard_id, session_id)
        track.highest = max(track.highest, seq)

    def skip(self, shard_id: int, session_id: str, seq: int) -> None:
        """Record an event that is not delivered: it is done as soon as everything before it is."""
        track = self._track(shard_id, session_id)
        track.highest = max(track.highest, seq)
        self._changed.add(track)

    def done(self, *entries: Entry) -> None:
        """Remove acknowledged events; each entry may be done only once."""
        track, size = None, 0
        for entry in entries:
            envelope = entry.envelope
            if entry.track is not track:
                track = entry.track
                self._changed.add(track)
            if entry.segment is None:
                del track.pending[envelope[2]]
            else:
                del track.restored[envelope[2]]
                self.left[entry.segment] -= 1
            size += len(envelope[6])
        self.events -= len(entries)
        self.bytes -= size + _ENTRY_BYTES * len(entries)
        self.done_count += len(entries)

    def refuse(self, entry: Entry) -> None:
        """Remove an event that cannot be sent."""
        self.done(entry)
        self.done_count -= 1
        self.set_aside += 1

    def shed(self, entry: Entry) -> None:
        """Drop an event for lack of room, counted by shard."""
        self.done(entry)
        self.done_count -= 1
        shard_id = entry.track.shard_id
        self.shed_by_shard[shard_id] = self.shed_by_shard.get(shard_id, 0) + 1

    def spill(self, entry: Entry, segment: int) -> None:
        """Assign an unsent event to a disk segment; it takes memory until `written`."""
        track, seq = entry.track, entry.envelope.seq
        del track.pending[seq]
        if segment not in track.floors:
            track.floors[segment] = seq
            self._floors.setdefault(segment, set()).add(track)

    def written(self, envelopes: Iterable[Envelope]) -> None:
        """Record that spilled events are on disk and no longer in memory."""
        for envelope in envelopes:
            self.spilled += 1
            self.events -= 1
            self.bytes -= len(envelope.data) + _ENTRY_BYTES

    def unfit(self, count: int) -> None:
        """Record that some of the events `written` are not on disk, as they cannot be: they are set aside."""
        self.spilled -= count
        self.set_aside += count

    def restore(
        self, envelope: Envelope, *, segment: int, order: int | None = None, buffered: bool = False
    ) -> Entry | None:
        """Add an event read back from disk or, ``buffered``, one that was not written yet.

        Without ``order`` it comes from an earlier process and is older than everything this one has received.
        Returns None for a duplicate.
        """
        if order is None:
            self._recovered = order = self._recovered + 1
        track = self._tracks.get(envelope[:2])
        if track is None:  # its session ended, perhaps before this process started
            track = self._tracks[envelope[0], envelope[1]] = Track(envelope[0], envelope[1])
            track.is_over = is_of_former_world(track.session_id, self.world)
            self.has_former_worlds = self.has_former_worlds or track.is_over
        if envelope.seq in track.restored or envelope.seq in track.pending:
            self.spilled -= 1
            return None
        entry = Entry(envelope, envelope.key or -1 - envelope.shard_id, order, track)
        entry.segment = segment
        track.restore(envelope.seq, entry)
        self.left[segment] = self.left.get(segment, 0) + 1
        if buffered:
            track.expose(envelope.seq)
        else:
            self.spilled -= 1
            self.events += 1
            self.bytes += entry.size()
        return entry

    def keep_open(self, pair: tuple[int, str], *, segment: int, floor: int) -> None:
        """Let an open session's watermark wait for an earlier process's segment, from ``floor`` on."""
        track = self._tracks.get(pair)
        if track is not None:
            track.floors[segment] = floor
            self._floors.setdefault(segment, set()).add(track)

    def expose(self, segment: int) -> None:
        """Record that a segment's file is gone while events read back from it are unfinished."""
        for track in self._tracks.values():
            for seq, entry in track.restored.items():
                if entry.segment == segment:
                    track.exposed[seq] = entry

    def emptied(self, segment: int) -> None:
        """Record that a segment was read back completely, or dropped."""
        for track in self._floors.pop(segment, ()):
            del track.floors[segment]
            self._changed.add(track)

    def lost(self, shard_id: int, count: int = 1) -> None:
        """Record that events on disk are unreadable; counted like shed ones."""
        self.spilled -= count
        self.shed_by_shard[shard_id] = self.shed_by_shard.get(shard_id, 0) + count

    @property
    def unfinished(self) -> int:
        """The number of unfinished events, in memory and on disk."""
        return self.events + self.spilled

    @property
    def is_full(self) -> bool:
        """Whether it holds as much as allowed."""
        return self.events >= self._max_events or self.bytes >= self._max_bytes

    @property
    def overfull(self) -> bool:
        """Whether it holds more than allowed."""
        return self.events > self._max_events or self.bytes > self._max_bytes

    def watermarks(self) -> list[tuple[int, str, int]]:
        """Return (shard, session id, seq) of the sessions whose watermark rose since the last call."""
        risen: list[tuple[int, str, int]] = []
        for track in self._changed:
            watermark = track.watermark()
            if watermark > track.reported:
                track.reported = watermark
                risen.append((track.shard_id, track.session_id, watermark))
            if not track.unfinished and self._latest.get(track.shard_id) is not track:
                self._tracks.pop((track.shard_id, track.session_id), None)
        self._changed.clear()
        return risen

    @property
    def tracks(self) -> Iterable[Track]:
        """The known sessions."""
        return self._tracks.values()

    @property
    def last_order(self) -> int:
        """The position of the last event in the order of arrival."""
        return self._order

    def sessions(self) -> int:
        """Return the number of known sessions: the latest of each shard, and those with unfinished events."""
        return len(self._tracks)

    def oldest(self) -> float | None:
        """Return when the oldest unfinished event was received (seconds since the epoch)."""
        firsts = [
            next(iter(entries.values())).envelope.received_at
            for track in self._tracks.values()
            for entries in (track.pending, track.restored)
            if entries
        ]
        return min(firsts, default=None)

    def entries(self) -> list[Entry]:
        """Return the unfinished events in memory, in order of arrival."""
        found = [
            entry
            for track in self._tracks.values()
            for entries in (track.pending, track.restored)
            for entry in entries.values()
        ]
        return sorted(found, key=attrgetter("order"))

    def _enter_world(self, world: str) -> None:
        """Mark the sessions of other worlds of the sandbox, which has restarted."""
        if not world or world == self.world:
            return
        self.world = world
        for track in self._tracks.values():
            track.is_over = is_of_former_world(track.session_id, world)
        self.check_former_worlds()

    def check_former_worlds(self) -> None:
        """Find out whether any are left."""
        self.has_former_worlds = any(track.is_over and track.unfinished for track in self._tracks.values())

    def _track(self, shard_id: int, session_id: str) -> Track:
        name = (shard_id, session_id)
        track = self._tracks.get(name)
        if track is None:
            track = self._tracks[name] = Track(shard_id, session_id)
            self._enter_world(world_of(session_id))
            before = self._latest.get(shard_id)
            self._latest[shard_id] = track
            if before is not None:
                self._changed.add(before)
        return track
