"""A model of Discord's limits in virtual time, written from the protocol and not from the limiter."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.response import BodyFacts, read
from nescord_core.ratelimit.route import Route
from nescord_core.ratelimit.tickets import Refusal, Ticket, TicketState


@dataclass
class ServerBucket:
    """kind: fixed, leaky, log_last (Reset is when the last use expires) or log_first (the first)."""

    kind: str
    limit: int
    period: float
    started: float = -1e9
    used: int = 0
    level: float = 0.0
    at: float = 0.0
    log: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> tuple[bool, int, float]:
        """Return (allowed, remaining, reset_after)."""
        return getattr(self, f"_{self.kind.split('_')[0]}")(now)  # type: ignore[no-any-return]

    def _fixed(self, now: float) -> tuple[bool, int, float]:
        if now >= self.started + self.period:
            self.started, self.used = now, 0
        allowed = self.used < self.limit
        self.used += allowed
        return allowed, self.limit - self.used, self.started + self.period - now

    def _leaky(self, now: float) -> tuple[bool, int, float]:
        interval = self.period / self.limit
        self.level = max(0.0, self.level - (now - self.at) / interval)
        self.at = now
        allowed = self.level <= self.limit - 1 + 1e-9
        if allowed:
            self.level += 1
        remaining = int(self.limit - self.level + 1e-9)
        return allowed, remaining, self.level * interval

    def _log(self, now: float) -> tuple[bool, int, float]:
        while self.log and self.log[0] + self.period <= now:
            self.log.popleft()
        allowed = len(self.log) < self.limit
        if allowed:
            self.log.append(now)
        edge = self.log[-1] if self.kind == "log_last" else self.log[0]
        return allowed, self.limit - len(self.log), edge + self.period - now


@dataclass
class ModelDiscord:
    """Answers requests; ``hashes`` maps method+template to a bucket hash ("" sends no headers)."""

    kind: str = "fixed"
    limit: int = 5
    period: float = 5.0
    global_limit: int = 50
    hashes: dict[str, str] = field(default_factory=dict)
    buckets: dict[str, ServerBucket] = field(default_factory=dict)
    global_log: deque[float] = field(default_factory=deque)
    refused: int = 0
    served: list[tuple[float, Ticket]] = field(default_factory=list)
    clock_skew: float = 1_700_000_000.0

    def answer(self, ticket: Ticket, now: float) -> Said:
        route = ticket.route
        if not route.exempt and not self._global_ok(now):
            self.refused += 1
            return 429, {"Via": "1.1 model", "X-RateLimit-Global": "true"}, BodyFacts(True, 0.5, True)
        name = self.hashes.get(f"{route.method} {route.template}", f"{route.method} {route.template}")
        if name == "":
            self.served.append((now, ticket))
            return 200, {}, None
        bucket = self.buckets.setdefault(
            f"{name}|{route.major}", ServerBucket(self.kind, self.limit, self.period)
        )
        allowed, remaining, after = bucket.take(now)
        headers = {
            "Via": "1.1 model",
            "X-RateLimit-Bucket": name,
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Reset": f"{now + after + self.clock_skew:.3f}",
        }
        if allowed:
            self.served.append((now, ticket))
            return 200, headers, None
        self.refused += 1
        if not route.exempt:
            self.global_log.pop()
        return 429, {**headers, "X-RateLimit-Scope": "user"}, BodyFacts(True, round(after, 3))

    def _global_ok(self, now: float) -> bool:
        while self.global_log and self.global_log[0] + 1.0 <= now:
            self.global_log.popleft()
        if len(self.global_log) >= self.global_limit:
            return False
        self.global_log.append(now)
        return True


Said = tuple[int, dict[str, str], BodyFacts | None]


class Simulation:
    """Drives a limiter against one Discord, or one per token; ``latency`` returns seconds each way.

    ``stray`` returns how much longer a response takes than that.
    """

    def __init__(
        self,
        limiter: Limiter,
        discord: ModelDiscord | Mapping[str, ModelDiscord],
        latency: Callable[[], float],
        stray: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.limiter = limiter
        self.discord = discord if isinstance(discord, ModelDiscord) else next(iter(discord.values()))
        self.latency = latency
        self.stray = stray
        self.now = 0.0
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.count = 0
        self.submitted = 0
        self.done: list[Ticket] = []
        self.refusals: list[Refusal] = []
        self.grants: list[tuple[float, Ticket]] = []
        self.lost: set[int] = set()
        self.gone: set[int] = set()
        self.retried: set[int] = set()
        self._discords = discord
        self._on_their_way: set[int] = set()
        self._unsent: set[int] = set()
        self._failing: dict[int, tuple[int, bool]] = {}

    @property
    def refused(self) -> int:
        """The number of 429s."""
        if isinstance(self._discords, ModelDiscord):
            return self._discords.refused
        return sum(discord.refused for discord in self._discords.values())

    def at(self, when: float, action: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (when, self.count, action))

    def submit(self, route: Route, token: str = "bot") -> Ticket | None:
        self.submitted += 1
        # Every other one takes the fast path: both have to keep the limits, also in combination.
        made = self.limiter.submit(route, token, self.now, at_once=self.submitted % 2 == 0)
        if isinstance(made, Refusal):
            self.refusals.append(made)
            return None
        if made.state is TicketState.GRANTED:
            self._granted(made)
        return made

    # -- cancelled requests, lost responses ------------------------------------------------------------------

    def leave(self, ticket: Ticket) -> None:
        """Cancel a queued ticket."""
        self.gone.add(ticket.seq)
        self.limiter.cancel(ticket, self.now)

    def is_on_its_way(self, ticket: Ticket) -> bool:
        return ticket.seq in self._on_their_way and ticket.state is TicketState.GRANTED

    def leave_unsent(self, ticket: Ticket) -> None:
        """Cancel a granted ticket whose request was never sent."""
        self._unsent.add(ticket.seq)
        self.gone.add(ticket.seq)
        self._on_their_way.discard(ticket.seq)
        self.limiter.cancel(ticket, self.now, sent=False)

    def leave_in_flight(self, ticket: Ticket) -> None:
        """Cancel a request that has not arrived yet; it still does."""
        self.gone.add(ticket.seq)
        self.limiter.cancel(ticket, self.now, sent=True)

    def fail(self, ticket: Ticket, times: int, *, counted: bool) -> None:
        """Let the next attempts end in a 502, which may or may not count in its bucket."""
        self._failing[ticket.seq] = (times, counted)

    # -- transport -------------------------------------------------------------------------------------------

    def pump(self) -> float:
        result = self.limiter.poll(self.now)
        self.refusals += [refusal for _, refusal in result.refused]
        for ticket in result.granted:
            self._granted(ticket)
        return result.wake

    def _granted(self, ticket: Ticket) -> None:
        self.grants.append((self.now, ticket))
        self._on_their_way.add(ticket.seq)
        self.at(self.now + self.latency(), lambda: self._arrive(ticket))

    def _arrive(self, ticket: Ticket) -> None:
        self._on_their_way.discard(ticket.seq)
        if ticket.seq in self._unsent:
            return
        discords = self._discords
        discord = discords if isinstance(discords, ModelDiscord) else discords[ticket.scope.key]
        times, counted = self._failing.pop(ticket.seq, (0, True))
        answer: Said = (502, {}, None)
        if counted or not times:
            said = discord.answer(ticket, self.now)
            answer = answer if times else said
        if ticket.state is not TicketState.GRANTED:
            return
        if times:
            self._failing[ticket.seq] = (times - 1, counted)
        if ticket.seq in self.lost:
            self.gone.add(ticket.seq)
            self.limiter.cancel(ticket, self.now, sent=True)
            return
        self.at(self.now + self.latency() + self.stray(), lambda: self._back(ticket, *answer))

    def _back(self, ticket: Ticket, status: int, headers: dict[str, str], body: BodyFacts | None) -> None:
        if ticket.state is not TicketState.GRANTED:
            return
        if self.limiter.complete(ticket, read(status, headers, body), self.now):
            return
        if status == 502:
            self.retried.add(ticket.seq)
            self.limiter.requeue(ticket, self.now, pause=0.2)
        else:
            self.done.append(ticket)

    def run(self, until: float) -> None:
        wake = self.pump()
        while True:
            upcoming = min(self.events[0][0] if self.events else float("inf"), wake)
            if upcoming > until:
                self.now = until
                return
            self.now = max(self.now, upcoming)
            while self.events and self.events[0][0] <= self.now:
                heapq.heappop(self.events)[2]()
            wake = self.pump()
