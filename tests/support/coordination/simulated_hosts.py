"""The parts of the simulation: machines with clocks of their own, and the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from nescord_core.coordination.rules.fenced_record import FencedRecord
from nescord_core.coordination.rules.member import Member
from nescord_core.coordination.rules.terms import Terms
from nescord_core.coordination.rules.view import HostRecord
from nescord_core.coordination.store import Entry
from support.coordination.memory_store import Keys

__all__ = ["Faults", "Link", "SimHost", "Store", "Violation"]


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass
class Link:
    """One direction's state between a host and the store."""

    up: bool = True
    down: bool = True


@dataclass
class Faults:
    """What is broken on purpose in the rules or in what drives them, to see that it is found."""

    terms: Terms = field(default_factory=Terms)
    acts_by_timer: bool = False
    writes_unfenced: bool = False
    prepare: Callable[[Member], None] = lambda member: None


@dataclass
class SimHost:
    """A machine, and the process that runs on it."""

    name: str
    rate: float
    offset: float
    link: Link = field(default_factory=Link)
    incarnation: int = 0
    member: Member | None = None
    is_paused: bool = False
    connection: int = 0
    is_connecting: bool = False
    silent_since: float = 0.0
    inbox: list[Callable[[], None]] = field(default_factory=list)
    running: dict[int, int] = field(default_factory=dict)
    records: dict[int, FencedRecord] = field(default_factory=dict)
    arrives_at: float = 0.0
    heard_at: float = 0.0

    def now(self, time: float) -> float:
        return self.offset + self.rate * time


class Store:
    """The server: leases that expire, sessions and members that do not."""

    def __init__(self, rate: float, ttl: float) -> None:
        self.rate = rate
        self.leases = Keys(ttl)
        self.sessions = Keys()
        self.members: dict[str, HostRecord] = {}
        self.is_up = True
        self.slowness = 0.0
        self.values: dict[int, object] = {}
        self._tokens = count(1)

    def keep(self, value: object) -> bytes:
        """Keep an object as a key's value."""
        token = next(self._tokens)
        self.values[token] = value
        return b"%d" % token

    def value(self, entry: Entry) -> object:
        return self.values[int(entry.value)]

    def wipe(self) -> None:
        self.leases.wipe()
        self.sessions.wipe()
        self.members.clear()
