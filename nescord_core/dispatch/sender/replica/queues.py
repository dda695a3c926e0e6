"""Assigns events to replicas of main by rendezvous hashing, with an ordered hand-over.

Every lane (usually a guild) belongs to the replica with which its hash is highest, so a replica that joins or
leaves moves only its own share. A lane moves once none of its events is in flight on its old stream; until
then its events wait. In the steady state there is no state per lane: only while replicas change are the
waiting lanes listed ("holds").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter

from nescord_core.dispatch.sender.outbox import Entry

__all__ = ["Partition", "Stream", "rendezvous", "seed_of"]

_MASK = (1 << 64) - 1
_ROUTES = 200_000
"""Cached routes at which the cache is cleared: direct messages keep adding channels."""


def seed_of(address: str) -> int:
    """Return the hash of a replica's address: the same in every process and on every host."""
    return int.from_bytes(blake2b(address.encode(), digest_size=8).digest(), "big")


def rendezvous(lane: int, seed: int) -> int:
    """Return the weight of a lane on a replica: the finalizer of splitmix64 over both."""
    x = (lane ^ seed) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


class Stream:
    """One connection to a replica, with its deliveries in flight by number (counted from 1).

    ``rivals`` maps the addresses of all replicas that have been present, this one included, to the numbers of
    `seed_of`; it is reset whenever the replica's guilds are sent to it.
    """

    __slots__ = ("address", "credit", "in_flight", "next_number", "notify", "rivals")

    def __init__(
        self, address: str, credit: int, notify: Callable[[], None], rivals: Mapping[str, int]
    ) -> None:
        self.address = address
        self.credit = credit
        self.notify = notify
        self.rivals = dict(rivals)
        self.in_flight: dict[int, Entry] = {}
        self.next_number = 1

    def within(self, first: int, last: int) -> Sequence[int]:
        """Return the numbers of a range, or at least those in flight; never many more than these."""
        in_flight = self.in_flight
        lowest = next(iter(in_flight), self.next_number)
        numbers = range(max(first, lowest), min(last, self.next_number - 1) + 1)
        if len(numbers) <= 2 * len(in_flight):
            return numbers
        return [number for number in in_flight if first <= number <= last]


class _Slot:
    """A replica's place in the partition; without a stream while its successor is being dialled."""

    __slots__ = ("address", "ready", "seed", "stream")

    def __init__(self, address: str) -> None:
        self.address = address
        self.seed = seed_of(address)
        self.stream: Stream | None = None
        self.ready: deque[Entry] = deque()


class _Hold:
    """A lane with ``count`` events in flight on a stream that no longer owns it."""

    __slots__ = ("count", "waiting")

    def __init__(self) -> None:
        self.count = 0
        self.waiting: deque[Entry] = deque()


class Partition:
    """The queue of every replica, and its events in flight.

    ``changes`` counts how often lanes changed owners because replicas joined or left. ``replicas`` maps the
    addresses of the current owners to the numbers of `seed_of`; every change replaces the object.
    ``is_shared`` is whether there has ever been more than one.
    """

    def __init__(self) -> None:
        self._slots: dict[str, _Slot] = {}
        self._only: _Slot | None = None
        self._routes: dict[int | str, _Slot] = {}
        self._streams: list[Stream] = []
        self._holds: dict[int | str, _Hold] = {}
        self._backlog: deque[Entry] = deque()
        self.redelivered = 0
        self.changes = 0
        self.replicas: Mapping[str, int] = {}
        self.is_shared = False
        self._first = ""

    def assign(self, entry: Entry) -> None:
        """Queue an event behind all others of its lane."""
        if self._holds and (hold := self._holds.get(entry.lane)) is not None:
            hold.waiting.append(entry)
            return
        slot = self._only or self._slot_for(entry.lane)
        if slot is None:
            self._backlog.append(entry)
            return
        ready = slot.ready
        ready.append(entry)
        # A stream with a non-empty queue has been notified already, or waits for credit.
        if len(ready) == 1 and slot.stream is not None:
            slot.stream.notify()

    def attach(self, address: str, *, credit: int, notify: Callable[[], None]) -> Stream:
        """Attach a replica's new stream; ``notify`` is called when there may be events to take."""
        slot = self._slots.get(address) or self._add(address)
        slot.stream = stream = Stream(address, max(credit, 1), notify, self.replicas)
        self._streams.append(stream)
        self._rebalance()
        return stream

    def expect(self, address: str) -> None:
        """Reserve a place for a replica that may attach soon, until `attach` or `vacate`."""
        if address not in self._slots:
            self._add(address)
            self._rebalance()

    def drain(self, stream: Stream) -> None:
        """Stop sending on a stream; its replica keeps its place for a successor, until `vacate`."""
        slot = self._slots.get(stream.address)
        if slot is not None and slot.stream is stream:
            slot.stream = None
            self._rebalance()

    def vacate(self, address: str) -> None:
        """Give the share of a replica without a stream to the others: it is not expected back soon."""
        slot = self._slots.get(address)
        if slot is not None and slot.stream is None:
            self._remove(slot)
            self._rebalance()

    def abandon(self, stream: Stream) -> None:
        """Give the share of a broken stream's replica to the others, except for lanes in flight on it."""
        slot = self._slots.get(stream.address)
        if slot is not None and slot.stream is stream:
            self._remove(slot)
            self._rebalance()

    def lose(self, stream: Stream) -> int:
        """Requeue the events in flight on a broken stream, of which its replica starts no more.

        They go to the front of their lanes, marked as redelivered. Returns their number.
        """
        lost = list(stream.in_flight.values())
        stream.in_flight.clear()
        if stream in self._streams:
            self._streams.remove(stream)
        slot = self._slots.get(stream.address)
        if slot is not None and slot.stream is stream:
            self._remove(slot)
        for entry in lost:
            entry.redelivered = True
        self.redelivered += len(lost)
        self._rebalance(lost)
        return len(lost)

    def take(self, stream: Stream, *, max_events: int, max_bytes: int) -> tuple[int, list[Entry]]:
        """Remove a batch to send: its first delivery number, and as many events as credit and limits allow.

        An event larger than ``max_bytes`` gets a batch of its own.
        """
        first = stream.next_number
        slot = self._slots.get(stream.address)
        if slot is None or slot.stream is not stream:
            return first, []
        in_flight, ready = stream.in_flight, slot.ready
        batch: list[Entry] = []
        number, size = first, 0
        for _ in range(min(max_events, stream.credit - len(in_flight), len(ready))):
            entry = ready.popleft()
            size += len(entry.envelope[6])
            if size > max_bytes and batch:
                ready.appendleft(entry)
                break
            in_flight[number] = entry
            batch.append(entry)
            number += 1
        stream.next_number = number
        return first, batch

    def discard(self, stream: Stream, is_unwanted: Callable[[Entry], bool]) -> list[Entry]:
        """Remove and return the unwanted ones of the events that could be sent on a stream."""
        slot = self._slots.get(stream.address)
        if slot is None or slot.stream is not stream:
            return []
        removed = [entry for entry in slot.ready if is_unwanted(entry)]
        if removed:
            slot.ready = deque(entry for entry in slot.ready if not is_unwanted(entry))
        return removed

    def ready(self, stream: Stream) -> int:
        """Return how many events could be sent on a stream, regardless of credit."""
        slot = self._slots.get(stream.address)
        return len(slot.ready) if slot is not None and slot.stream is stream else 0

    def has_restored(self, stream: Stream) -> bool:
        """Return whether the stream's queue has events that an earlier process of ws may have sent."""
        slot = self._slots.get(stream.address)
        return slot is not None and any(entry.envelope[8] for entry in slot.ready)

    def acknowledge(self, stream: Stream, first: int, last: int) -> list[Entry]:
        """Remove and return acknowledged deliveries; numbers that are not in flight are ignored."""
        in_flight = stream.in_flight
        full = len(in_flight) >= stream.credit
        numbers = stream.within(first, last)
        acknowledged = [entry for number in numbers if (entry := in_flight.pop(number, None)) is not None]
        for entry in acknowledged if self._holds else ():
            self._release(entry.lane)
        if full:
            stream.notify()
        return acknowledged

    def hand_back(self, stream: Stream, ranges: Iterable[tuple[int, int]], *, started: bool) -> int:
        """Requeue returned deliveries at the front of their lanes; ``started`` marks them as redelivered.

        ``ranges`` are first and last numbers; those that are not in flight are ignored.
        """
        numbers = [number for first, last in ranges for number in stream.within(first, last)]
        entries = [entry for number in numbers if (entry := stream.in_flight.pop(number, None)) is not None]
        if started:
            self.redelivered += len(entries)
            for entry in entries:
                entry.redelivered = True
        if entries:
            self._rebalance(entries)
        return len(entries)

    def pop_oldest(self) -> Entry | None:
        """Remove and return the oldest queued event; None if everything left is in flight."""
        queues = [self._backlog, *(slot.ready for slot in self._slots.values())]
        filled = [queue for queue in queues if queue] or [
            hold.waiting for hold in self._holds.values() if hold.waiting
        ]
        return min(filled, key=lambda queue: queue[0].order).popleft() if filled else None

    def queued(self) -> int:
        """Return the number of queued events."""
        waiting = sum(len(hold.waiting) for hold in self._holds.values())
        return len(self._backlog) + sum(len(slot.ready) for slot in self._slots.values()) + waiting

    def backlog(self, owner: str | None) -> int:
        """Return how many events are queued for a replica or, for None, without an owner.

        Lanes that wait for their old stream count for every replica: they are not in a replica's queue yet.
        """
        slot = self._slots.get(owner) if owner is not None else None
        held = sum(len(hold.waiting) for hold in self._holds.values())
        return held + (len(slot.ready) if slot is not None else len(self._backlog))

    def held(self) -> int:
        """Return the number of lanes that wait for their old stream."""
        return len(self._holds)

    def is_held(self, lane: int | str) -> bool:
        """Return whether a lane has events in flight on a stream that no longer owns it."""
        return lane in self._holds

    def wake(self) -> None:
        """Notify every stream."""
        for stream in self._streams:
            stream.notify()

    def owner(self, lane: int | str) -> str | None:
        """Return the address of the replica that owns a lane."""
        slot = self._only or self._slot_for(lane)
        return slot.address if slot is not None else None

    def _slot_for(self, lane: int | str) -> _Slot | None:
        slot = self._routes.get(lane)
        if slot is None and self._slots:
            slot = self._slots.get(lane) if isinstance(lane, str) else None
            if slot is None:
                number = seed_of(lane) if isinstance(lane, str) else lane
                slot = max(self._slots.values(), key=lambda slot: rendezvous(number, slot.seed))
            if len(self._routes) >= _ROUTES:
                self._routes.clear()
            self._routes[lane] = slot
        return slot

    def _add(self, address: str) -> _Slot:
        slot = self._slots[address] = _Slot(address)
        self._first = self._first or address
        self.is_shared = self.is_shared or address != self._first
        self._record_change()
        return slot

    def _remove(self, slot: _Slot) -> None:
        del self._slots[slot.address]
        self._backlog.extend(slot.ready)  # the following rebalance restores the order
        self._record_change()

    def _record_change(self) -> None:
        self.changes += 1
        self.replicas = {slot.address: slot.seed for slot in self._slots.values()}
        for stream in self._streams:
            stream.rivals |= self.replicas
            stream.notify()

    def _release(self, lane: int | str) -> None:
        """Count down a held lane; when none of its events is in flight, it moves."""
        hold = self._holds.get(lane)
        if hold is None:
            return
        hold.count -= 1
        if hold.count == 0:
            del self._holds[lane]
            for entry in hold.waiting:
                self.assign(entry)

    def _rebalance(self, entries: Iterable[Entry] = ()) -> None:
        """Redistribute all queued events, in order of arrival, after a change of replicas."""
        self._routes.clear()
        self._only = next(iter(self._slots.values())) if len(self._slots) == 1 else None
        queued = self._collect(entries)
        for stream in self._streams:
            for entry in stream.in_flight.values():
                slot = self._only or self._slot_for(entry.lane)
                if slot is None or slot.stream is not stream:
                    self._holds.setdefault(entry.lane, _Hold()).count += 1
        for entry in queued:
            self.assign(entry)
        for slot in self._slots.values():
            if slot.stream is not None and slot.ready:
                slot.stream.notify()

    def _collect(self, entries: Iterable[Entry]) -> list[Entry]:
        queued = [*entries, *self._backlog]
        self._backlog.clear()
        for slot in self._slots.values():
            queued += slot.ready
            slot.ready.clear()
        for hold in self._holds.values():
            queued += hold.waiting
        self._holds.clear()
        queued.sort(key=attrgetter("order"))
        return queued
