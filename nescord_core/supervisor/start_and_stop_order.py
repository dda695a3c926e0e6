"""Computes the order in which services start and stop, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from nescord_core.errors import ConfigError
from nescord_core.supervisor.spec import ServiceSpec

__all__ = ["check", "start_levels", "stop_after"]


def check(specs: Iterable[ServiceSpec]) -> dict[str, ServiceSpec]:
    """Return the specs by name.

    Raises:
        ConfigError: a duplicate name, an unknown dependency, or a dependency cycle.

    """
    plan: dict[str, ServiceSpec] = {}
    for spec in specs:
        if spec.name in plan:
            raise ConfigError(f"two services are named {spec.name}.")
        plan[spec.name] = spec
    for spec in plan.values():
        for other in (*spec.depends_on, *spec.stops_before):
            if other not in plan:
                raise ConfigError(
                    f"{spec.name} depends on {other}, which is not a service of this run.", where="services"
                )
    start_levels(plan)
    _levels(stop_after(plan), "stop")
    return plan


def start_levels(plan: Mapping[str, ServiceSpec]) -> list[tuple[str, ...]]:
    """Return the services by level: each level depends only on the levels before it."""
    return _levels({name: spec.depends_on for name, spec in plan.items()}, "start")


def stop_after(plan: Mapping[str, ServiceSpec]) -> dict[str, tuple[str, ...]]:
    """Return for every service the ones that must have stopped before it stops."""
    waits: dict[str, list[str]] = {name: [] for name in plan}
    for spec in plan.values():
        for other in dict.fromkeys((*spec.depends_on, *spec.stops_before)):
            waits[other].append(spec.name)
    return {name: tuple(others) for name, others in waits.items()}


def _levels(needs: Mapping[str, Iterable[str]], what: str) -> list[tuple[str, ...]]:
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        raise ConfigError(
            f"these services wait for each other to {what}: {cycle}.", where="services"
        ) from None
    levels: list[tuple[str, ...]] = []
    while sorter.is_active():
        level = sorter.get_ready()
        levels.append(tuple(sorted(level)))
        sorter.done(*level)
    return levels
