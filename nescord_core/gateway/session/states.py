"""The states of a session, which facts may come in each, and what a session is made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from nescord_core.gateway.session import signals as s
from nescord_core.gateway.session.backoff import Backoff

__all__ = ["ENDED", "LEGAL", "WIRED", "Resumable", "SessionRules", "State"]


class State(Enum):
    """Where a session is."""

    NEW = auto()
    WAITING = auto()
    CONNECTING = auto()
    AWAITING_HELLO = auto()
    AWAITING_PERMIT = auto()
    IDENTIFYING = auto()
    RESUMING = auto()
    CONNECTED = auto()
    STOPPED = auto()
    FATAL = auto()


_ON_WIRE = frozenset({s.Frame, s.Closed, s.Corrupt, s.Tick, s.Stop})

LEGAL: Mapping[State, frozenset[type[s.Fact]]] = {
    State.NEW: frozenset({s.Start, s.Stop}),
    State.WAITING: frozenset({s.Tick, s.Stop}),
    State.CONNECTING: frozenset({s.Connected, s.ConnectFailed, s.Tick, s.Stop}),
    State.AWAITING_HELLO: _ON_WIRE,
    State.AWAITING_PERMIT: _ON_WIRE | {s.IdentifyGranted, s.IdentifyRefused},
    State.IDENTIFYING: _ON_WIRE,
    State.RESUMING: _ON_WIRE,
    State.CONNECTED: _ON_WIRE,
    State.STOPPED: frozenset(),
    State.FATAL: frozenset(),
}
"""Which facts may come in which state; the driver drops what belongs to an earlier connection."""

ENDED = frozenset({State.STOPPED, State.FATAL})

WIRED = frozenset(state for state, facts in LEGAL.items() if s.Frame in facts)
"""States in which there is a connection."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Time-outs in seconds. A connection that held for ``stable_after`` makes the next retry immediate.

    ``invalid_wait`` is how long to wait after an invalid session: Discord asks for 1 to 5 seconds.
    ``resume_tries`` bounds the RESUMEs in a row that end without a single event.
    """

    connect_timeout: float = 15.0
    hello_timeout: float = 20.0
    ready_timeout: float = 60.0
    stable_after: float = 10.0
    invalid_wait: tuple[float, float] = (1.0, 5.0)
    resume_tries: int = 3
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, slots=True)
class Resumable:
    """What RESUME needs. ``url`` is None when the resume host is not to be trusted."""

    session_id: str
    seq: int
    url: str | None = None
