"""Rules of a reload: the old process serves until the new one is ready, and broken code changes nothing.

`Replica` is the state machine of one worker slot: facts in, effects out, no I/O; the caller passes in time
and chance. Every process has its own generation number, which grows with each start.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nescord_core.reload.swapping.failure import UNKNOWN_EXIT, Blame, Failure, describe_exit
from nescord_core.reload.swapping.reconciliation import Attempt, Backoff, Reconciliation

__all__ = [
    "After",
    "AttemptDue",
    "Crashed",
    "Dismiss",
    "Drain",
    "Effect",
    "Exited",
    "Fact",
    "Failed",
    "GivenUp",
    "Gone",
    "Kill",
    "Overdue",
    "Phase",
    "Ready",
    "Refused",
    "ReloadRequested",
    "Replica",
    "Retry",
    "RetryDue",
    "Start",
    "StopRequested",
    "Stopped",
    "SwapTimeouts",
    "Swapped",
]


class Phase(enum.Enum):
    """State of a replica. BROKEN: nothing serves or starts until the next request."""

    IDLE = "idle"
    STARTING = "starting"
    SERVING = "serving"
    SWAPPING = "swapping"
    BACKOFF = "backoff"
    BROKEN = "broken"
    STOPPING = "stopping"
    STOPPED = "stopped"


# Facts


@dataclass(frozen=True, slots=True)
class ReloadRequested:
    """A load or reload was requested, of this revision of the code; None for the next one."""

    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker listens. ``drain`` is its own drain time-out in seconds, None for the default."""

    generation: int
    drain: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A worker reported that it cannot start."""

    generation: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Exited:
    """A worker process exited; a negative code is the signal that killed it."""

    generation: int
    code: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """A worker's time to start or to drain has run out."""

    generation: int


@dataclass(frozen=True, slots=True)
class AttemptDue:
    """The delay before another attempt to run the desired revision is over."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RetryDue:
    """The delay after crash number ``crash`` is over."""

    crash: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The restart policy gave up after crash number ``crash``."""

    crash: int


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A stop was requested."""


Fact = ReloadRequested | Ready | Failed | Exited | Overdue | AttemptDue | RetryDue | GivenUp | StopRequested

# Effects


@dataclass(frozen=True, slots=True)
class Start:
    """Start a worker."""

    generation: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Tell a worker to finish its events and exit."""

    generation: int


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Stop a worker that never served and is no longer needed."""

    generation: int


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill a worker whose time has run out."""

    generation: int


@dataclass(frozen=True, slots=True)
class After:
    """Deliver ``fact`` in ``delay`` seconds."""

    delay: float
    fact: Fact


@dataclass(frozen=True, slots=True)
class Swapped:
    """``new`` serves now, with this revision; ``old`` is the process that it replaces, None for none."""

    old: int | None
    new: int
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The new process did not become ready; ``serving`` continues, None if there is none.

    Another one follows in ``again`` seconds; None if only another request helps.
    """

    generation: int
    failure: Failure
    serving: int | None
    again: float | None = None


@dataclass(frozen=True, slots=True)
class Crashed:
    """The serving process died."""

    generation: int
    code: int


@dataclass(frozen=True, slots=True)
class Retry:
    """Nothing serves: deliver RetryDue(crash) after a delay, or GivenUp(crash)."""

    crash: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A process that was told to exit has exited; ``killed`` if it had to be killed."""

    generation: int
    killed: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """Every process has exited."""


Effect = Start | Drain | Dismiss | Kill | After | Swapped | Refused | Crashed | Retry | Gone | Stopped


@dataclass(frozen=True, slots=True)
class SwapTimeouts:
    """Seconds to become ready, to drain (drain time-out plus a grace period), and to exit if dismissed."""

    start: float = 30.0
    drain: float = 12.0
    dismiss: float = 2.0


class Replica:
    """One worker slot: at most one process serves, at most one is starting, any number are leaving."""

    def __init__(self, timeouts: SwapTimeouts, backoff: Backoff | None = None) -> None:
        self.timeouts = timeouts
        self.reconciliation = Reconciliation(backoff)
        self.phase = Phase.IDLE
        self.current: int | None = None
        self.candidate: int | None = None
        self.leaving: dict[int, bool] = {}
        self.crashes = 0
        self._next = 1
        self._has_served = False
        self._drain_timeout = timeouts.drain

    def step(self, fact: Fact) -> list[Effect]:
        """Apply a fact and return its effects, in order. Facts about forgotten processes change nothing."""
        effects = TABLE[type(fact)](self, fact)
        if isinstance(fact, Exited):
            self.reconciliation.gone(fact.generation)
        return effects

    def _reload_requested(self, fact: Fact) -> list[Effect]:
        """Start a new process, which supersedes one that is still starting."""
        assert isinstance(fact, ReloadRequested)
        self.reconciliation.request(fact.revision)
        if self.phase in (Phase.STOPPING, Phase.STOPPED):
            return []
        return self._dismiss_candidate() + self._start()

    def _start(self) -> list[Effect]:
        self.phase = Phase.STARTING if self.current is None else Phase.SWAPPING
        generation, self._next = self._next, self._next + 1
        self.candidate = generation
        self.reconciliation.started(generation)
        return [Start(generation), After(self.timeouts.start, Overdue(generation))]

    def _dismiss_candidate(self) -> list[Effect]:
        if self.candidate is None:
            return []
        generation, self.candidate = self.candidate, None
        self.leaving[generation] = False
        return [Dismiss(generation), After(self.timeouts.dismiss, Overdue(generation))]

    def _drain(self, generation: int) -> list[Effect]:
        self.leaving[generation] = False
        return [Drain(generation), After(self._drain_timeout, Overdue(generation))]

    def _ready(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, Ready)
        if fact.generation != self.candidate:
            return []
        old, self.current, self.candidate = self.current, fact.generation, None
        self.phase = Phase.SERVING
        self._has_served = True
        revision = self.reconciliation.serves(fact.generation)
        effects = [Swapped(old, fact.generation, revision), *(self._drain(old) if old is not None else [])]
        self._drain_timeout = self.timeouts.drain if fact.drain is None else fact.drain
        return effects

    def _failed(self, fact: Fact) -> list[Effect]:
        """Refuse the candidate. Its process exits by itself and counts as leaving until then."""
        assert isinstance(fact, Failed)
        if fact.generation != self.candidate:
            return []
        self.candidate = None
        self.leaving[fact.generation] = False
        return [
            *self._refused(fact.generation, fact.failure),
            After(self.timeouts.dismiss, Overdue(fact.generation)),
        ]

    def _refused(self, generation: int, failure: Failure) -> list[Effect]:
        """Report a refusal and try again, by the rules of reconciliation.py or as after a crash."""
        again = self.reconciliation.failed(in_code=failure.blame is Blame.CODE)
        refused = Refused(generation, failure, self.current, again and again[1])
        attempt: list[Effect] = [After(again[1], AttemptDue(again[0]))] if again else []
        if self.current is not None:
            self.phase = Phase.SERVING
        elif attempt:
            self.phase = Phase.BACKOFF
        elif self._has_served:
            return [refused, *self._retry()]
        else:
            self.phase = Phase.BROKEN  # a first start of such code would fail again
        return [refused, *attempt]

    def _attempt_due(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, AttemptDue)
        if self.phase in (Phase.STOPPING, Phase.STOPPED) or self.candidate is not None:
            return []
        return self._start() if self.reconciliation.is_due(fact.attempt) else []

    def _retry(self) -> list[Effect]:
        self.crashes += 1
        self.phase = Phase.BACKOFF
        return [Retry(self.crashes)]

    def _exited(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, Exited)
        if fact.generation in self.leaving:
            gone = Gone(fact.generation, killed=self.leaving.pop(fact.generation))
            return [gone, *self._stopped_if_empty()]
        if fact.generation == self.candidate:
            self.candidate = None
            blame = Blame.CODE if 0 <= fact.code < UNKNOWN_EXIT else Blame.PROCESS
            message = f"the new process exited before it was ready ({describe_exit(fact.code)})"
            return self._refused(fact.generation, Failure(message, blame=blame))
        if fact.generation == self.current:
            return self._crashed(fact)
        return []

    def _crashed(self, fact: Exited) -> list[Effect]:
        """Wait for the candidate to take over if there is one; otherwise start another after a delay."""
        self.current = None
        self.reconciliation.crashed()
        if self.candidate is not None:
            self.phase = Phase.STARTING
            return [Crashed(fact.generation, fact.code)]
        return [Crashed(fact.generation, fact.code), *self._retry()]

    def _overdue(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, Overdue)
        if fact.generation in self.leaving:
            self.leaving[fact.generation] = True
            return [Kill(fact.generation)]
        if fact.generation != self.candidate:
            return []
        self.candidate = None
        self.leaving[fact.generation] = True
        message = f"the new process was not ready after {self.timeouts.start:g} s (main.start_timeout)"
        refused = self._refused(fact.generation, Failure(message, blame=Blame.PROCESS))
        return [Kill(fact.generation), *refused]

    def _retry_due(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, RetryDue)
        if self.phase is not Phase.BACKOFF or fact.crash != self.crashes:
            return []
        return self._start()

    def _given_up(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, GivenUp)
        if self.phase is Phase.BACKOFF and fact.crash == self.crashes:
            self.phase = Phase.BROKEN
        return []

    def _stop_requested(self, _: Fact) -> list[Effect]:
        if self.phase in (Phase.STOPPING, Phase.STOPPED):
            return []
        self.phase = Phase.STOPPING
        effects = self._dismiss_candidate()
        if self.current is not None:
            effects += self._drain(self.current)
            self.current = None
        return effects + self._stopped_if_empty()

    def _stopped_if_empty(self) -> list[Effect]:
        if self.phase is not Phase.STOPPING or self.leaving:
            return []
        self.phase = Phase.STOPPED
        return [Stopped()]


TABLE: Mapping[type[Fact], Callable[[Replica, Fact], list[Effect]]] = {
    ReloadRequested: Replica._reload_requested,
    Ready: Replica._ready,
    Failed: Replica._failed,
    Exited: Replica._exited,
    Overdue: Replica._overdue,
    AttemptDue: Replica._attempt_due,
    RetryDue: Replica._retry_due,
    GivenUp: Replica._given_up,
    StopRequested: Replica._stop_requested,
}
