"""Restart policy: decides whether and when to restart a process that exited. No I/O, clock or chance."""

from __future__ import annotations

from dataclasses import dataclass

from nescord_core.supervisor.spec import RestartPolicy, When

__all__ = ["GiveUp", "Restart", "StayDown", "after_exit", "describe_exit"]


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart in ``delay`` seconds; ``failures`` is the new number of failures in a row."""

    delay: float
    failures: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not restart. ``reason`` completes "it ..."; ``exit_code`` becomes that of the whole run."""

    reason: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class StayDown:
    """Do not restart: the exit was expected."""


def after_exit(
    policy: RestartPolicy, *, exit_code: int, uptime: float, failures: int, jitter: float
) -> Restart | GiveUp | StayDown:
    """Decide what follows an exit that nobody requested.

    ``uptime`` is in seconds; ``failures`` is the number of exits in a row without a healthy period;
    ``jitter`` is a random number in [0, 1). ``exit_code`` is negative for the signal that killed it.
    """
    if exit_code in policy.final:
        return GiveUp(f"{_described(exit_code)}, which a restart would not fix", exit_code)
    if exit_code == 0 and policy.when is not When.ALWAYS:
        return StayDown()
    if policy.when is When.NEVER:
        return GiveUp(_described(exit_code), exit_code if exit_code > 0 else 1)
    failures = 1 if uptime >= policy.healthy_after else failures + 1
    if failures >= policy.give_up_after:
        return GiveUp(f"{_described(exit_code)} for the {_ordinal(failures)} time in a row", 1)
    delay = min(policy.base * 2 ** (failures - 1), policy.longest)
    return Restart(delay * (1 + policy.spread * jitter), failures)


def describe_exit(exit_code: int) -> str:
    """Return the exit as a phrase; ``exit_code`` is negative for a signal."""
    return f"killed by signal {-exit_code}" if exit_code < 0 else f"exited with code {exit_code}"


def _described(exit_code: int) -> str:
    return f"was {describe_exit(exit_code)}" if exit_code < 0 else describe_exit(exit_code)


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
