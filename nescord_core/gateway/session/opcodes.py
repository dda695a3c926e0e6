"""Opcodes and close codes of the gateway, and whether a session survives a close code.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway
"""

from __future__ import annotations

from enum import Enum, IntEnum, auto

__all__ = [
    "COMMANDS",
    "DROP_SESSION",
    "FATAL_CLOSES",
    "KEEP_SESSION",
    "MAX_PAYLOAD",
    "SESSION_EVENTS",
    "AfterClose",
    "Op",
    "after_close",
]


class Op(IntEnum):
    """Opcodes of gateway payloads; some are only sent, some only received."""

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


COMMANDS = frozenset(
    {
        Op.PRESENCE_UPDATE,
        Op.VOICE_STATE_UPDATE,
        Op.REQUEST_GUILD_MEMBERS,
        Op.REQUEST_SOUNDBOARD_SOUNDS,
        Op.REQUEST_CHANNEL_INFO,
    }
)
"""Opcodes that a bot may send at will; the session sends the rest."""

SESSION_EVENTS = frozenset({"READY", "RESUMED"})
"""Dispatches that change the state of the session itself."""

MAX_PAYLOAD = 4096
"""Bytes; Discord closes with 4002 for anything larger."""

KEEP_SESSION = 4000
"""Our close code when the session should stay resumable: 1000 and 1001 end it at once."""

DROP_SESSION = 1000

FATAL_CLOSES = frozenset({4004, 4010, 4011, 4012, 4013, 4014})


class AfterClose(Enum):
    """What to do after the connection was closed."""

    RESUME = auto()
    IDENTIFY = auto()
    GIVE_UP = auto()


def after_close(code: int | None) -> AfterClose:
    """Return how to go on after a close code; None stands for a connection that broke without one.

    4007 means that the sequence number we resume with is wrong, so resuming again would only repeat it. 4009
    (session timed out) tries a resume first: that costs nothing, and Invalid Session follows if it fails.
    """
    if code in FATAL_CLOSES:
        return AfterClose.GIVE_UP
    return AfterClose.IDENTIFY if code == 4007 else AfterClose.RESUME
