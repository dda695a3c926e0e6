"""What is to run, as plain data: the whole plan exists before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

__all__ = ["ReadyProbe", "RestartPolicy", "ServiceSpec", "When"]


class When(Enum):
    """After which ends a service is started again. Its own fault is any exit code but 0."""

    ALWAYS = auto()
    ON_FAILURE = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How often a service may fail, and how long it waits in between; times in seconds.

    The wait doubles from ``base`` up to ``longest``; chance adds up to ``spread`` of it, so that several
    services do not come back in step. A service that was ready for ``healthy_after`` starts with a clean
    slate. After ``give_up_after`` exits without such a period it is given up. The exit codes in ``final`` (2:
    wrong configuration) are never tried again, because the next start would fail the same way.
    """

    when: When = When.ALWAYS
    base: float = 0.5
    longest: float = 30.0
    spread: float = 0.25
    healthy_after: float = 10.0
    give_up_after: int = 5
    final: frozenset[int] = frozenset({2})


@dataclass(frozen=True, slots=True)
class ReadyProbe:
    """Where to ask: the URL that answers 200 once the service does its work; times in seconds.

    A service counts as started when it first answers so. ``start_timeout`` is how long it may give no answer
    at all while starting, ``silence`` later on; past that it is restarted. One that answers "not ready" is
    left alone: it knows what it waits for. ``fast`` and ``slow`` are the intervals before and
    after it is ready.
    """

    url: str
    start_timeout: float = 30.0
    silence: float = 60.0
    timeout: float = 2.0
    fast: float = 0.05
    slow: float = 1.0


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One process to run.

    ``argv`` holds no secrets (everybody may read it); ``env`` is its whole environment and may.
    It starts once everything in ``depends_on`` is ready, and stops before those and before ``stops_before``.
    Without a ``ready`` probe it is ready as soon as it runs. ``grace`` is seconds from SIGTERM to SIGKILL.
    When a ``critical`` service is given up, the whole run ends. ``task`` marks a command that is expected to
    end: the run ends with it and takes over its exit code. ``address`` is shown to people.
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
