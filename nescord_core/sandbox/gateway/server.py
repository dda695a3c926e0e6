"""The sandbox's gateway on a real socket: accepts connections and sends events to sessions.

https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from aiohttp import web

from nescord_core.events import EventType
from nescord_core.sandbox.faults import FaultPlan, applies
from nescord_core.sandbox.gateway.commands import CommandError, CommandProcessor, CommandWorld
from nescord_core.sandbox.gateway.compression import Encoder, encoder_for
from nescord_core.sandbox.gateway.connection import GatewayConnection
from nescord_core.sandbox.gateway.connection_rules import ConnectionRules, SessionResumed, SessionStarted
from nescord_core.sandbox.gateway.event_filter import EncodedEvent, encode
from nescord_core.sandbox.gateway.protocol import Close, CloseCode, Command, Op
from nescord_core.sandbox.gateway.sessions import GatewayLimits, Session, SessionTable
from nescord_core.settings import SandboxSettings
from nescord_core.snowflake import shard_of

__all__ = ["GATEWAY_PATH", "RESUME_PATH", "GatewayServer", "GatewayWorld"]

GATEWAY_PATH = "/gateway"
RESUME_PATH = "/gateway/resume"
"""The ``resume_gateway_url`` of READY, a separate path so that a fault can apply to it alone."""
CLOSE_TIMEOUT = 1.0
"""Seconds that a client gets to answer a close frame before its TCP connection is reset."""
TICK_INTERVAL = 0.25
"""Seconds between two checks of heartbeats and sessions."""
NEVER_SENT = frozenset({0, 1005, 1006, 1015})
"""Close codes that stand for the lack of one, and are in no frame (RFC 6455, 7.4.1)."""
CHANNEL_EVENTS = frozenset(
    name
    for name in EventType.__members__
    if name.startswith("MESSAGE_") or name in ("TYPING_START", "CHANNEL_PINS_UPDATE")
)
"""Guild events that reach the bot only if it can view the channel."""

log = logging.getLogger(__name__)


class GatewayWorld(CommandWorld, Protocol):
    """The world, as the gateway needs it."""

    @property
    def bot_user(self) -> Mapping[str, Any]:
        """The bot's user object."""
        ...

    @property
    def application_id(self) -> int:
        """The id of the bot's application."""
        ...

    def guild_ids(self) -> Collection[int]:
        """Return the guilds that the bot is in."""
        ...

    def guild_create(self, guild_id: int) -> Mapping[str, Any]:
        """Return the payload of GUILD_CREATE with all members."""
        ...

    def subscribe(self, listener: Callable[[str, Mapping[str, Any], int, int | None], None]) -> object:
        """Call the listener with (event, payload, guild id or 0, key) for every event."""
        ...


class GatewayServer:
    """Serves the gateway's websockets and gives each session its events."""

    TOTALS = ("connections", "identifies", "resumes", "invalid_sessions", "refused", "silent")

    def __init__(
        self, world: GatewayWorld, settings: SandboxSettings, faults: FaultPlan, *, now: Callable[[], float]
    ) -> None:
        self.world = world
        self.settings = settings
        self.faults = faults
        self.world_name = secrets.token_hex(4)
        """Tells this world from those of earlier starts; it is part of every session id."""
        self.table = SessionTable(_limits(settings), new_id=self._new_session_id)
        self.totals: Counter[str] = Counter()
        self.closes: Counter[int] = Counter()
        self.authority = f"{settings.host}:{settings.port}"
        self.on_change: Callable[[], None] = lambda: None
        self.can_view: Callable[[int], bool] = lambda _channel_id: True
        self.is_available: Callable[[int], bool] = lambda _guild_id: True
        self.application_flags = 0
        self.now = now
        self._connections: dict[int, GatewayConnection] = {}
        self._silent: set[web.WebSocketResponse] = set()
        self._ended = asyncio.Event()
        self._next_id = 0
        self._commands = CommandProcessor(world, now=now, limits=lambda: self.table.limits)

    def _new_session_id(self) -> str:
        return f"sandbox-{self.world_name}-{secrets.token_hex(12)}"

    def set_address(self, authority: str) -> None:
        """Set the host:port that the gateway's URLs have."""
        self.authority = authority

    @property
    def url(self) -> str:
        """The URL that GET /gateway returns."""
        return f"ws://{self.authority}{GATEWAY_PATH}"

    @property
    def bot_id(self) -> str:
        """The bot's user id."""
        return str(self.world.bot_user["id"])

    @property
    def shards(self) -> int:
        """The shard count that GET /gateway/bot recommends."""
        return self.settings.shards

    def session_start_limit(self) -> dict[str, int]:
        """Return the object of GET /gateway/bot; ``reset_after`` is in milliseconds.

        https://discord.com/developers/docs/events/gateway#session-start-limit-object
        """
        left, reset_after = self.table.session_starts_left(self.now())
        return {
            "total": self.table.limits.session_starts,
            "remaining": left,
            "reset_after": int(reset_after * 1000),
            "max_concurrency": self.table.limits.max_concurrency,
        }

    def connections(self, shard_id: int | None = None) -> list[GatewayConnection]:
        """Return the open connections, or those of one shard."""
        found = list(self._connections.values())
        if shard_id is None:
            return found
        return [each for each in found if each.session is not None and each.session.shard_id == shard_id]

    def online(self) -> bool:
        """Return whether the bot has a connected session."""
        return any(each.session is not None for each in self._connections.values())

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket from its upgrade to its close."""
        on_resume_url = request.path.rstrip("/") == RESUME_PATH
        if applies(self.faults.gateway.refuse, on_resume_url=on_resume_url):
            self.totals["refused"] += 1
            raise web.HTTPServiceUnavailable(text="The gateway refuses connections (a fault is set).")
        encoder = _encoder(request)
        ws = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT, compress=False, max_msg_size=1 << 20, autoclose=False
        )
        await ws.prepare(request)
        self.totals["connections"] += 1
        if applies(self.faults.gateway.silent, on_resume_url=on_resume_url):
            await self._stay_silent(ws)
        else:
            await self._serve(request, ws, encoder)
        await _answer_close(ws)
        return ws

    async def _stay_silent(self, ws: web.WebSocketResponse) -> None:
        self.totals["silent"] += 1
        self._silent.add(ws)
        try:
            async for _ in ws:
                pass
        finally:
            self._silent.discard(ws)

    async def _serve(self, request: web.Request, ws: web.WebSocketResponse, encoder: Encoder) -> None:
        self._next_id += 1
        rules = ConnectionRules(
            self.table,
            connection_id=self._next_id,
            now=self.now(),
            guild_ids=self.world.guild_ids,
            refuse_resume=lambda: self.faults.gateway.refuse_resume,
        )
        connection = GatewayConnection(rules, ws, encoder, self, request.transport)
        self._connections[rules.id] = connection
        try:
            await connection.run(request.query.get("v", ""))
        finally:
            del self._connections[rules.id]
            self._ended.set()
            self.on_change()

    def on_session(self, connection: GatewayConnection, effect: SessionStarted | SessionResumed) -> None:
        """Send a session its first events, or those that it missed."""
        match effect:
            case SessionStarted(session):
                self.totals["identifies"] += 1
                connection.cursor = 0
                self._send_ready(session)
            case SessionResumed(session, seq):
                self.totals["resumes"] += 1
                self._close_other_connections(session, connection)
                connection.cursor = seq
                session.append("RESUMED", encode({"_trace": ["sandbox"]}), transient=True)
                connection.resumed_at_seq = session.seq
        self.on_change()

    def _send_ready(self, session: Session) -> None:
        guild_ids = [each for each in self.world.guild_ids() if self._is_on_shard(session, each)]
        session.append("READY", encode(self._ready(session, guild_ids)))
        for guild_id in filter(self.is_available, guild_ids):
            self._send_event(session, "GUILD_CREATE", self.world.guild_create(guild_id), guild_id)

    def _ready(self, session: Session, guild_ids: list[int]) -> dict[str, Any]:
        return {
            "v": 10,
            "user_settings": {},
            "user": dict(self.world.bot_user),
            "session_type": "normal",
            "session_id": session.id,
            "resume_gateway_url": f"ws://{self.authority}{RESUME_PATH}",
            "relationships": [],
            "private_channels": [],
            "presences": [],
            "guilds": [{"id": str(each), "unavailable": True} for each in guild_ids],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
            "shard": [session.shard_id, session.shard_count],
            "application": {"id": str(self.world.application_id), "flags": self.application_flags},
            "_trace": ["sandbox"],
        }

    def _close_other_connections(self, session: Session, connection: GatewayConnection) -> None:
        for other in self._connections.values():
            if other is not connection and other.session is session:
                other.close(Close(CloseCode.UNKNOWN_ERROR, "The session was resumed on another connection."))

    @staticmethod
    def _is_on_shard(session: Session, guild_id: int) -> bool:
        return shard_of(guild_id, session.shard_count) == session.shard_id

    def publish(self, event: str, payload: Mapping[str, Any], guild_id: int, _key: int | None = None) -> None:
        """Give an event to every session that gets it; a listener of the world."""
        if guild_id and event in CHANNEL_EVENTS and not self.can_view(int(payload["channel_id"])):
            return
        encoded = EncodedEvent(event, payload, guild_id, self.bot_id)
        for session in self._sessions_for(event, guild_id):
            data = encoded.for_session(session.intents, session.large_threshold)
            if data is not None:
                self._append_event(session, event, data)

    def _sessions_for(self, event: str, guild_id: int) -> Iterable[Session]:
        if event == "USER_UPDATE":
            return self.table.sessions.values()
        # Monetization events belong to the application: they come on shard 0, whatever guild they name.
        return self.table.for_guild(0 if event.startswith(("ENTITLEMENT_", "SUBSCRIPTION_")) else guild_id)

    def publish_encoded(self, event: str, full: bytes, redacted: bytes, guild_id: int) -> None:
        """Give an event that is already JSON to every session that gets it.

        ``redacted`` is the JSON for sessions without MESSAGE_CONTENT.
        """
        shape = EncodedEvent.from_json(event, full, redacted, guild_id)
        for session in self.table.for_guild(guild_id):
            data = shape.for_session(session.intents, session.large_threshold)
            if data is not None:
                self._append_event(session, event, data)

    def send_unchecked(self, session: Session, event: str, data: bytes) -> None:
        """Send an event whose ``d`` are these bytes, whatever they are, whatever the intents; a fault."""
        self._append_event(session, event, data)

    def _send_event(self, session: Session, event: str, payload: Mapping[str, Any], guild_id: int) -> None:
        encoded = EncodedEvent(event, payload, guild_id, self.bot_id)
        data = encoded.for_session(session.intents, session.large_threshold)
        if data is not None:
            self._append_event(session, event, data)

    def _append_event(self, session: Session, event: str, data: bytes) -> None:
        session.append(event, data)
        connection = self._connections.get(session.connection or 0)
        if connection is not None:
            connection.wake()

    def on_command(self, connection: GatewayConnection, command: Command) -> Close | None:
        """Answer a command; returns how to close the connection for a malformed one."""
        session = connection.session
        assert session is not None, "commands are legal only in a session"
        try:
            answers = self._commands.answer(session, command)
        except CommandError as error:
            return Close(CloseCode.DECODE_ERROR, str(error))
        for event, payload in answers:
            self._append_event(session, event, encode(payload))
        if command.op is Op.PRESENCE_UPDATE:
            self.on_change()
        return None

    async def run(self) -> None:
        """Check heartbeats, expire sessions and reset connections that do not close, until cancelled."""
        while True:
            await asyncio.sleep(TICK_INTERVAL)
            now = self.now()
            for connection in self.connections():
                connection.apply(connection.rules.tick(now))
                if connection.close_overdue(CLOSE_TIMEOUT * 2) or connection.fell_behind():
                    connection.reset()
            self.table.expire(now)

    async def stop(self, timeout: float) -> None:
        """Disconnect all clients as a restart of Discord does: opcode 7, then 1012 (service restart).

        Returns when all are gone, or after ``timeout`` seconds.
        """
        for connection in self.connections():
            connection.push(Op.RECONNECT, None)
            connection.close(Close(1012, "Service restart."))
            if connection.silenced:
                connection.reset()
        for ws in list(self._silent):
            await ws.close(code=1012)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self._connections:
                    self._ended.clear()
                    await self._ended.wait()


def _limits(settings: SandboxSettings) -> GatewayLimits:
    return GatewayLimits(
        token=settings.token,
        heartbeat_interval=settings.heartbeat_interval,
        identify_window=settings.identify_window,
        max_concurrency=settings.max_concurrency,
        session_starts=settings.session_starts,
        resume_window=settings.resume_window,
        replay_events=settings.replay_events,
        disallowed_intents=settings.disallowed_intents,
    )


async def _answer_close(ws: web.WebSocketResponse) -> None:
    """Answer a client's close frame with its own code (RFC 6455, 5.5.1): clients know their closes by it."""
    code = ws.close_code
    await ws.close(code=1000 if code is None or code in NEVER_SENT else code)


def _encoder(request: web.Request) -> Encoder:
    encoding = request.query.get("encoding", "json")
    if encoding != "json":
        raise web.HTTPBadRequest(text=f"encoding={encoding}: the sandbox supports json only.")
    try:
        return encoder_for(request.query.get("compress"))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
