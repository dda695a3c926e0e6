"""A gateway session under test, with a clock that the test moves."""

from __future__ import annotations

import json
from typing import Any

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.backoff import Backoff
from nescord_core.gateway.session.machine import Session
from nescord_core.gateway.session.states import Resumable, SessionRules, State

MAIN = "wss://main"
RESUME_HOST = "wss://resume"
RULES = SessionRules(backoff=Backoff(1.0, 8.0))
READY = json.dumps({"session_id": "one", "resume_gateway_url": RESUME_HOST, "application": {"id": "9"}})


class Rig:
    """A session and its clock."""

    def __init__(self, saved: Resumable | None = None, rules: SessionRules = RULES) -> None:
        self.session = Session((3, 16), token="tok", intents=513, gateway_url=MAIN, rules=rules, saved=saved)
        self.now = 100.0
        self.jitter = 0.5

    def handle(self, fact: s.Fact, after: float = 0.0) -> list[s.Effect]:
        self.now += after
        return self.session.handle(fact, self.now, self.jitter)

    def frame(
        self, op: int, d: object = None, seq: int | None = None, t: str | None = None
    ) -> list[s.Effect]:
        return self.handle(s.Frame(op, seq, t, json.dumps(d).encode()))

    def hello(self, interval: float = 40.0) -> list[s.Effect]:
        self.handle(s.Connected())
        return self.frame(10, {"heartbeat_interval": interval * 1000})

    def ready(self) -> list[s.Effect]:
        return self.handle(s.Frame(0, 1, "READY", READY.encode()))

    def due(self) -> list[s.Effect]:
        """Advance the clock to the session's deadline and tick."""
        assert self.session.deadline is not None
        self.now = max(self.now, self.session.deadline)
        return self.handle(s.Tick())

    def connected(self, interval: float = 40.0) -> Rig:
        self.handle(s.Start())
        self.hello(interval)
        self.handle(s.IdentifyGranted())
        self.ready()
        assert self.session.state is State.CONNECTED
        return self

    def resuming(self) -> Rig:
        """Drop the connection and reconnect up to RESUME."""
        self.handle(s.Closed(None))
        self.due()
        self.hello()
        assert self.session.state is State.RESUMING
        return self


def sent(effects: list[s.Effect]) -> dict[int, Any]:
    return {e.op: json.loads(e.data)["d"] for e in effects if isinstance(e, s.Send)}


def of(kind: type[Any], effects: list[s.Effect]) -> list[Any]:
    return [e for e in effects if isinstance(e, kind)]


def milestones(effects: list[s.Effect]) -> list[s.Milestone]:
    return [e.milestone for e in effects if isinstance(e, s.Report)]
