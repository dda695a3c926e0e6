"""Opcodes, close codes and phases of the gateway, and what its rules can ask the server to do.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any

__all__ = [
    "ALLOWED_OPS",
    "CLIENT_OPS",
    "COMMAND_OPS",
    "Close",
    "CloseCode",
    "Command",
    "Frame",
    "Op",
    "Phase",
]


class Op(IntEnum):
    """Opcodes (https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway)."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11
    REQUEST_SOUNDBOARD_SOUNDS = 31
    REQUEST_CHANNEL_INFO = 43


class CloseCode(IntEnum):
    """Close codes (https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway)."""

    UNKNOWN_ERROR = 4000
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQ = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    INVALID_API_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class Phase(Enum):
    """The phase of a connection."""

    AWAITING = "awaiting identify or resume"
    ACTIVE = "active"
    CLOSED = "closed"


COMMAND_OPS = frozenset(
    {
        Op.PRESENCE_UPDATE,
        Op.VOICE_STATE_UPDATE,
        Op.REQUEST_GUILD_MEMBERS,
        Op.REQUEST_SOUNDBOARD_SOUNDS,
        Op.REQUEST_CHANNEL_INFO,
    }
)
CLIENT_OPS = COMMAND_OPS | {Op.HEARTBEAT, Op.IDENTIFY, Op.RESUME}

ALLOWED_OPS: Mapping[Phase, frozenset[Op]] = MappingProxyType(
    {
        Phase.AWAITING: frozenset({Op.HEARTBEAT, Op.IDENTIFY, Op.RESUME}),
        Phase.ACTIVE: COMMAND_OPS | {Op.HEARTBEAT},
        Phase.CLOSED: frozenset(),
    }
)
"""The opcodes that a client may send in each phase."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Send a payload that is not an event and has no sequence number."""

    op: Op
    d: Any = None


@dataclass(frozen=True, slots=True)
class Command:
    """Answer a command of the client, one of `COMMAND_OPS`."""

    op: Op
    d: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection. The session stays resumable unless the code forbids it."""

    code: int
    reason: str
