"""The limiter against a model of Discord in virtual time; ``benchmarks/limiter.py`` runs it for longer."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.route import Route, route_of
from support.ratelimit.discord_model import ModelDiscord, Simulation
from support.ratelimit.limiter_machine import MUTATIONS, PERIOD, AgainstDiscord, mutated


def post(channel: int) -> Route:
    return route_of("POST", f"/channels/{channel}/messages", unix_ms=0)


def simulate(
    kind: str, latency: float, *, count: int, channels: int, limit: int, global_limit: int
) -> Simulation:
    rnd = random.Random(7)
    discord = ModelDiscord(kind=kind, limit=limit, global_limit=global_limit)
    simulation = Simulation(
        Limiter(global_limit=global_limit), discord, lambda: latency * rnd.uniform(0.9, 1.1)
    )
    for number in range(count):
        simulation.submit(post(1000 + number % channels))
    simulation.run(300.0)
    return simulation


@pytest.mark.parametrize("latency", [0.0005, 0.02, 0.1])
@pytest.mark.parametrize("kind", ["fixed", "leaky", "log_last"])
def test_no_429_and_the_share_that_the_buckets_allow(kind: str, latency: float) -> None:
    simulation = simulate(kind, latency, count=200, channels=10, limit=5, global_limit=1000)
    assert simulation.discord.refused == 0
    assert len(simulation.done) == 200
    finished = max(at for at, _ in simulation.discord.served)
    windows = 3  # 20 per channel, 5 at once: the last five go after three periods
    assert finished <= windows * PERIOD / 0.98 + (windows + 2) * 2.5 * latency


@pytest.mark.parametrize("latency", [0.0005, 0.02, 0.1])
def test_no_429_and_nearly_all_of_the_global_limit(latency: float) -> None:
    simulation = simulate("fixed", latency, count=1000, channels=100, limit=50, global_limit=50)
    assert simulation.discord.refused == 0
    assert max(at for at, _ in simulation.discord.served) <= 19.0 / 0.95 + 5 * latency


def test_grants_are_first_in_first_out_in_every_channel() -> None:
    simulation = simulate("leaky", 0.05, count=300, channels=7, limit=5, global_limit=50)
    seen: dict[str, list[int]] = defaultdict(list)
    for _, ticket in simulation.grants:
        seen[ticket.route.major].append(ticket.seq)
    assert all(order == sorted(order) for order in seen.values())


SHORT = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
AgainstDiscord.TestCase.settings = SHORT
TestAgainstDiscord = AgainstDiscord.TestCase


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_in_the_limiter_is_found(name: str) -> None:
    """Without this, the runs against the model would prove nothing."""
    quickly = settings(SHORT, max_examples=400, derandomize=True, phases=[Phase.generate])
    with mutated(name), pytest.raises((AssertionError, ValueError, ExceptionGroup)):
        run_state_machine_as_test(AgainstDiscord, settings=quickly)
