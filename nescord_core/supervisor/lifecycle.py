"""State machine of one supervised service: facts in, effects out, no I/O.

`LEGAL` lists the facts each state accepts. Any other fact arrived late (a probe still under way when the
process exited, a timer that fired at the same moment) and is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from nescord_core.supervisor.restart import GiveUp, Restart, StayDown, after_exit, describe_exit
from nescord_core.supervisor.spec import ServiceSpec

__all__ = [
    "LEGAL",
    "OVER",
    "BackoffOver",
    "Cleared",
    "Effect",
    "Exited",
    "Fact",
    "GraceOver",
    "KillNow",
    "Lifecycle",
    "NotStarted",
    "Probed",
    "Reading",
    "Report",
    "RestartRequested",
    "SignalGroup",
    "Spawn",
    "State",
    "StopRequested",
    "Timer",
]


class State(Enum):
    """A service's state. WAITING: for dependencies; BACKOFF: before a restart; STOPPED, FAILED: final."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    STOPPING = "stopping"
    STOPPED = "stopped"
    BACKOFF = "backoff"
    FAILED = "failed"


class Reading(Enum):
    """Result of a probe: status 200, another answer, or no answer.

    SUSPENDED: the supervisor itself was suspended (^Z, a laptop's lid), so that a silence means nothing.
    """

    GOOD = "good"
    BAD = "bad"
    SILENT = "silent"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Cleared:
    """All dependencies are ready."""


@dataclass(frozen=True, slots=True)
class Probed:
    """A probe of process ``run`` finished; ``problem`` is why the service says that it is not ready."""

    run: int
    reading: Reading
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Exited:
    """Process ``run`` exited and was reaped; ``code`` is negative for a signal."""

    run: int
    code: int


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Process ``run`` could not be started for want of descriptors, memory or processes: ``reason``."""

    run: int
    reason: str


@dataclass(frozen=True, slots=True)
class BackoffOver:
    run: int


@dataclass(frozen=True, slots=True)
class GraceOver:
    run: int


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The service is to stop: everything that stops before it has stopped."""


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """A restart was requested. With ``in_order`` the service then waits for what it depends on."""

    in_order: bool = False


@dataclass(frozen=True, slots=True)
class KillNow:
    """Kill the service without a grace period."""


Fact = (
    Cleared
    | Probed
    | Exited
    | NotStarted
    | BackoffOver
    | GraceOver
    | StopRequested
    | RestartRequested
    | KillNow
)


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start process number ``run``; probe it if the spec has a probe."""

    run: int


@dataclass(frozen=True, slots=True)
class SignalGroup:
    """SIGTERM to the process, or SIGKILL to its whole group when ``kill``."""

    kill: bool


@dataclass(frozen=True, slots=True)
class Timer:
    """Deliver ``fact`` in ``delay`` seconds."""

    delay: float
    fact: BackoffOver | GraceOver


@dataclass(frozen=True, slots=True)
class Report:
    """Show the new state and, where there is one, its reason."""

    state: State
    reason: str = ""


Effect = Spawn | SignalGroup | Timer | Report

_RUNNING = frozenset({Probed, Exited, NotStarted, StopRequested, RestartRequested, KillNow})

LEGAL: Mapping[State, frozenset[type[Fact]]] = {
    State.WAITING: frozenset({Cleared, StopRequested, KillNow}),
    State.STARTING: _RUNNING,
    State.READY: _RUNNING,
    State.UNHEALTHY: _RUNNING,
    State.STOPPING: frozenset({Exited, NotStarted, GraceOver, StopRequested, RestartRequested, KillNow}),
    State.BACKOFF: frozenset({BackoffOver, StopRequested, RestartRequested, KillNow}),
    State.STOPPED: frozenset(),
    State.FAILED: frozenset({RestartRequested}),
}

OVER = frozenset({State.STOPPED, State.FAILED})

RESTARTING = "restart requested"
CANNOT_START = 126
"""A shell's exit code for a command that cannot be executed."""


class Lifecycle:
    """Tracks the state of one service. Times are in seconds on one monotonic clock."""

    def __init__(self, spec: ServiceSpec) -> None:
        self.spec = spec
        self.state = State.WAITING
        self.run = 0
        self.restarts = 0
        self.started_at = 0.0
        self.ready_at: float | None = None
        self.exit_code: int | None = None
        self.given_up: GiveUp | None = None
        self._failures = 0
        self._answered_at = 0.0
        self._next: _AfterStop = _AfterStop.STOP

    def apply(self, fact: Fact, *, now: float, jitter: float = 0.0) -> list[Effect]:
        """Apply a fact and return its effects. ``jitter`` is a random number in [0, 1)."""
        if type(fact) not in LEGAL[self.state] or getattr(fact, "run", self.run) != self.run:
            return []
        match fact:
            case Cleared():
                return self._start(now)
            case Probed(_, reading, problem):
                return self._probed(reading, problem, now)
            case Exited() | NotStarted():
                return self._ended(fact, now, jitter)
            case BackoffOver():
                return self._start_again(now)
            case GraceOver():
                return self._grace_over()
            case StopRequested():
                return self._stop_requested()
            case RestartRequested(in_order):
                return self._restart_in_order() if in_order else self._restart_requested(now)
            case KillNow():
                return self._kill_now()

    def _start_again(self, now: float) -> list[Effect]:
        self.restarts += 1
        return self._start(now)

    def _start(self, now: float) -> list[Effect]:
        self.run += 1
        self.started_at = self._answered_at = now
        self.ready_at = self.given_up = None
        effects: list[Effect] = [Spawn(self.run), self._enter(State.STARTING)]
        if self.spec.ready is None:
            self.ready_at = now
            effects.append(self._enter(State.READY))
        return effects

    def _probed(self, reading: Reading, problem: str, now: float) -> list[Effect]:
        if reading is Reading.SILENT:
            return self._silent(now)
        self._answered_at = now
        if reading is Reading.SUSPENDED:
            return []
        if reading is Reading.GOOD and self.state is not State.READY:
            if self.ready_at is not None:
                return [self._enter(State.READY, "healthy again")]
            self.ready_at = now
            return [self._enter(State.READY)]
        if reading is Reading.BAD and self.state is State.READY:
            return [self._enter(State.UNHEALTHY, problem or "not ready (no reason given)")]
        return []

    def _silent(self, now: float) -> list[Effect]:
        assert self.spec.ready is not None
        silence = now - self._answered_at
        starting = self.ready_at is None
        if silence >= (self.spec.ready.start_timeout if starting else self.spec.ready.silence):
            self._next = _AfterStop.COUNT
            return self._terminate(f"no answer from {self.spec.ready.url} for {silence:.0f} s")
        if self.state is State.READY:
            return [self._enter(State.UNHEALTHY, f"no answer from {self.spec.ready.url}")]
        return []

    def _ended(self, fact: Exited | NotStarted, now: float, jitter: float) -> list[Effect]:
        if isinstance(fact, NotStarted):
            return self._not_started(fact.reason, now, jitter)
        return self._exited(fact.code, now, jitter)

    def _exited(self, code: int, now: float, jitter: float) -> list[Effect]:
        self.exit_code = code
        if self.state is State.STOPPING and self._next is _AfterStop.STOP:
            return [self._enter(State.STOPPED)]
        if self.state is State.STOPPING and self._next is _AfterStop.START:
            return self._start_again(now)
        if self.state is State.STOPPING and self._next is _AfterStop.WAIT:
            return [self._wait()]
        decision = after_exit(
            self.spec.restart,
            exit_code=(code or 1) if self.state is State.STOPPING else code,
            uptime=now - self.ready_at if self.ready_at is not None else 0.0,
            failures=self._failures,
            jitter=jitter,
        )
        match decision:
            case Restart(delay, failures):
                self._failures = failures
                reason = f"{describe_exit(code)}; restarting in {delay:.1f} s"
                return [self._enter(State.BACKOFF, reason), Timer(delay, BackoffOver(self.run))]
            case GiveUp(reason):
                self.given_up = decision
                return [self._enter(State.FAILED, reason)]
            case StayDown():
                return [self._enter(State.STOPPED)]

    def _not_started(self, reason: str, now: float, jitter: float) -> list[Effect]:
        """Try again later, however often: it is the system that has failed, not the service."""
        if self.state is State.STOPPING:
            return self._exited(CANNOT_START, now, jitter)
        delay = self.spec.restart.shortage_pause
        reason = f"cannot be started: {reason}; trying again in {delay:g} s"
        return [self._enter(State.BACKOFF, reason), Timer(delay, BackoffOver(self.run))]

    def _grace_over(self) -> list[Effect]:
        reason = f"did not exit within {self.spec.grace:g} s; killed"
        return [SignalGroup(kill=True), Report(self.state, reason)]

    def _stop_requested(self) -> list[Effect]:
        self._next = _AfterStop.STOP
        if self.state in (State.WAITING, State.BACKOFF):
            return [self._enter(State.STOPPED)]
        return [] if self.state is State.STOPPING else self._terminate()

    def _restart_requested(self, now: float) -> list[Effect]:
        self._failures = 0
        if self.state in (State.BACKOFF, State.FAILED):
            return self._start_again(now)
        if self.state is State.STOPPING:
            return []  # it is stopping already, with or without a start afterwards
        self._next = _AfterStop.START
        return self._terminate(RESTARTING)

    def _restart_in_order(self) -> list[Effect]:
        self._failures = 0
        if self.state in (State.BACKOFF, State.FAILED):
            return [self._wait()]
        is_stopping = self.state is State.STOPPING
        self._next = _AfterStop.WAIT
        return [] if is_stopping else self._terminate(RESTARTING)

    def _wait(self) -> Report:
        """Wait for the services that this one depends on, as at the first start."""
        self.restarts += 1
        self.given_up = None
        return self._enter(State.WAITING, RESTARTING)

    def _kill_now(self) -> list[Effect]:
        self._next = _AfterStop.STOP
        if self.state in (State.WAITING, State.BACKOFF):
            return [self._enter(State.STOPPED)]
        entered = [] if self.state is State.STOPPING else [self._enter(State.STOPPING, "killed")]
        return [SignalGroup(kill=True), *entered]

    def _terminate(self, reason: str = "") -> list[Effect]:
        timer = Timer(self.spec.grace, GraceOver(self.run))
        return [SignalGroup(kill=False), timer, self._enter(State.STOPPING, reason)]

    def _enter(self, state: State, reason: str = "") -> Report:
        self.state = state
        return Report(state, reason)


class _AfterStop(Enum):
    """What follows when a stopping process has exited: nothing, a start (at once or in order), a failure."""

    STOP = "stop"
    START = "start"
    WAIT = "wait"
    COUNT = "count"
