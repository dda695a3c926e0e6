"""The rules of one gateway connection: which payloads are legal when, and what follows from each.

No I/O, no clock, no chance: payloads and ``now`` (monotonic seconds) come in, and effects come out, which
`connection` applies. Written from Discord's documentation alone, so that it tests the client half instead of
agreeing with it.

https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

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
from nescord_core.sandbox.gateway.sessions import Session, SessionTable
from nescord_core.snowflake import shard_of

__all__ = ["UNDOCUMENTED_INTENTS", "ConnectionRules", "Effect", "SessionResumed", "SessionStarted"]

MAX_PAYLOAD = 4096
"""Bytes of one payload that a client may send
(https://discord.com/developers/docs/events/gateway#sending-events)."""
SEND_LIMIT, SEND_WINDOW = 120, 60.0
"""Payloads that a connection may send in this many seconds, heartbeats included
(https://discord.com/developers/docs/events/gateway#rate-limiting)."""
GUILDS_PER_SHARD = 2500
"""Guilds that one shard may have; more are refused with 4011
(https://discord.com/developers/docs/events/gateway#sharding)."""
MIN_REPLAY, MAX_REPLAY, REPLAY_PER_GUILD = 100, 3500, 75
"""Events that a RESUME may bring: so many for each guild, between a minimum and a maximum
(https://github.com/discord/discord-api-docs/issues/24)."""
UNDOCUMENTED_INTENTS = sum(1 << bit for bit in (17, 18, 19, 22, 23))
"""Intents that Discord accepts and does not document (17 is GUILD_EMBEDDED_ACTIVITIES). interactions.py
requests them by default. In the sandbox they bring no events."""
HEARTBEAT_TIMEOUT = 1.75
"""Heartbeat intervals without a heartbeat after which the connection is closed; Discord gives no number."""


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A session started: send READY and the guilds of its shard."""

    session: Session


@dataclass(frozen=True, slots=True)
class SessionResumed:
    """A session was resumed: send its events after ``seq``, then RESUMED."""

    session: Session
    seq: int


Effect = Frame | SessionStarted | SessionResumed | Command | Close


class ConnectionRules:
    """The rules of one connection. Takes payloads and the time, returns effects to apply."""

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
        """Return HELLO; closes with 4012 for an API version other than 9 and 10 (Discord's default is 6)."""
        if version not in ("9", "10"):
            return self._close(CloseCode.INVALID_API_VERSION, f"Invalid API version: {version or 6}.")
        return (Frame(Op.HELLO, {"heartbeat_interval": int(self.table.limits.heartbeat_interval * 1000)}),)

    def on_payload(self, raw: bytes, now: float) -> tuple[Effect, ...]:
        """Handle one payload of the client."""
        if self.phase is Phase.CLOSED:
            return ()
        if len(raw) > MAX_PAYLOAD:
            return self._close(CloseCode.DECODE_ERROR, f"Payload is larger than {MAX_PAYLOAD} bytes.")
        if self._over_send_limit(now):
            return self._close(CloseCode.RATE_LIMITED, "You are being rate limited.")
        try:
            payload = msgspec.json.decode(raw, type=_Payload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return self._close(CloseCode.DECODE_ERROR, "Error while decoding payload.")
        if payload.op not in CLIENT_OPS:
            return self._close(CloseCode.UNKNOWN_OPCODE, f"Unknown opcode {payload.op}.")
        return self._on_op(Op(payload.op), payload.d, now)

    def tick(self, now: float) -> tuple[Effect, ...]:
        """Close the connection if no heartbeat came for too long."""
        if self.phase is Phase.CLOSED:
            return ()
        if now - self.last_heartbeat > self.table.limits.heartbeat_interval * HEARTBEAT_TIMEOUT:
            return self._close(CloseCode.SESSION_TIMED_OUT, "Your session timed out: no heartbeat came.")
        return ()

    def invalidate(self, resumable: bool) -> tuple[Effect, ...]:
        """Tell the client that its session is invalid (opcode 9); unless ``resumable``, the session ends."""
        if self.session is not None and not resumable:
            self.table.end(self.session)
            self.session = None
            self.phase = Phase.AWAITING
        return (Frame(Op.INVALID_SESSION, resumable),)

    def on_disconnect(self, client_code: int | None, now: float) -> None:
        """Detach the session, or end it where the client closed with 1000 or 1001.

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
        if not self._is_token(d.get("token")):
            return self._close(CloseCode.AUTHENTICATION_FAILED, "Authentication failed.")
        refused = _check_identify(d) or self._check_intents(d["intents"]) or self._check_shard(d.get("shard"))
        if refused is not None:
            return self._close(refused.code, refused.reason)
        shard_id, count = d.get("shard") or (0, 1)
        if not self.table.may_identify(shard_id, now):
            return (Frame(Op.INVALID_SESSION, False),)
        if not self.table.session_starts_left(now)[0]:
            # Past the daily limit Discord resets the token, so it is no longer valid.
            return self._close(CloseCode.AUTHENTICATION_FAILED, "Session start limit used up.")
        intents = Intents(d["intents"])
        session = self.table.begin((shard_id, count), intents, d.get("large_threshold") or 50, now)
        session.presence = d.get("presence")
        self._attach(session)
        return (SessionStarted(session),)

    def _is_token(self, given: object) -> bool:
        """Return whether it is the bot's token, with or without ``Bot`` before it: Discord takes both
        (https://github.com/discord/discord-api-docs/issues/119).
        """
        token = self.table.limits.token
        return given in (token, f"Bot {token}")

    def _check_intents(self, bits: int) -> Close | None:
        if bits < 0 or bits & ~(Intents.all().value | UNDOCUMENTED_INTENTS):
            return Close(CloseCode.INVALID_INTENTS, "Invalid intent(s).")
        if bits & self.table.limits.disallowed_intents & Intents.privileged().value:
            return Close(CloseCode.DISALLOWED_INTENTS, "Disallowed intent(s).")
        return None

    def _check_shard(self, shard: list[int] | None) -> Close | None:
        shard_id, count = shard or (0, 1)
        if not 0 <= shard_id < count:
            return Close(CloseCode.INVALID_SHARD, "Invalid shard.")
        if self._count_guilds(shard_id, count) > GUILDS_PER_SHARD:
            return Close(CloseCode.SHARDING_REQUIRED, "Sharding required.")
        return None

    def _count_guilds(self, shard_id: int, count: int) -> int:
        return sum(1 for guild_id in self._guild_ids() if shard_of(guild_id, count) == shard_id)

    def _max_replay(self, session: Session) -> int:
        """Return how many events a RESUME of a session may bring."""
        if self.table.limits.replay_events is not None:
            return self.table.limits.replay_events
        guilds = self._count_guilds(session.shard_id, session.shard_count)
        return max(MIN_REPLAY, min(MAX_REPLAY, REPLAY_PER_GUILD * guilds))

    def _on_resume(self, d: dict[str, Any]) -> tuple[Effect, ...]:
        token, session_id, seq = d.get("token"), d.get("session_id"), d.get("seq")
        if not isinstance(session_id, str) or not isinstance(seq, int) or isinstance(seq, bool):
            return self._close(CloseCode.DECODE_ERROR, "Error while decoding payload.")
        if not self._is_token(token):
            return self._close(CloseCode.AUTHENTICATION_FAILED, "Authentication failed.")
        session = self.table.sessions.get(session_id)
        if session is None or self._refuse_resume():
            return (Frame(Op.INVALID_SESSION, False),)
        if seq > session.seq or seq < 0:
            self.table.end(session)
            return self._close(CloseCode.INVALID_SEQ, "Invalid seq.")
        if not session.can_replay(seq) or session.seq - seq > self._max_replay(session):
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
    """Check the structure of IDENTIFY (https://discord.com/developers/docs/events/gateway-events#identify)."""
    shard = d.get("shard")
    fits = (
        isinstance(d.get("properties"), dict)
        and _is_int(d.get("intents"))
        and (shard is None or (isinstance(shard, list) and len(shard) == 2 and all(map(_is_int, shard))))
        and (
            (threshold := d.get("large_threshold")) is None or (_is_int(threshold) and 50 <= threshold <= 250)
        )
        and isinstance(d.get("presence"), dict | None)
    )
    return None if fits else Close(CloseCode.DECODE_ERROR, "Error while decoding payload.")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
