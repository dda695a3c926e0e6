"""The limiter against a model of Discord in virtual time."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from nescord_core.ratelimit.bucket import Kind
from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.route import Priority, Route, route_of
from nescord_core.ratelimit.tickets import Ticket, TicketState
from support.discord_model import ModelDiscord, Simulation

PERIOD = 5.0
LIMIT = 5


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
    windows = 3  # 20 a channel, 5 at once: the last five go after three periods
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


class AgainstDiscord(RuleBasedStateMachine):
    """Submits, waits, leaves, loses connections; Discord must never say 429 and everything must end."""

    @initialize(
        kind=st.sampled_from(["fixed", "leaky", "log_last"]),
        latency=st.sampled_from([0.0, 0.001, 0.05, 0.4]),
        seed=st.integers(0, 1000),
    )
    def start(self, kind: str, latency: float, seed: int) -> None:
        rnd = random.Random(seed)
        # One hash for reading and writing messages, none at all for one route.
        hashes = {
            "POST /channels/:id/messages": "same",
            "GET /channels/:id/messages": "same",
            "GET /gateway": "",
        }
        discord = ModelDiscord(kind=kind, limit=LIMIT, period=PERIOD, global_limit=20, hashes=hashes)
        self.simulation = Simulation(
            Limiter(global_limit=20), discord, lambda: latency * rnd.uniform(0.95, 1.05)
        )
        for path in ("POST", "GET"):
            # Which routes share a bucket is told by a first answer; before it, no client can know.
            self.simulation.submit(route_of(path, "/channels/1/messages", unix_ms=0))
        self.simulation.run(PERIOD + 1.0)
        self.tickets: list[Ticket] = []
        self.left: set[int] = set()
        self.lost: set[int] = set()
        self.simulation.drop = lambda ticket: ticket.seq in self.lost

    @rule(
        path=st.sampled_from(
            [
                ("POST", "/channels/1/messages"),
                ("GET", "/channels/1/messages"),
                ("POST", "/channels/2/messages"),
                ("GET", "/gateway"),
                ("PUT", "/channels/1/messages/5/reactions/x/@me"),
                ("POST", "/interactions/5/token/callback"),
            ]
        ),
        priority=st.sampled_from([Priority.NORMAL, Priority.NORMAL, Priority.BULK]),
        count=st.integers(1, 12),
    )
    def submit(self, path: tuple[str, str], priority: Priority, count: int) -> None:
        route = route_of(*path, unix_ms=0)
        if route.priority is Priority.NORMAL:
            route = route._replace(priority=priority)
        for _ in range(count):
            ticket = self.simulation.submit(route, "bot" if route.authenticated else "")
            assert ticket is not None
            self.tickets.append(ticket)

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 2.7, 5.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.simulation.run(self.simulation.now + seconds)

    @rule(which=st.integers(0, 10_000))
    def leave_the_queue(self, which: int) -> None:
        queued = [ticket for ticket in self.tickets if ticket.state is TicketState.QUEUED]
        if queued:
            ticket = queued[which % len(queued)]
            self.simulation.limiter.cancel(ticket, self.simulation.now)
            self.left.add(ticket.seq)

    @rule(which=st.integers(0, 10_000))
    def lose_an_answer(self, which: int) -> None:
        waiting = [
            ticket
            for ticket in self.tickets
            if ticket.state is not TicketState.DONE
            and ticket.lane is not None
            and ticket.lane.bucket.kind is not Kind.UNKNOWN
        ]
        if waiting:
            self.lost.add(waiting[which % len(waiting)].seq)

    @invariant()
    def discord_never_said_429(self) -> None:
        if hasattr(self, "simulation"):
            assert self.simulation.discord.refused == 0

    @invariant()
    def no_slot_leaks(self) -> None:
        if hasattr(self, "simulation"):
            states = [ticket.state for ticket in self.tickets]
            assert self.simulation.limiter.waiting == states.count(TicketState.QUEUED)
            assert self.simulation.limiter.in_flight == states.count(TicketState.GRANTED)

    def teardown(self) -> None:
        if not hasattr(self, "simulation"):
            return
        # Every bucket gives LIMIT in PERIOD, so that this is time enough unless somebody starves.
        self.simulation.run(self.simulation.now + 60.0 + PERIOD * len(self.tickets))
        assert all(ticket.state is TicketState.DONE for ticket in self.tickets)
        assert self.simulation.discord.refused == 0
        self._check_order()

    def _check_order(self) -> None:
        order: dict[tuple[str, str, Priority], list[int]] = defaultdict(list)
        for _, ticket in self.simulation.grants:
            route = ticket.route
            order[route.template + route.method, route.major, route.priority].append(ticket.seq)
        assert all(seqs == sorted(seqs) for seqs in order.values())


AgainstDiscord.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAgainstDiscord = AgainstDiscord.TestCase
