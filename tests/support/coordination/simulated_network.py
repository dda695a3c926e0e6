"""The network of the simulation: messages between hosts and their store that are late, lost or cut off."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from functools import partial
from itertools import count

from nescord_core.coordination.rules import lease as l
from nescord_core.coordination.rules.view import BlockRecord, HostRecord
from nescord_core.coordination.store import Change, RevisionConflict, Written
from support.coordination.memory_store import Keys
from support.coordination.simulated_hosts import Faults, SimHost, Store, Violation

__all__ = ["Network"]

REQUEST_TIMEOUT = 1.5
RECONNECT = 0.3
HEARTBEATS_MISSED = 3.0


class Network:
    """Virtual time, hosts, a store, and what is on its way between them."""

    def __init__(self, seed: int, faults: Faults, *, hosts: int, rates: float) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.faults = faults
        self.time = 0.0
        self.messages = 0
        self.log: list[str] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._connections = count(1)
        self._clients: dict[int, SimHost] = {}
        self.store = Store(1 + self.random.uniform(-rates, rates), faults.terms.ttl)
        self.store.leases.watchers.append(self._broadcast)
        self.hosts = {
            name: SimHost(name, 1 + self.random.uniform(-rates, rates), self.random.uniform(0, 1e6))
            for name in (f"host{number}" for number in range(hosts))
        }

    def run(self, seconds: float) -> None:
        """Let the time pass."""
        end = self.time + seconds
        while self._events and self._events[0][0] <= end:
            self.time, _, act = heapq.heappop(self._events)
            act()
        self.time = end

    def _note(self, what: str) -> None:
        self.log.append(f"{self.time:8.3f} {what}")

    def fail(self, what: str) -> None:
        history = "\n".join(self.log[-200:])
        raise Violation(f"seed {self.seed}, {self.time:.3f} s: {what}\n{history}")

    def _see(self, host: SimHost, change: Change) -> None:
        raise NotImplementedError

    def _later(self, delay: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.time + delay, next(self._order), act))

    def _every(self, interval: float, host: SimHost, act: Callable[[SimHost], None]) -> None:
        incarnation = host.incarnation

        def again() -> None:
            if host.incarnation != incarnation or host.member is None:
                return
            if not host.is_paused:
                act(host)
            self._later(interval, again)

        self._later(self.random.uniform(0, interval), again)

    def _latency(self) -> float:
        return self.random.uniform(0.0005, 0.02) + self.random.random() ** 2 * self.store.slowness

    def _arrival(self, host: SimHost) -> float:
        """Return the delay of a message to the host: messages of one connection keep their order."""
        host.heard_at = max(host.heard_at, self.time + self._latency())
        return host.heard_at - self.time

    def _deliver(self, host: SimHost, connection: int, act: Callable[[], None]) -> None:
        """Bring something to the host on its connection, now or when it goes on."""
        if host.member is None or host.connection != connection or not host.link.down:
            return
        host.silent_since = self.time
        if host.is_paused:
            host.inbox.append(lambda: act() if host.connection == connection else None)
        else:
            act()

    def _connect(self, host: SimHost) -> None:
        host.is_connecting = False
        if host.member is None or host.connection:
            return
        if host.is_paused or not (self.store.is_up and host.link.up and host.link.down):
            self._connect_later(host)
            return
        connection = host.connection = next(self._connections)
        self._clients[connection] = host
        host.silent_since = self.time
        host.heard_at = self.time
        self.store.members[host.name] = HostRecord(host.name, 0)
        members, entries = dict(self.store.members), self.store.leases.entries(self._store_now())
        self.messages += len(entries) + 1

        def sync() -> None:
            member, now = host.member, host.now(self.time)
            assert member is not None
            for name, record in members.items():
                member.view.member_known(name, record, now)
            for entry in entries:
                self._see(host, Written(entry, is_initial=True))
            member.connected(now)

        self._later(self._arrival(host), partial(self._deliver, host, connection, sync))

    def _broken(self, host: SimHost, connection: int) -> None:
        """The host learns that its connection is gone."""
        if host.connection != connection or host.member is None:
            return
        if host.is_paused:
            host.inbox.append(partial(self._broken, host, connection))
            return
        self._clients.pop(connection, None)
        host.connection = 0
        host.member.gap()
        self._connect_later(host)

    def _connect_later(self, host: SimHost) -> None:
        if not host.is_connecting:
            host.is_connecting = True
            self._later(RECONNECT, partial(self._connect, host))

    def _broadcast(self, change: Change) -> None:
        for connection, host in self._clients.items():
            self.messages += 1
            self._later(
                self._arrival(host),
                partial(self._deliver, host, connection, partial(self._see, host, change)),
            )

    def _store_now(self) -> float:
        return self.time * self.store.rate

    def _ask_store(
        self,
        host: SimHost,
        keys: Keys,
        key: str,
        ask: l.Write | l.Erase | l.Look,
        value: object,
        answer: Callable[[l.Fact, object], None],
    ) -> None:
        """Send a request; its answer, or Lost after a time-out, comes back."""
        self.messages += 2
        incarnation, connection, is_answered = host.incarnation, host.connection, False

        def reply(fact: l.Fact, found: object) -> None:
            nonlocal is_answered
            if not is_answered and host.incarnation == incarnation and host.member is not None:
                is_answered = True
                answer(fact, found)

        def at_store() -> None:
            if self.store.is_up and self._clients.get(connection) is host:
                fact, found = self._decided(host, keys, key, ask, value)
                self._later(
                    self._arrival(host), partial(self._deliver, host, connection, partial(reply, fact, found))
                )

        def lost() -> None:
            if not is_answered and host.incarnation == incarnation and host.member is not None:
                if host.is_paused:
                    host.inbox.append(lost)
                    return
                reply(l.Lost(ask.request), None)
                self._broken(host, host.connection)

        if connection and host.link.up:
            host.arrives_at = max(host.arrives_at, self.time + self._latency())
            self._later(host.arrives_at - self.time, at_store)
        self._later(REQUEST_TIMEOUT if connection else 0.01, lost)

    def _decided(
        self, host: SimHost, keys: Keys, key: str, ask: l.Write | l.Erase | l.Look, value: object
    ) -> tuple[l.Fact, object]:
        now, request = self._store_now(), ask.request
        if self.faults.writes_unfenced and keys is self.store.sessions and isinstance(ask, l.Write):
            last = keys.get(key, now)
            ask = l.Write(request, 0 if last is None else last.revision)
        try:
            match ask:
                case l.Write(_, 0):
                    return l.Answered(request, keys.create(key, self.store.keep(value), now)), None
                case l.Write(_, revision):
                    return l.Answered(request, keys.update(key, self.store.keep(value), revision, now)), None
                case l.Erase(_, revision):
                    keys.delete(key, revision, now)
                    return l.Answered(request, revision), None
        except RevisionConflict:
            return l.Conflicted(request), None
        entry = keys.get(key, now)
        if entry is None:
            return l.Found(request, None), None
        found = self.store.value(entry)
        assert host.member is not None
        instance = f"{host.name}-{host.incarnation}"
        is_ours = isinstance(found, BlockRecord | HostRecord) and found.instance == instance
        return l.Found(request, entry.revision, is_ours), found
