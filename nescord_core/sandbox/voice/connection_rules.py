"""The rules of one voice connection: what each payload leads to. Pure.

https://discord.com/developers/docs/topics/voice-connections
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from nescord_core.sandbox.voice.calls import Call, Calls
from nescord_core.sandbox.voice.protocol import IGNORED, MODES, Command, Op, VoiceClose, VoiceCloseCode

__all__ = ["LEGAL", "Effect", "Phase", "RepeatDiscovery", "Send", "Server", "VoiceRules"]

HEARTBEAT_INTERVAL = 13.75
"""Seconds between heartbeats, as Discord's voice servers ask for."""
TOLERANCE = 1.75
"""Intervals without a heartbeat after which a connection is closed."""
IDENTIFY_TIMEOUT = 10.0
"""Seconds that a new connection gets to identify."""
MAX_PAYLOADS, WINDOW = 120, 60.0
"""Payloads in so many seconds."""
LEAST_VERSION = 4
BUFFERED_VERSION = 8
"""The first version with numbered payloads."""


class Phase(Enum):
    """How far a connection is."""

    NEW = "new"
    IDENTIFIED = "identified"
    CLOSED = "closed"


LEGAL: dict[Phase, frozenset[int]] = {
    Phase.NEW: frozenset({Op.IDENTIFY, Op.RESUME, Op.HEARTBEAT}),
    Phase.IDENTIFIED: frozenset({Op.SELECT_PROTOCOL, Op.HEARTBEAT, Op.SPEAKING, Op.BACKEND_VERSION})
    | IGNORED,
    Phase.CLOSED: frozenset(),
}
"""The opcodes that a client may send."""
KNOWN = frozenset().union(*LEGAL.values())


@dataclass(frozen=True, slots=True)
class Send:
    """Sends a payload."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RepeatDiscovery:
    """Sends the answer to the client's IP discovery again.

    After a move, discord.py waits up to 30 seconds on the UDP socket that it has replaced, unless something
    comes over it. On Discord that is RTCP, which has to be encrypted; clients ignore a repeated answer.
    """

    call: Call


Effect = Send | RepeatDiscovery | VoiceClose


@dataclass(frozen=True, slots=True)
class Server:
    """What the rules need of the server: its UDP address, and new keys."""

    host: str
    port: int
    make_key: Callable[[], list[int]]


class VoiceRules:
    """One connection. ``user_id`` is the bot's."""

    def __init__(
        self, calls: Calls, server: Server, *, connection_id: int, user_id: int, version: int, now: float
    ) -> None:
        self.id = connection_id
        self.call: Call | None = None
        self.phase = Phase.NEW
        self.deadline = now + IDENTIFY_TIMEOUT
        """The time at which the connection is closed if nothing comes."""
        self._calls = calls
        self._server = server
        self._user_id = user_id
        self._version = version
        self._received: deque[float] = deque(maxlen=MAX_PAYLOADS)

    def opened(self) -> list[Effect]:
        """Return what a new connection is sent."""
        if self._version < LEAST_VERSION:
            return [self._close(VoiceCloseCode.SESSION_INVALID, f"v={LEAST_VERSION} to 8 are supported.")]
        return [_send(Op.HELLO, {"v": self._version, "heartbeat_interval": HEARTBEAT_INTERVAL * 1000})]

    def receive(self, command: Command, now: float) -> list[Effect]:
        """Return what a payload leads to."""
        if len(self._received) == MAX_PAYLOADS and now - self._received[0] < WINDOW:
            return [self._close(VoiceCloseCode.RATE_LIMITED, f"More than {MAX_PAYLOADS} payloads a minute.")]
        self._received.append(now)
        if command.op not in LEGAL[self.phase]:
            return [self._illegal(command.op)]
        match command.op:
            case Op.HEARTBEAT:
                return self._heartbeat(command, now)
            case Op.IDENTIFY:
                return self._identify(command, now)
            case Op.RESUME:
                return self._resume(command, now)
            case Op.SELECT_PROTOCOL:
                return self._select_protocol(command)
            case Op.SPEAKING:
                return self._speaking(command)
            case Op.BACKEND_VERSION:
                return [_send(Op.BACKEND_VERSION, {"voice": "0.0.0", "rtc_worker": "0.0.0"})]
        return []

    def timed_out(self) -> VoiceClose:
        """Return how to close a connection whose deadline has passed."""
        if self.phase is Phase.NEW:
            return self._close(VoiceCloseCode.NOT_AUTHENTICATED, "No Identify came.")
        return self._close(VoiceCloseCode.SESSION_TIMED_OUT, "No heartbeat came.")

    def closed(self) -> None:
        """Take note that the connection is gone; its call waits for a resume."""
        self.phase = Phase.CLOSED
        if self.call is not None and self.call.connection == self.id:
            self.call.connection = None
            self.call.speaking = False

    def _close(self, code: VoiceCloseCode, reason: str) -> VoiceClose:
        self.phase = Phase.CLOSED
        return VoiceClose(code, reason)

    def _illegal(self, op: int) -> VoiceClose:
        if op not in KNOWN:
            return self._close(VoiceCloseCode.UNKNOWN_OPCODE, f"There is no opcode {op} for clients.")
        if self.phase is Phase.NEW:
            return self._close(VoiceCloseCode.NOT_AUTHENTICATED, "Identify first.")
        return self._close(VoiceCloseCode.ALREADY_AUTHENTICATED, "This connection has identified already.")

    def _heartbeat(self, command: Command, now: float) -> list[Effect]:
        if self.phase is Phase.IDENTIFIED:
            self._beat(now)
        nonce = command.fields.get("t") if isinstance(command.d, dict) else command.d
        return [_send(Op.HEARTBEAT_ACK, {"t": nonce} if self._version >= BUFFERED_VERSION else nonce)]

    def _beat(self, now: float) -> None:
        self.deadline = now + HEARTBEAT_INTERVAL * TOLERANCE

    def _find_call(self, command: Command) -> Call | VoiceClose:
        """Return the call that a client names with its server, session and token."""
        given = command.fields
        server_id = str(given.get("server_id"))
        call = self._calls.by_guild.get(
            int(server_id) if server_id.isdecimal() and len(server_id) < 21 else 0
        )
        if call is None:
            return self._close(VoiceCloseCode.SERVER_NOT_FOUND, "The bot is in no voice channel there.")
        if given.get("session_id") != call.session_id:
            return self._close(VoiceCloseCode.SESSION_INVALID, "session_id is not that of the voice state.")
        if given.get("token") != call.token:
            return self._close(
                VoiceCloseCode.AUTHENTICATION_FAILED, "token is not the last one that was sent."
            )
        return call

    def _identify(self, command: Command, now: float) -> list[Effect]:
        call = self._find_call(command)
        if isinstance(call, VoiceClose):
            return [call]
        if str(command.fields.get("user_id")) != str(self._user_id):
            return [self._close(VoiceCloseCode.AUTHENTICATION_FAILED, "user_id is not the bot's.")]
        call.seq, call.described = -1, False
        call.buffered.clear()
        self._attach(call, now)
        ready = {
            "ssrc": call.ssrc,
            "ip": self._server.host,
            "port": self._server.port,
            "modes": list(MODES),
            "experiments": [],
            "heartbeat_interval": 1,
        }
        return [_send(Op.READY, ready)]

    def _resume(self, command: Command, now: float) -> list[Effect]:
        call = self._find_call(command)
        if isinstance(call, VoiceClose):
            return [call]
        acknowledged = command.fields.get("seq_ack")
        if not call.described:
            return [self._close(VoiceCloseCode.SESSION_INVALID, "There is nothing to resume.")]
        self._attach(call, now)
        last = acknowledged if isinstance(acknowledged, int) else call.seq
        missed = [Send(payload) for seq, payload in call.buffered if seq > last]
        return [*missed, _send(Op.RESUMED, None)]

    def _attach(self, call: Call, now: float) -> None:
        self.call, call.connection, self.phase = call, self.id, Phase.IDENTIFIED
        self._beat(now)

    def _select_protocol(self, command: Command) -> list[Effect]:
        assert self.call is not None, "legal in a call only"
        chosen = command.fields.get("data")
        mode = chosen.get("mode") if isinstance(chosen, dict) else command.fields.get("mode")
        if command.fields.get("protocol") != "udp":
            return [self._close(VoiceCloseCode.UNKNOWN_PROTOCOL, "The only protocol is udp.")]
        if mode not in MODES:
            return [self._close(VoiceCloseCode.UNKNOWN_MODE, f"The modes are {', '.join(MODES)}.")]
        self.call.mode, self.call.described = mode, True
        description = {
            "mode": mode,
            "secret_key": self._server.make_key(),
            "dave_protocol_version": 0,
            "audio_codec": "opus",
            "video_codec": "H264",
            "media_session_id": f"{self.call.ssrc:032x}",
        }
        payload = {"op": int(Op.SESSION_DESCRIPTION), "d": description}
        numbered = self.call.numbered(payload) if self._version >= BUFFERED_VERSION else payload
        return [RepeatDiscovery(self.call), Send(numbered)]

    def _speaking(self, command: Command) -> list[Effect]:
        assert self.call is not None, "legal in a call only"
        flags = command.fields.get("speaking")
        self.call.speaking = isinstance(flags, int) and flags != 0
        return []


def _send(op: Op, d: Any) -> Send:
    return Send({"op": int(op), "d": d})
