"""Tests the limiter against a model of Discord in virtual time, driven by hypothesis, with injected bugs.

Requests of two bots and all priorities arrive, wait, are cancelled, lose their responses, fail and are
retried. Discord must never send a 429, every request must end, none may overtake its like, and no slot may
leak.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from nescord_core.ratelimit import bucket, global_limit
from nescord_core.ratelimit.bucket import Bucket, Kind, Lane
from nescord_core.ratelimit.global_limit import GlobalLimit
from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.route import Priority, route_of
from nescord_core.ratelimit.scheduler import Scheduler
from nescord_core.ratelimit.tickets import Ticket, TicketBucket, TicketLane, TicketState, TokenScope
from support.ratelimit.discord_model import ModelDiscord, Simulation

PERIOD = 5.0
LIMIT = 5
GLOBAL = 20
BOTS = ("bot", "another")
ROUTES = [
    ("POST", "/channels/1/messages"),
    ("GET", "/channels/1/messages"),
    ("POST", "/channels/2/messages"),
    ("GET", "/gateway"),
    ("PUT", "/channels/1/messages/5/reactions/x/@me"),
    ("POST", "/webhooks/7/token"),
    ("POST", "/interactions/5/token/callback"),
]
HASHES = {
    # One hash for reading and writing messages, none for one route.
    "POST /channels/:id/messages": "same",
    "GET /channels/:id/messages": "same",
    "GET /gateway": "",
}


class AgainstDiscord(RuleBasedStateMachine):
    """See the module."""

    @initialize(
        kind=st.sampled_from(["fixed", "leaky", "log_last"]),
        latency=st.sampled_from([0.0, 0.001, 0.05, 0.4]),
        jitter=st.sampled_from([0.0, 0.05, 0.5]),
        skew=st.sampled_from([0.0, -3600.0, 1.7e9]),
        strays=st.sampled_from([0.0, 0.0, 0.2]),
        seed=st.integers(0, 1000),
    )
    def start(self, kind: str, latency: float, jitter: float, skew: float, strays: float, seed: int) -> None:
        rnd = random.Random(seed)
        discords = {
            bot: ModelDiscord(
                kind=kind, limit=LIMIT, period=PERIOD, global_limit=GLOBAL, hashes=HASHES, clock_skew=skew
            )
            for bot in BOTS
        }
        self.simulation = Simulation(
            Limiter(global_limit=GLOBAL),
            discords,
            lambda: latency * rnd.uniform(1.0 - jitter, 1.0 + jitter),
            lambda: rnd.uniform(0.5, 3.0) if rnd.random() < strays else 0.0,
        )
        for bot in BOTS:
            for method in ("POST", "GET"):
                # A first response tells which routes share a bucket; before it, no client can know.
                self.simulation.submit(route_of(method, "/channels/1/messages", unix_ms=0), bot)
        self.simulation.run(PERIOD + 2.0)
        self.tickets: list[Ticket] = []
        self.started = True

    # -- actions ---------------------------------------------------------------------------------------------

    @rule(
        path=st.sampled_from(ROUTES),
        bot=st.sampled_from(["bot", "bot", "another"]),
        priority=st.sampled_from([Priority.NORMAL, Priority.NORMAL, Priority.BULK]),
        count=st.integers(1, 12),
    )
    def submit(self, path: tuple[str, str], bot: str, priority: Priority, count: int) -> None:
        route = route_of(*path, unix_ms=0)
        if route.priority is Priority.NORMAL:
            route = route._replace(priority=priority)
        for _ in range(count):
            ticket = self.simulation.submit(route, bot)
            assert ticket is not None
            self.tickets.append(ticket)

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 2.7, 5.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.simulation.run(self.simulation.now + seconds)

    @rule(which=st.integers(0, 10_000))
    def leave_the_queue(self, which: int) -> None:
        self._with(which, lambda t: t.state is TicketState.QUEUED, self.simulation.leave)

    @rule(which=st.integers(0, 10_000))
    def leave_before_it_is_sent(self, which: int) -> None:
        self._with(which, self.simulation.is_on_its_way, self.simulation.leave_unsent)

    @rule(which=st.integers(0, 10_000))
    def leave_in_flight(self, which: int) -> None:
        on_its_way = self.simulation.is_on_its_way
        self._with(which, lambda t: on_its_way(t) and _is_known(t), self.simulation.leave_in_flight)

    @rule(which=st.integers(0, 10_000))
    def lose_an_answer(self, which: int) -> None:
        self._with(which, _is_known, lambda ticket: self.simulation.lost.add(ticket.seq))

    @rule(which=st.integers(0, 10_000), counted=st.booleans(), times=st.integers(1, 3))
    def fail_and_be_tried_again(self, which: int, counted: bool, times: int) -> None:
        self._with(which, _is_known, lambda ticket: self.simulation.fail(ticket, times, counted=counted))

    def _with(self, which: int, fits: Callable[[Ticket], bool], action: Callable[[Ticket], None]) -> None:
        fitting = [ticket for ticket in self.tickets if fits(ticket)]
        if fitting:
            action(fitting[which % len(fitting)])

    # -- invariants ------------------------------------------------------------------------------------------

    @invariant()
    def discord_never_said_429(self) -> None:
        if hasattr(self, "started"):
            assert self.simulation.refused == 0

    @invariant()
    def no_slot_leaks(self) -> None:
        if not hasattr(self, "started"):
            return
        states = [ticket.state for ticket in self.tickets]
        assert self.simulation.limiter.waiting == states.count(TicketState.QUEUED)
        assert self.simulation.limiter.in_flight == states.count(TicketState.GRANTED)

    def teardown(self) -> None:
        if not hasattr(self, "started"):
            return
        # Every bucket allows LIMIT per PERIOD, so this is enough time unless a request starves.
        self.simulation.run(self.simulation.now + 90.0 + PERIOD * len(self.tickets))
        assert all(ticket.state is TicketState.DONE for ticket in self.tickets), "somebody starves"
        answered = {ticket.seq for ticket in self.simulation.done}
        assert {ticket.seq for ticket in self.tickets} <= answered | self.simulation.gone, "one is forgotten"
        assert self.simulation.refused == 0
        self._check_order()
        self._check_rest()

    def _check_order(self) -> None:
        order: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for _, ticket in self.simulation.grants:
            route = ticket.route
            if ticket.tries == 1 or ticket.seq not in self.simulation.retried:
                key = (ticket.scope.key, route.template + route.method, route.major, route.priority)
                order[key].append(ticket.seq)
        for seqs in order.values():
            firsts = list(dict.fromkeys(seqs))
            assert firsts == sorted(firsts), "a later one went ahead"

    def _check_rest(self) -> None:
        """In the end a full window is available at once: no slot has leaked."""
        until = self.simulation.now
        self.simulation.stray = lambda: 0.0
        self.simulation.run(until + 20 * PERIOD)
        for bot in BOTS:
            tickets = [
                self.simulation.submit(route_of("POST", "/channels/2/messages", unix_ms=0), bot)
                for _ in range(LIMIT)
            ]
            self.simulation.run(self.simulation.now + 5.0)
            assert all(ticket and ticket.state is TicketState.DONE for ticket in tickets), "a slot leaked"
        assert self.simulation.refused == 0


def _is_known(ticket: Ticket) -> bool:
    """Whether a response revealed what its bucket allows; a lost one teaches nothing."""
    lane = ticket.lane
    return ticket.state is not TicketState.DONE and lane is not None and lane.bucket.kind is not Kind.UNKNOWN


# -- deliberate bugs -------------------------------------------------------------------------------------


def _cancel_nothing(self: Limiter, ticket: Ticket, now: float, *, sent: bool = False) -> None:
    ticket.state = TicketState.DONE


def _last_first(self: TicketLane, ticket: Ticket) -> None:
    heapq.heappush(self.heap, (-ticket.rank, -ticket.seq, ticket))


def _never_told(self: GlobalLimit, granted_at: float, flight: object) -> None:
    self._drop(granted_at)


_touch = Scheduler.touch


def _without_a_timer(self: Scheduler, scope: TokenScope, touched: TicketBucket, now: float) -> None:
    _touch(self, scope, touched, now)
    self._timers.clear()


MUTATIONS: dict[str, tuple[Any, str, Any]] = {
    "a cancelled slot is not given back": (Limiter, "cancel", _cancel_nothing),
    "the last comes first": (Lane, "push", _last_first),
    "a lost request is not counted": (Bucket, "debit", lambda self, now: None),
    "a request in flight is not counted": (Bucket, "in_flight", property(lambda s: 0, lambda s, v: None)),
    "windows end early": (bucket, "MARGIN", -0.3),
    "an answered request leaves the second at once": (GlobalLimit, "answered", _never_told),
    "the second is too short": (global_limit, "WINDOW", 0.9),
    "a failed one is not queued again": (Limiter, "requeue", lambda *_, **__: None),
    "a timer is forgotten": (Scheduler, "touch", _without_a_timer),
}


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Inject a bug into the limiter while the block runs."""
    owner, attribute, value = MUTATIONS[name]
    before = owner.__dict__[attribute]
    setattr(owner, attribute, value)
    try:
        yield
    finally:
        setattr(owner, attribute, before)
