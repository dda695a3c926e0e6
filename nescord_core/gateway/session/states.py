"""The states of a session, the facts that are legal in each, and the rules it is configured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.backoff import Backoff

__all__ = ["ENDED", "LEGAL", "WIRED", "Resumable", "SessionRules", "State"]


class State(Enum):
    """The state of a session."""

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


_ON_WIRE = frozenset({s.Frame, s.Closed, s.Corrupt, s.Unreadable, s.OutOfSequence, s.Renew, s.Tick, s.Stop})

LEGAL: Mapping[State, frozenset[type[s.Fact]]] = {
    State.NEW: frozenset({s.Start, s.Renew, s.Stop}),
    State.WAITING: frozenset({s.Renew, s.Tick, s.Stop}),
    State.CONNECTING: frozenset({s.Connected, s.ConnectFailed, s.Renew, s.Tick, s.Stop}),
    State.AWAITING_HELLO: _ON_WIRE,
    State.AWAITING_PERMIT: _ON_WIRE | {s.IdentifyGranted, s.IdentifyRefused},
    State.IDENTIFYING: _ON_WIRE,
    State.RESUMING: _ON_WIRE,
    State.CONNECTED: _ON_WIRE,
    State.STOPPED: frozenset(),
    State.FATAL: frozenset(),
}
"""The legal facts of each state; the driver drops those of an earlier connection."""

ENDED = frozenset({State.STOPPED, State.FATAL})

WIRED = frozenset(state for state, facts in LEGAL.items() if s.Frame in facts)
"""States with an open connection."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Time-outs in seconds.

    Losing a connection that reached READY or RESUMED is not a failed attempt: the next RESUME follows at once
    or, within ``stable_after`` of the previous loss, after ``soon``. That bounds its RESUMEs and leaves
    time for TLS and Hello within two seconds. Only attempts that did not get that far increase the
    wait (``backoff``).

    ``invalid_wait`` is the wait after Invalid Session: Discord asks for 1 to 5 seconds. ``resume_tries``
    bounds the consecutive RESUMEs that bring no event.
    """

    connect_timeout: float = 15.0
    hello_timeout: float = 20.0
    ready_timeout: float = 60.0
    stable_after: float = 10.0
    soon: tuple[float, float] = (1.0, 1.5)
    invalid_wait: tuple[float, float] = (1.0, 5.0)
    resume_tries: int = 3
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, slots=True)
class Resumable:
    """The data that RESUME needs. ``url`` is None when the resume host is not to be trusted."""

    session_id: str
    seq: int
    url: str | None = None
