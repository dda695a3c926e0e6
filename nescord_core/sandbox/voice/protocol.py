"""Opcodes, close codes and payloads of the voice gateway. Pure.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from nescord_core.sandbox.json_decoding import InvalidJson, decode_json

__all__ = ["IGNORED", "MODES", "Command", "Op", "VoiceClose", "VoiceCloseCode", "decode"]


class Op(IntEnum):
    """Opcodes that the server sends or answers."""

    IDENTIFY = 0
    SELECT_PROTOCOL = 1
    READY = 2
    HEARTBEAT = 3
    SESSION_DESCRIPTION = 4
    SPEAKING = 5
    HEARTBEAT_ACK = 6
    RESUME = 7
    HELLO = 8
    RESUMED = 9
    BACKEND_VERSION = 16


IGNORED = frozenset({10, 12, 14, 15, 17, 18, 19, 20, 23, 26, 28, 31})
"""Opcodes that clients send and that change nothing here: video, flags, end-to-end encryption (DAVE), which
version 0 leaves off."""
MODES = ("aead_aes256_gcm_rtpsize", "aead_xchacha20_poly1305_rtpsize")
"""Encryption modes of packets. The server does not decrypt them."""


class VoiceCloseCode(IntEnum):
    """Close codes of the voice gateway."""

    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    SESSION_INVALID = 4006
    SESSION_TIMED_OUT = 4009
    SERVER_NOT_FOUND = 4011
    UNKNOWN_PROTOCOL = 4012
    DISCONNECTED = 4014
    UNKNOWN_MODE = 4016
    RATE_LIMITED = 4021


@dataclass(frozen=True, slots=True)
class VoiceClose:
    """Closes a connection."""

    code: VoiceCloseCode
    reason: str


@dataclass(frozen=True, slots=True)
class Command:
    """A payload of a client."""

    op: int
    d: Any

    @property
    def fields(self) -> Mapping[str, Any]:
        """``d`` if it is an object, else an empty one."""
        return self.d if isinstance(self.d, Mapping) else {}


def decode(data: bytes | str) -> Command | VoiceClose:
    """Return the payload of a text message, or how to close the connection for an invalid one."""
    try:
        payload = decode_json(data.encode() if isinstance(data, str) else data)
    except InvalidJson as error:
        return VoiceClose(VoiceCloseCode.DECODE_ERROR, f"The payload is not JSON: {error}.")
    op = payload.get("op") if isinstance(payload, dict) else None
    if not isinstance(op, int) or isinstance(op, bool):
        return VoiceClose(VoiceCloseCode.DECODE_ERROR, "A payload needs a whole number as op.")
    return Command(op, payload.get("d"))
