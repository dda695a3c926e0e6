"""The sessions of the sandbox's gateway: the events that each stores for a resume, and when each ends.

No I/O, no clock, no chance: ``now`` (monotonic seconds) comes in.

https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nescord_core.events import Intents
from nescord_core.snowflake import shard_of

__all__ = ["GatewayLimits", "Session", "SessionTable", "StoredEvent"]

DAY = 86_400.0
MAX_BEHIND = 100_000
"""Events that a connected client may be behind before its connection is closed."""


class StoredEvent(NamedTuple):
    """One event of a session. ``data`` is the JSON of ``d``, shared by all sessions that have the event.

    A ``transient`` event (RESUMED) is for one connection; a later resume does not send it again.
    """

    seq: int
    type: str
    data: bytes
    transient: bool

    def frame(self) -> bytes:
        """Return the whole payload as Discord sends it."""
        return b'{"t":"%b","s":%d,"op":0,"d":%b}' % (self.type.encode(), self.seq, self.data)


@dataclass(slots=True, eq=False)
class Session:
    """One session, attached to a connection or waiting for a RESUME."""

    id: str
    shard_id: int
    shard_count: int
    intents: Intents
    large_threshold: int
    began_at: float
    max_events: int
    seq: int = 0
    events: deque[StoredEvent] = field(default_factory=deque)
    connection: int | None = None
    detached_at: float = 0.0
    resumes: int = 0
    presence: Mapping[str, Any] | None = None

    def append(self, event: str, data: bytes, *, transient: bool = False) -> None:
        """Give an event its sequence number and store it; past ``max_events`` the oldest is dropped."""
        self.seq += 1
        self.events.append(StoredEvent(self.seq, event, data, transient))
        if len(self.events) > self.max_events:
            self.events.popleft()

    def can_replay(self, seq: int) -> bool:
        """Return whether all events after ``seq`` are still stored."""
        return seq >= self.seq - len(self.events)

    def after(self, seq: int, limit: int) -> list[StoredEvent]:
        """Return up to ``limit`` stored events that follow ``seq``."""
        missing = self.seq - seq
        count = len(self.events)
        if missing <= 0:
            return []
        # Indexing a deque is fast near its ends, and the end is where a live connection reads.
        first = max(count - missing, 0)
        return [self.events[at] for at in range(first, min(first + limit, count))]


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """The settings that the rules need; times are in seconds.

    ``replay_events`` is how many events a RESUME may bring, None for as many as on Discord. All members of a
    guild may be requested once in ``members_window``.
    """

    token: str = field(repr=False)
    heartbeat_interval: float = 41.25
    identify_window: float = 5.0
    max_concurrency: int = 1
    session_starts: int = 1000
    resume_window: float = 300.0
    replay_events: int | None = None
    disallowed_intents: int = 0
    members_window: float = 30.0


class SessionTable:
    """All sessions of the bot, and the limits on its IDENTIFYs: their rate, and how many a day."""

    def __init__(self, limits: GatewayLimits, *, new_id: Callable[[], str]) -> None:
        self.limits = limits
        self.sessions: dict[str, Session] = {}
        self._new_id = new_id
        self._identified_at: dict[int, float] = {}
        self._day_began: float | None = None
        self._started = 0
        self._by_shard: dict[tuple[int, int], list[Session]] = {}

    def begin(self, shard: tuple[int, int], intents: Intents, large_threshold: int, now: float) -> Session:
        """Start a session; older ones of the same shard stay, as on Discord."""
        self._started += 1
        self._identified_at[self._rate_limit_key(shard[0])] = now
        session = Session(
            self._new_id(),
            *shard,
            intents,
            large_threshold,
            began_at=now,
            max_events=MAX_BEHIND if self.limits.replay_events is None else self.limits.replay_events,
        )
        self.sessions[session.id] = session
        self._by_shard.setdefault(shard, []).append(session)
        return session

    def may_identify(self, shard_id: int, now: float) -> bool:
        """Return whether ``identify_window`` has passed since the last IDENTIFY with the same rate limit key.

        https://discord.com/developers/docs/events/gateway#sharding-max-concurrency
        """
        last = self._identified_at.get(self._rate_limit_key(shard_id))
        return last is None or now - last >= self.limits.identify_window

    def session_starts_left(self, now: float) -> tuple[int, float]:
        """Return how many sessions may still start today, and the seconds until the count resets."""
        if self._day_began is None or now - self._day_began >= DAY:
            self._day_began, self._started = now, 0
        return max(self.limits.session_starts - self._started, 0), DAY - (now - self._day_began)

    def for_guild(self, guild_id: int) -> Iterator[Session]:
        """Yield the sessions that get this guild's events; 0 stands for events without a guild (shard 0)."""
        for (shard_id, count), sessions in self._by_shard.items():
            if (shard_of(guild_id, count) if guild_id else 0) == shard_id:
                yield from sessions

    def detach(self, session: Session, connection: int, now: float) -> None:
        """Note that a session's connection is gone: it waits for a RESUME."""
        if session.connection == connection:
            session.connection, session.detached_at = None, now

    def end(self, session: Session) -> None:
        """End a session: it can no longer be resumed."""
        if self.sessions.pop(session.id, None) is not None:
            siblings = self._by_shard[session.shard_id, session.shard_count]
            siblings.remove(session)
            if not siblings:
                del self._by_shard[session.shard_id, session.shard_count]

    def expire(self, now: float) -> None:
        """End the sessions that have waited for a RESUME longer than ``resume_window``."""
        for session in list(self.sessions.values()):
            if session.connection is None and now - session.detached_at > self.limits.resume_window:
                self.end(session)

    def _rate_limit_key(self, shard_id: int) -> int:
        return shard_id % self.limits.max_concurrency
