"""Specifications of services, as plain data: the whole plan exists before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

__all__ = ["ReadyProbe", "RestartPolicy", "ServiceSpec", "When"]


class When(Enum):
    """After which exits a service restarts. A failure is any exit code but 0."""

    ALWAYS = auto()
    ON_FAILURE = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When a service restarts, after which delay, and when it is given up; times in seconds.

    The delay doubles from ``base`` up to ``longest``; jitter adds up to ``spread`` of it, so that several
    services do not restart in step. ``healthy_after`` seconds of readiness reset the failure count. After
    ``give_up_after`` failures in a row the service is given up. A start for which descriptors, memory or
    processes are lacking is no failure: it is tried again every ``shortage_pause`` seconds. An exit code in
    ``final`` (2: wrong configuration) is never retried, because the next start would fail the same way.
    """

    when: When = When.ALWAYS
    base: float = 0.5
    longest: float = 30.0
    spread: float = 0.25
    healthy_after: float = 10.0
    give_up_after: int = 5
    shortage_pause: float = 5.0
    final: frozenset[int] = frozenset({2})


@dataclass(frozen=True, slots=True)
class ReadyProbe:
    """URL that answers 200 once the service is ready; times in seconds.

    A service that does not answer at all for ``start_timeout`` (while starting) or ``silence`` (later) is
    restarted. One that answers "not ready" is not: it knows what it waits for. ``fast`` and ``slow`` are the
    intervals before and after it is ready. ``late`` seconds past a time-out the supervisor itself must have
    been suspended, and a silence means nothing.
    """

    url: str
    start_timeout: float = 30.0
    silence: float = 60.0
    timeout: float = 2.0
    fast: float = 0.05
    slow: float = 1.0
    late: float = 5.0


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One process to run.

    ``argv`` must hold no secrets, as every user can read it; ``env``, the whole environment, may. The service
    starts when everything in ``depends_on`` is ready; it stops before those and before ``stops_before``.
    Without a ``ready`` probe it is ready as soon as it runs. ``grace``: seconds from SIGTERM to SIGKILL.
    When a ``critical`` service is given up, the whole run ends. ``task`` marks a command that is expected to
    end: the run ends with it and returns its exit code. ``address`` is shown to users.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: Path = Path()
    depends_on: tuple[str, ...] = ()
    stops_before: tuple[str, ...] = ()
    ready: ReadyProbe | None = None
    grace: float = 10.0
    restart: RestartPolicy = RestartPolicy()
    critical: bool = True
    task: bool = False
    address: str = ""
