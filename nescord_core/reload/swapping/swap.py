"""The rules of a reload: the old process serves until the new one is ready, and broken code changes nothing.

`Replica` is the state of one worker place. Facts go in, effects come out, time and chance are passed in by
the caller. Every process has a generation number of its own, which grows with each start.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = [
    "After",
    "Asked",
    "Crashed",
    "Dismiss",
    "Drain",
    "Effect",
    "Exited",
    "Fact",
    "Failed",
    "Failure",
    "GivenUp",
    "Gone",
    "Kill",
    "Overdue",
    "Phase",
    "Ready",
    "Refused",
    "Replica",
    "Retry",
    "RetryDue",
    "Start",
    "StopAsked",
    "Stopped",
    "SwapTimeouts",
    "Swapped",
]


class Phase(enum.Enum):
    """What a replica is doing."""

    IDLE = "idle"
    STARTING = "starting"
    SERVING = "serving"
    SWAPPING = "swapping"
    BACKOFF = "backoff"
    BROKEN = "broken"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a worker did not get ready: a sentence, where it stands in the code, and what to show."""

    message: str
    file: str = ""
    line: int = 0
    excerpt: str = ""
    traceback: str = ""


# Facts


@dataclass(frozen=True, slots=True)
class Asked:
    """A (re)load is wanted."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker listens. ``drain`` is how long it is to be given to drain, None for the usual."""

    generation: int
    drain: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A worker said that it cannot start."""

    generation: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Exited:
    """A worker process is gone; a negative code is the signal that ended it."""

    generation: int
    code: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """A worker was given time, to start or to drain, and it has passed."""

    generation: int


@dataclass(frozen=True, slots=True)
class RetryDue:
    """The wait after a crash is over. ``crash`` is the number of the crash that began it."""

    crash: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It has crashed too often to be started again by itself."""

    crash: int


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Everything is to end."""


Fact = Asked | Ready | Failed | Exited | Overdue | RetryDue | GivenUp | StopAsked

# Effects


@dataclass(frozen=True, slots=True)
class Start:
    """Start a worker."""

    generation: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Tell a worker to finish what it has and leave."""

    generation: int


@dataclass(frozen=True, slots=True)
class Dismiss:
    """A worker that never served is not wanted any more."""

    generation: int


@dataclass(frozen=True, slots=True)
class Kill:
    """The worker had its time."""

    generation: int


@dataclass(frozen=True, slots=True)
class After:
    """Hand the fact back after so many seconds."""

    delay: float
    fact: Fact


@dataclass(frozen=True, slots=True)
class Swapped:
    """``new`` serves; ``old`` is None when none did before."""

    old: int | None
    new: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The new process did not get ready; ``serving`` goes on, None when there is none."""

    generation: int
    failure: Failure
    serving: int | None


@dataclass(frozen=True, slots=True)
class Crashed:
    """The serving process died."""

    generation: int
    code: int


@dataclass(frozen=True, slots=True)
class Retry:
    """Nothing serves that should: hand back RetryDue(crash) after a wait, or GivenUp(crash)."""

    crash: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A process that was told to leave has left; ``killed`` when it had to be made to."""

    generation: int
    killed: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing runs any more."""


Effect = Start | Drain | Dismiss | Kill | After | Swapped | Refused | Crashed | Retry | Gone | Stopped


@dataclass(frozen=True, slots=True)
class SwapTimeouts:
    """Seconds given: to get ready, to drain (the drain time-out and some grace), and to leave unserved."""

    start: float = 30.0
    drain: float = 12.0
    dismiss: float = 2.0


class Replica:
    """One worker place: at most one process serves, at most one gets ready to, any number drain."""

    def __init__(self, patience: SwapTimeouts, *, first_generation: int = 1) -> None:
        self.patience = patience
        self.phase = Phase.IDLE
        self.current: int | None = None
        self.candidate: int | None = None
        self.leaving: dict[int, bool] = {}
        self.crashes = 0
        self._next = first_generation
        self._has_served = False
        self._drain_patience = patience.drain

    def step(self, fact: Fact) -> list[Effect]:
        """Take in one fact; return what follows, in order. Facts about processes long gone change nothing."""
        return TABLE[type(fact)](self, fact)

    def _asked(self, _: Fact) -> list[Effect]:
        """A new one supersedes one that is still starting."""
        if self.phase in (Phase.STOPPING, Phase.STOPPED):
            return []
        effects = self._dismiss_candidate()
        self.phase = Phase.STARTING if self.current is None else Phase.SWAPPING
        return effects + self._start()

    def _start(self) -> list[Effect]:
        generation, self._next = self._next, self._next + 1
        self.candidate = generation
        return [Start(generation), After(self.patience.start, Overdue(generation))]

    def _dismiss_candidate(self) -> list[Effect]:
        if self.candidate is None:
            return []
        generation, self.candidate = self.candidate, None
        self.leaving[generation] = False
        return [Dismiss(generation), After(self.patience.dismiss, Overdue(generation))]

    def _drain(self, generation: int) -> list[Effect]:
        self.leaving[generation] = False
        return [Drain(generation), After(self._drain_patience, Overdue(generation))]

    def _ready(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, Ready)
        if fact.generation != self.candidate:
            return []
        old, self.current, self.candidate = self.current, fact.generation, None
        self.phase = Phase.SERVING
        self._has_served = True
        effects = [Swapped(old, fact.generation), *(self._drain(old) if old is not None else [])]
        self._drain_patience = self.patience.drain if fact.drain is None else fact.drain
        return effects

    def _failed(self, fact: Fact) -> list[Effect]:
        """The process that said so ends by itself; until then it counts among the leaving."""
        assert isinstance(fact, Failed)
        if fact.generation != self.candidate:
            return []
        self.candidate = None
        self.leaving[fact.generation] = False
        return [
            *self._refused(fact.generation, fact.failure),
            After(self.patience.dismiss, Overdue(fact.generation)),
        ]

    def _refused(self, generation: int, failure: Failure) -> list[Effect]:
        """The first start is not tried again: the same code would fail the same way."""
        refused = Refused(generation, failure, self.current)
        if self.current is not None:
            self.phase = Phase.SERVING
            return [refused]
        if self._has_served:
            return [refused, *self._retry()]
        self.phase = Phase.BROKEN
        return [refused]

    def _retry(self) -> list[Effect]:
        self.crashes += 1
        self.phase = Phase.BACKOFF
        return [Retry(self.crashes)]

    def _exited(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, Exited)
        if fact.generation in self.leaving:
            gone = Gone(fact.generation, killed=self.leaving.pop(fact.generation))
            return [gone, *self._stopped_now()]
        if fact.generation == self.candidate:
            self.candidate = None
            failure = Failure(f"the new process ended before it was ready ({describe_exit(fact.code)})")
            return self._refused(fact.generation, failure)
        if fact.generation == self.current:
            return self._crashed(fact)
        return []

    def _crashed(self, fact: Exited) -> list[Effect]:
        """A candidate on its way takes over by itself; otherwise another is started after a while."""
        self.current = None
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
        failure = Failure(f"the new process was not ready after {self.patience.start:g} s")
        return [Kill(fact.generation), *self._refused(fact.generation, failure)]

    def _retry_due(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, RetryDue)
        if self.phase is not Phase.BACKOFF or fact.crash != self.crashes:
            return []
        self.phase = Phase.STARTING
        return self._start()

    def _given_up(self, fact: Fact) -> list[Effect]:
        assert isinstance(fact, GivenUp)
        if self.phase is Phase.BACKOFF and fact.crash == self.crashes:
            self.phase = Phase.BROKEN
        return []

    def _stop_asked(self, _: Fact) -> list[Effect]:
        if self.phase in (Phase.STOPPING, Phase.STOPPED):
            return []
        self.phase = Phase.STOPPING
        effects = self._dismiss_candidate()
        if self.current is not None:
            effects += self._drain(self.current)
            self.current = None
        return effects + self._stopped_now()

    def _stopped_now(self) -> list[Effect]:
        if self.phase is not Phase.STOPPING or self.leaving:
            return []
        self.phase = Phase.STOPPED
        return [Stopped()]


TABLE: Mapping[type[Fact], Callable[[Replica, Fact], list[Effect]]] = {
    Asked: Replica._asked,
    Ready: Replica._ready,
    Failed: Replica._failed,
    Exited: Replica._exited,
    Overdue: Replica._overdue,
    RetryDue: Replica._retry_due,
    GivenUp: Replica._given_up,
    StopAsked: Replica._stop_asked,
}


def describe_exit(code: int) -> str:
    """Say in words how a process ended; negative codes are signals."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
