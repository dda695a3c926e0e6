"""The server's side of a gateway connection: what may be said when, and what a session remembers.

No I/O, no clock, no chance: frames and `now` (monotonic seconds) come in, effects come out, and `gateway`
carries them out. Written from Discord's documentation alone, so that it tests the client half instead of
agreeing with it.

https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from nescord_core.events import Intents
from nescord_core.sandbox.gateway.protocol import (
    ALLOWED_OPS,
    CLIENT_OPS,
    Close,
    CloseCode,
    Command,
    Frame,
    Op,
    Phase,
)
from nescord_core.snowflake import shard_of

__all__ = [
    "ConnectionRules",
    "Effect",
    "GatewayLimits",
    "Session",
    "SessionResumed",
    "SessionStarted",
    "SessionTable",
    "StoredEvent",
]

MAX_PAYLOAD = 4096
"""Bytes of one payload that a client may send
(https://discord.com/developers/docs/events/gateway#sending-events)."""
SEND_LIMIT, SEND_WINDOW = 120, 60.0
"""Payloads that a connection may send per seconds, heartbeats included
(https://discord.com/developers/docs/events/gateway#rate-limiting)."""
DAY = 86_400.0
GUILDS_PER_SHARD = 2500
"""More guilds than this on one shard is answered with 4011
(https://discord.com/developers/docs/events/gateway#sharding)."""
HEARTBEAT_TIMEOUT = 1.75
"""Intervals without a heartbeat after which the connection counts as dead; Discord gives no number."""


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A session began: send READY and the guilds of its shard."""

    session: Session


@dataclass(frozen=True, slots=True)
class SessionResumed:
    """A session goes on: send what it missed after ``seq``, then RESUMED."""

    session: Session
    seq: int


Effect = Frame | SessionStarted | SessionResumed | Command | Close


class StoredEvent(NamedTuple):
    """One event of a session. ``data`` is the JSON of ``d``, shared by every session that has the event.

    A ``transient`` event (RESUMED) belongs to one connection and is not sent again by a later resume.
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
    """What is kept of one session, attached to a connection or waiting for a RESUME."""

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
        """Number one event and keep it for a resume; the oldest ones past the bound are forgotten."""
        self.seq += 1
        self.events.append(StoredEvent(self.seq, event, data, transient))
        if len(self.events) > self.max_events:
            self.events.popleft()

    def can_replay(self, seq: int) -> bool:
        """Say whether everything after ``seq`` is still kept."""
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
    """The part of the settings that the rules need; times in seconds."""

    token: str = field(repr=False)
    heartbeat_interval: float = 41.25
    identify_window: float = 5.0
    max_concurrency: int = 1
    session_starts: int = 1000
    resume_window: float = 300.0
    replay_events: int = 100_000
    disallowed_intents: int = 0


class SessionTable:
    """All sessions of the bot, the pacing of its IDENTIFYs and the day's budget of them."""

    def __init__(self, limits: GatewayLimits, *, new_id: Callable[[], str]) -> None:
        self.limits = limits
        self.sessions: dict[str, Session] = {}
        self._new_id = new_id
        self._identified_at: dict[int, float] = {}
        self._day_began: float | None = None
        self._started = 0
        self._by_shard: dict[tuple[int, int], list[Session]] = {}

    def begin(self, shard: tuple[int, int], intents: Intents, large_threshold: int, now: float) -> Session:
        """Start a session; older ones of the same shard go on, as on Discord."""
        self._started += 1
        self._identified_at[self._rate_limit_key(shard[0])] = now
        session = Session(
            self._new_id(),
            *shard,
            intents,
            large_threshold,
            began_at=now,
            max_events=self.limits.replay_events,
        )
        self.sessions[session.id] = session
        self._by_shard.setdefault(shard, []).append(session)
        return session

    def may_identify(self, shard_id: int, now: float) -> bool:
        """Say whether this IDENTIFY keeps to one per window and key.

        https://discord.com/developers/docs/events/gateway#sharding-max-concurrency
        """
        last = self._identified_at.get(self._rate_limit_key(shard_id))
        return last is None or now - last >= self.limits.identify_window

    def session_starts_left(self, now: float) -> tuple[int, float]:
        """Return how many session starts the day still allows, and the seconds until it starts anew."""
        if self._day_began is None or now - self._day_began >= DAY:
            self._day_began, self._started = now, 0
        return max(self.limits.session_starts - self._started, 0), DAY - (now - self._day_began)

    def for_guild(self, guild_id: int) -> Iterator[Session]:
        """Every session that carries this guild's events; 0 stands for what has no guild (shard 0)."""
        for (shard_id, count), sessions in self._by_shard.items():
            if (shard_of(guild_id, count) if guild_id else 0) == shard_id:
                yield from sessions

    def detach(self, session: Session, connection: int, now: float) -> None:
        """The connection is gone; the session waits for a RESUME."""
        if session.connection == connection:
            session.connection, session.detached_at = None, now

    def end(self, session: Session) -> None:
        """Forget a session: a RESUME of it is refused from now on."""
        if self.sessions.pop(session.id, None) is not None:
            siblings = self._by_shard[session.shard_id, session.shard_count]
            siblings.remove(session)
            if not siblings:
                del self._by_shard[session.shard_id, session.shard_count]

    def expire(self, now: float) -> None:
        """Forget the sessions that have waited for a RESUME longer than the window."""
        for session in list(self.sessions.values()):
            if session.connection is None and now - session.detached_at > self.limits.resume_window:
                self.end(session)

    def _rate_limit_key(self, shard_id: int) -> int:
        return shard_id % self.limits.max_concurrency


class ConnectionRules:
    """The rules of one connection. Feed it frames and time; carry out what it returns."""

    def __init__(
        self,
        table: SessionTable,
        *,
        connection_id: int,
        now: float,
        guild_ids: Callable[[], Collection[int]],
        refuse_resume: Callable[[], bool] = lambda: False,
    ) -> None:
        self.table = table
        self.id = connection_id
        self.phase = Phase.AWAITING
        self.session: Session | None = None
        self.last_heartbeat = now
        self.heartbeats = 0
        self._guild_ids = guild_ids
        self._refuse_resume = refuse_resume
        self._sent_at: deque[float] = deque()

    def on_open(self, version: str) -> tuple[Effect, ...]:
        """Greet; an API version that is not 10 or 9 is closed with 4012 (Discord's default is 6)."""
        if version not in ("9", "10"):
            return self._close(CloseCode.INVALID_API_VERSION, f"Invalid API version: {version or 6}.")
        return (Frame(Op.HELLO, {"heartbeat_interval": int(self.table.limits.heartbeat_interval * 1000)}),)

    def on_payload(self, raw: bytes, now: float) -> tuple[Effect, ...]:
        """One payload came in."""
        if self.phase is Phase.CLOSED:
            return ()
        if len(raw) > MAX_PAYLOAD:
            return self._close(CloseCode.DECODE_ERROR, f"Payload is larger than {MAX_PAYLOAD} bytes.")
        if self._over_send_limit(now):
            return self._close(CloseCode.RATE_LIMITED, "You are being rate limited.")
        try:
            payload = msgspec.json.decode(raw, type=_Payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._close(CloseCode.DECODE_ERROR, "Error while decoding payload.")
        if payload.op not in CLIENT_OPS:
            return self._close(CloseCode.UNKNOWN_OPCODE, f"Unknown opcode {payload.op}.")
        return self._on_op(Op(payload.op), payload.d, now)

    def tick(self, now: float) -> tuple[Effect, ...]:
        """Close what has not sent a heartbeat for too long."""
        if self.phase is Phase.CLOSED:
            return ()
        if now - self.last_heartbeat > self.table.limits.heartbeat_interval * HEARTBEAT_TIMEOUT:
            return self._close(CloseCode.SESSION_TIMED_OUT, "Your session timed out: no heartbeat came.")
        return ()

    def invalidate(self, resumable: bool) -> tuple[Effect, ...]:
        """Tell the client that its session is invalid (opcode 9); without ``resumable`` it is forgotten."""
        if self.session is not None and not resumable:
            self.table.end(self.session)
            self.session = None
            self.phase = Phase.AWAITING
        return (Frame(Op.INVALID_SESSION, resumable),)

    def on_disconnect(self, client_code: int | None, now: float) -> None:
        """The connection is gone. A client that closed with 1000 or 1001 has ended its session.

        https://discord.com/developers/docs/events/gateway#disconnecting
        """
        self.phase = Phase.CLOSED
        if self.session is None:
            return
        if client_code in (1000, 1001) and self.session.connection == self.id:
            self.table.end(self.session)
        self.table.detach(self.session, self.id, now)

    def _over_send_limit(self, now: float) -> bool:
        while self._sent_at and now - self._sent_at[0] >= SEND_WINDOW:
            self._sent_at.popleft()
        self._sent_at.append(now)
        return len(self._sent_at) > SEND_LIMIT

    def _on_op(self, op: Op, d: Any, now: float) -> tuple[Effect, ...]:
        if op not in ALLOWED_OPS[self.phase]:
            if self.phase is Phase.AWAITING:
                return self._close(CloseCode.NOT_AUTHENTICATED, "Not authenticated.")
            return self._close(CloseCode.ALREADY_AUTHENTICATED, "Already authenticated.")
        if op is Op.HEARTBEAT:
            return self._on_heartbeat(d, now)
        if not isinstance(d, dict):
            return self._close(CloseCode.DECODE_ERROR, "Error while decoding payload.")
        if op is Op.IDENTIFY:
            return self._on_identify(d, now)
        if op is Op.RESUME:
            return self._on_resume(d)
        return (Command(op, d),)

    def _on_heartbeat(self, d: Any, now: float) -> tuple[Effect, ...]:
        if d is not None and (not isinstance(d, int) or isinstance(d, bool)):
            return self._close(CloseCode.DECODE_ERROR, "A heartbeat's d is a sequence number or null.")
        self.last_heartbeat = now
        self.heartbeats += 1
        return (Frame(Op.HEARTBEAT_ACK),)

    def _on_identify(self, d: dict[str, Any], now: float) -> tuple[Effect, ...]:
        if d.get("token") != self.table.limits.token:
            return self._close(CloseCode.AUTHENTICATION_FAILED, "Authentication failed.")
        refused = _check_identify(d) or self._check_intents(d["intents"]) or self._check_shard(d.get("shard"))
        if refused is not None:
            return self._close(refused.code, refused.reason)
        shard_id, count = d.get("shard") or (0, 1)
        if not self.table.may_identify(shard_id, now):
            return (Frame(Op.INVALID_SESSION, False),)
        if not self.table.session_starts_left(now)[0]:
            # Past the day's budget Discord resets the token, so that it is no longer valid.
            return self._close(CloseCode.AUTHENTICATION_FAILED, "Session start limit used up.")
        intents = Intents(d["intents"])
        session = self.table.begin((shard_id, count), intents, d.get("large_threshold", 50), now)
        session.presence = d.get("presence")
        self._attach(session)
        return (SessionStarted(session),)

    def _check_intents(self, bits: int) -> Close | None:
        if bits < 0 or bits & ~Intents.all().value:
            return Close(CloseCode.INVALID_INTENTS, "Invalid intent(s).")
        if bits & self.table.limits.disallowed_intents & Intents.privileged().value:
            return Close(CloseCode.DISALLOWED_INTENTS, "Disallowed intent(s).")
        return None

    def _check_shard(self, shard: list[int] | None) -> Close | None:
        shard_id, count = shard or (0, 1)
        if not 0 <= shard_id < count:
            return Close(CloseCode.INVALID_SHARD, "Invalid shard.")
        guilds = sum(1 for guild_id in self._guild_ids() if shard_of(guild_id, count) == shard_id)
        if guilds > GUILDS_PER_SHARD:
            return Close(CloseCode.SHARDING_REQUIRED, "Sharding required.")
        return None

    def _on_resume(self, d: dict[str, Any]) -> tuple[Effect, ...]:
        token, session_id, seq = d.get("token"), d.get("session_id"), d.get("seq")
        if not isinstance(session_id, str) or not isinstance(seq, int) or isinstance(seq, bool):
            return self._close(CloseCode.DECODE_ERROR, "Error while decoding payload.")
        if token != self.table.limits.token:
            return self._close(CloseCode.AUTHENTICATION_FAILED, "Authentication failed.")
        session = self.table.sessions.get(session_id)
        if session is None or self._refuse_resume():
            return (Frame(Op.INVALID_SESSION, False),)
        if seq > session.seq or seq < 0:
            self.table.end(session)
            return self._close(CloseCode.INVALID_SEQ, "Invalid seq.")
        if not session.can_replay(seq):
            self.table.end(session)
            return (Frame(Op.INVALID_SESSION, False),)
        session.resumes += 1
        self._attach(session)
        return (SessionResumed(session, seq),)

    def _attach(self, session: Session) -> None:
        session.connection = self.id
        self.session = session
        self.phase = Phase.ACTIVE

    def _close(self, code: int, reason: str) -> tuple[Effect, ...]:
        self.phase = Phase.CLOSED
        return (Close(int(code), reason),)


class _Payload(msgspec.Struct):
    op: int
    d: Any = None


def _check_identify(d: Mapping[str, Any]) -> Close | None:
    """The structure of IDENTIFY (https://discord.com/developers/docs/events/gateway-events#identify)."""
    shard = d.get("shard")
    fits = (
        isinstance(d.get("properties"), dict)
        and _is_int(d.get("intents"))
        and (shard is None or (isinstance(shard, list) and len(shard) == 2 and all(map(_is_int, shard))))
        and _is_int(threshold := d.get("large_threshold", 50))
        and 50 <= threshold <= 250
        and isinstance(d.get("presence"), dict | None)
    )
    return None if fits else Close(CloseCode.DECODE_ERROR, "Error while decoding payload.")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
