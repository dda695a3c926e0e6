"""One lease, from the claim to the end: what to ask of the store, and until when its answers give a right.

A lease is kept by writing it again before it expires. Its fence is the revision of the write that began it:
later holders have higher ones. After a write whose outcome is not known, the store is asked what it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from nescord_core.coordination.rules.terms import Terms

__all__ = [
    "ACCEPTED",
    "Answered",
    "Began",
    "Conflicted",
    "Effect",
    "Ended",
    "Erase",
    "Fact",
    "Found",
    "Lease",
    "LeaseState",
    "Look",
    "Lost",
    "Outcome",
    "Write",
]


class LeaseState(Enum):
    """IDLE: not ours. CHECKING: a claim's outcome is unknown. RELEASING: given up, not yet confirmed."""

    IDLE = auto()
    CLAIMING = auto()
    CHECKING = auto()
    HELD = auto()
    RELEASING = auto()


class Outcome(Enum):
    """Why a lease ended."""

    EXPIRED = "it could not be renewed in time"
    TAKEN = "another host has it"
    RELEASED = "it was given up"


# Facts: the store's answers to a request, by its number


@dataclass(frozen=True, slots=True)
class Answered:
    """The write was done."""

    request: int
    revision: int


@dataclass(frozen=True, slots=True)
class Conflicted:
    """The write was refused: the key is at another revision."""

    request: int


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer: the request may have been done, may still be done, or not."""

    request: int


@dataclass(frozen=True, slots=True)
class Found:
    """What the key holds: its revision (None: nothing), and whether this process wrote it."""

    request: int
    revision: int | None
    is_ours: bool = False


Fact = Answered | Conflicted | Lost | Found

ACCEPTED: dict[LeaseState, tuple[type[Fact], ...]] = {
    LeaseState.IDLE: (),
    LeaseState.CLAIMING: (Answered, Conflicted, Lost),
    LeaseState.CHECKING: (Found, Lost),
    LeaseState.HELD: (Answered, Conflicted, Lost, Found),
    LeaseState.RELEASING: (Answered, Conflicted, Lost),
}
"""The facts that each state takes; others are answers to questions that no longer matter."""


# Effects


@dataclass(frozen=True, slots=True)
class Write:
    """Write the key, which is at ``revision`` (0: it does not exist)."""

    request: int
    revision: int


@dataclass(frozen=True, slots=True)
class Erase:
    """Remove the key, which is at ``revision``."""

    request: int
    revision: int


@dataclass(frozen=True, slots=True)
class Look:
    """Read the key."""

    request: int


@dataclass(frozen=True, slots=True)
class Began:
    """The lease is held."""

    fence: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The lease is no longer held, from now on."""

    outcome: Outcome


Effect = Write | Erase | Look | Began | Ended


class Lease:
    """The rules of one lease. Every request has a new number; answers to earlier ones are ignored."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.state = LeaseState.IDLE
        self.fence = 0
        self.until = float("-inf")
        self._revision = 0
        self._request = 0
        self._sent_at: float | None = None
        self._renew_at = float("inf")
        self._is_changed = False
        self._is_given_up = False

    @property
    def is_held(self) -> bool:
        """Whether it was begun and not ended; whether it may be used is a question of time, too."""
        return self.state is LeaseState.HELD

    def claim(self, now: float, *, over: int = 0) -> list[Effect]:
        """Try to take it; ``over`` is the revision that an earlier process of this host left.

        Raises RuntimeError unless it is idle.
        """
        if self.state is not LeaseState.IDLE:
            raise RuntimeError(f"a lease that is {self.state.name} cannot be claimed")
        self.state = LeaseState.CLAIMING
        return [self._write(over, now)]

    def release(self) -> list[Effect]:
        """Give it up, once the last change of its value is written: that says who should have it next."""
        if self.state is LeaseState.HELD:
            self._is_given_up = True
            return self._give_up() if self._sent_at is None and not self._is_changed else []
        if self.state in (LeaseState.CLAIMING, LeaseState.CHECKING):
            self._rest()  # what the store may hold of the claim expires
        return []

    def rewrite(self, now: float) -> list[Effect]:
        """Write a changed value as soon as possible."""
        self._is_changed = True
        self._renew_at = now
        return self.tick(now)

    def tick(self, now: float, kept_until: float = float("-inf")) -> list[Effect]:
        """Renew it or end it; ``kept_until`` is until when the other members' testimony keeps it."""
        if self.state is not LeaseState.HELD:
            return []
        if now >= max(self.until, kept_until):
            return self._end(Outcome.EXPIRED)
        if self._sent_at is None and now >= self._renew_at:
            return [self._write(self._revision, now)]
        return []

    def handle(self, fact: Fact, now: float) -> list[Effect]:
        """Apply an answer of the store."""
        if fact.request != self._request or not isinstance(fact, ACCEPTED[self.state]):
            return []
        sent_at, self._sent_at = self._sent_at, None
        match self.state:
            case LeaseState.CLAIMING:
                return self._claimed(fact, now, sent_at)
            case LeaseState.CHECKING:
                return self._checked(fact)
            case LeaseState.HELD:
                return self._renewed(fact, now, sent_at)
            case _:
                self._rest()
                return []

    def _claimed(self, fact: Fact, now: float, sent_at: float | None) -> list[Effect]:
        match fact:
            case Answered(_, revision) if sent_at is not None and now < self._terms.tenure(sent_at):
                self.state = LeaseState.HELD
                self.fence = revision
                self._confirm(revision, sent_at, now)
                return [Began(revision)]
            case Answered(_, revision):
                self.state = LeaseState.RELEASING
                return [Erase(self._next(), revision)]
            case Lost():
                self.state = LeaseState.CHECKING
                return [Look(self._next())]
        self._rest()
        return []

    def _checked(self, fact: Fact) -> list[Effect]:
        if isinstance(fact, Found) and fact.is_ours and fact.revision is not None:
            # Claimed, but nobody knows when: it is given back and claimed again.
            self.state = LeaseState.RELEASING
            return [Erase(self._next(), fact.revision)]
        self._rest()
        return []

    def _renewed(self, fact: Fact, now: float, sent_at: float | None) -> list[Effect]:
        match fact:
            case Answered(_, revision) if sent_at is not None:
                self._confirm(revision, sent_at, now)
                if self._is_changed:
                    return [self._write(revision, now)]
                return self._give_up() if self._is_given_up else []
            case Conflicted():
                return [Look(self._next())]
            case Found(_, revision, is_ours) if is_ours and revision is not None:
                self._revision = revision
                return [self._write(revision, now)]
            case Found(_, None):
                # The store has lost it, or was away until it expired: written back while it is ours.
                return [self._write(0, now)]
            case Found():
                return self._end(Outcome.TAKEN)
            case Lost():
                self._renew_at = now + self._terms.retry_after
        return []

    def _confirm(self, revision: int, sent_at: float, now: float) -> None:
        self._revision = revision
        self.until = max(self.until, self._terms.tenure(sent_at))
        self._renew_at = max(now, sent_at + self._terms.renew_every)

    def _give_up(self) -> list[Effect]:
        self.state = LeaseState.RELEASING
        return [Ended(Outcome.RELEASED), Erase(self._next(), self._revision)]

    def _end(self, outcome: Outcome) -> list[Effect]:
        self._rest()
        return [Ended(outcome)]

    def _rest(self) -> None:
        self.state = LeaseState.IDLE
        self.until = float("-inf")
        self._request += 1  # an answer on its way concerns nobody any more
        self._sent_at = None
        self._is_changed = self._is_given_up = False

    def _write(self, revision: int, now: float) -> Write:
        self._sent_at = now
        self._is_changed = False
        return Write(self._next(), revision)

    def _next(self) -> int:
        self._request += 1
        return self._request
