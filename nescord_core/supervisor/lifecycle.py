"""One service's life as a state machine: facts in, effects out, nothing done here.

The table below names for every state the facts that mean something in it. Any other fact is late news (a
probe that was under way when the process ended, a timer that ran out just then) and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from nescord_core.supervisor.restart import GiveUp, Restart, StayDown, after_exit
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
    "Probed",
    "Reading",
    "Report",
    "RestartAsked",
    "SignalGroup",
    "Spawn",
    "State",
    "StopAsked",
    "Timer",
]


class State(Enum):
    """WAITING for its dependencies, BACKOFF before the next try; STOPPED and FAILED are final."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    STOPPING = "stopping"
    STOPPED = "stopped"
    BACKOFF = "backoff"
    FAILED = "failed"


class Reading(Enum):
    """What a probe found: 200, another answer, or none at all."""

    GOOD = "good"
    BAD = "bad"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Cleared:
    """Everything it depends on is ready."""


@dataclass(frozen=True, slots=True)
class Probed:
    """A probe of process ``run`` came back; ``said`` is what the service says is in its way."""

    run: int
    reading: Reading
    said: str = ""


@dataclass(frozen=True, slots=True)
class Exited:
    """Process ``run`` ended and was reaped; ``code`` is negative for a signal."""

    run: int
    code: int


@dataclass(frozen=True, slots=True)
class BackoffOver:
    run: int


@dataclass(frozen=True, slots=True)
class GraceOver:
    run: int


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Its turn to stop has come."""


@dataclass(frozen=True, slots=True)
class RestartAsked:
    """Somebody wants it stopped and started anew."""


@dataclass(frozen=True, slots=True)
class KillNow:
    """No more waiting."""


Fact = Cleared | Probed | Exited | BackoffOver | GraceOver | StopAsked | RestartAsked | KillNow


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start process number ``run`` and probe it if the spec says where."""

    run: int


@dataclass(frozen=True, slots=True)
class SignalGroup:
    """SIGTERM to the process, or SIGKILL to its whole group when ``kill``."""

    kill: bool


@dataclass(frozen=True, slots=True)
class Timer:
    """Bring ``fact`` back in ``delay`` seconds."""

    delay: float
    fact: BackoffOver | GraceOver


@dataclass(frozen=True, slots=True)
class Report:
    """Tell people: the state it is in now and, where there is more to say, why."""

    state: State
    reason: str = ""


Effect = Spawn | SignalGroup | Timer | Report

_RUNNING = frozenset({Probed, Exited, StopAsked, RestartAsked, KillNow})

LEGAL: Mapping[State, frozenset[type[Fact]]] = {
    State.WAITING: frozenset({Cleared, StopAsked, KillNow}),
    State.STARTING: _RUNNING,
    State.READY: _RUNNING,
    State.UNHEALTHY: _RUNNING,
    State.STOPPING: frozenset({Exited, GraceOver, StopAsked, RestartAsked, KillNow}),
    State.BACKOFF: frozenset({BackoffOver, StopAsked, RestartAsked, KillNow}),
    State.STOPPED: frozenset(),
    State.FAILED: frozenset({RestartAsked}),
}

OVER = frozenset({State.STOPPED, State.FAILED})


class Lifecycle:
    """Follows one service. Times are in seconds on any one clock that does not go back."""

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
        self._heard_at = 0.0
        self._next: _AfterStop = _AfterStop.STOP

    def take(self, fact: Fact, *, now: float, jitter: float = 0.0) -> list[Effect]:
        """Return what is to be done about a fact. ``jitter`` is a chance in [0, 1)."""
        if type(fact) not in LEGAL[self.state] or getattr(fact, "run", self.run) != self.run:
            return []
        match fact:
            case Cleared():
                return self._start(now)
            case Probed(_, reading, said):
                return self._probed(reading, said, now)
            case Exited(_, code):
                return self._exited(code, now, jitter)
            case BackoffOver():
                return self._start_again(now)
            case GraceOver():
                return self._grace_over()
            case StopAsked():
                return self._stop_asked()
            case RestartAsked():
                return self._restart_asked(now)
            case KillNow():
                return self._kill_now()

    def _start_again(self, now: float) -> list[Effect]:
        self.restarts += 1
        return self._start(now)

    def _start(self, now: float) -> list[Effect]:
        self.run += 1
        self.started_at = self._heard_at = now
        self.ready_at = self.given_up = None
        effects: list[Effect] = [Spawn(self.run), self._enter(State.STARTING)]
        if self.spec.ready is None:
            self.ready_at = now
            effects.append(self._enter(State.READY))
        return effects

    def _probed(self, reading: Reading, said: str, now: float) -> list[Effect]:
        if reading is Reading.SILENT:
            return self._silent(now)
        self._heard_at = now
        if reading is Reading.GOOD and self.state is not State.READY:
            if self.ready_at is not None:
                return [self._enter(State.READY, "it works again")]
            self.ready_at = now
            return [self._enter(State.READY)]
        if reading is Reading.BAD and self.state is State.READY:
            return [self._enter(State.UNHEALTHY, said or "it says that it cannot work at the moment")]
        return []

    def _silent(self, now: float) -> list[Effect]:
        assert self.spec.ready is not None
        silence = now - self._heard_at
        starting = self.ready_at is None
        if silence >= (self.spec.ready.start_timeout if starting else self.spec.ready.silence):
            self._next = _AfterStop.COUNT
            return self._terminate(f"no answer from {self.spec.ready.url} for {silence:.0f} s")
        if self.state is State.READY:
            return [self._enter(State.UNHEALTHY, f"no answer from {self.spec.ready.url}")]
        return []

    def _exited(self, code: int, now: float, jitter: float) -> list[Effect]:
        self.exit_code = code
        if self.state is State.STOPPING and self._next is _AfterStop.STOP:
            return [self._enter(State.STOPPED)]
        if self.state is State.STOPPING and self._next is _AfterStop.START:
            return self._start_again(now)
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
                reason = f"{_ended(code)}; starts again in {delay:.1f} s"
                return [self._enter(State.BACKOFF, reason), Timer(delay, BackoffOver(self.run))]
            case GiveUp(reason):
                self.given_up = decision
                return [self._enter(State.FAILED, reason)]
            case StayDown():
                return [self._enter(State.STOPPED)]

    def _grace_over(self) -> list[Effect]:
        reason = f"it did not end within {self.spec.grace:g} s and is killed"
        return [SignalGroup(kill=True), Report(self.state, reason)]

    def _stop_asked(self) -> list[Effect]:
        self._next = _AfterStop.STOP
        if self.state in (State.WAITING, State.BACKOFF):
            return [self._enter(State.STOPPED)]
        return [] if self.state is State.STOPPING else self._terminate()

    def _restart_asked(self, now: float) -> list[Effect]:
        self._failures = 0
        if self.state in (State.BACKOFF, State.FAILED):
            return self._start_again(now)
        if self.state is State.STOPPING:
            return []  # it is on its way, for good or for a fresh start
        self._next = _AfterStop.START
        return self._terminate("asked to restart")

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
    """What follows once a stopping process has ended: nothing, a start, or a failure that counts."""

    STOP = "stop"
    START = "start"
    COUNT = "count"


def _ended(code: int) -> str:
    return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
