"""Whether and when a process that ended is started again. Pure: time and chance come in."""

from __future__ import annotations

from dataclasses import dataclass

from nescord_core.supervisor.spec import RestartPolicy, When

__all__ = ["GiveUp", "Restart", "StayDown", "after_exit"]


@dataclass(frozen=True, slots=True)
class Restart:
    """Start again in ``delay`` seconds; ``failures`` in a row count from now on."""

    delay: float
    failures: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not start again; ``reason`` ends the sentence "it ...", ``exit_code`` is for the whole run."""

    reason: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class StayDown:
    """It ended as it should."""


def after_exit(
    policy: RestartPolicy, *, exit_code: int, uptime: float, failures: int, jitter: float
) -> Restart | GiveUp | StayDown:
    """Decide after an end that nobody asked for.

    ``uptime`` is in seconds; ``failures`` is how many exits in a row came without a healthy period;
    ``jitter`` is a chance in [0, 1). ``exit_code`` is negative for the signal that ended it.
    """
    if exit_code in policy.final:
        return GiveUp(f"{_described(exit_code)}, which starting again would not change", exit_code)
    if exit_code == 0 and policy.when is not When.ALWAYS:
        return StayDown()
    if policy.when is When.NEVER:
        return GiveUp(_described(exit_code), exit_code if exit_code > 0 else 1)
    failures = 1 if uptime >= policy.healthy_after else failures + 1
    if failures >= policy.give_up_after:
        return GiveUp(f"{_described(exit_code)}, the {_ordinal(failures)} time in a row", 1)
    delay = min(policy.base * 2 ** (failures - 1), policy.longest)
    return Restart(delay * (1 + policy.spread * jitter), failures)


def _described(exit_code: int) -> str:
    return f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
