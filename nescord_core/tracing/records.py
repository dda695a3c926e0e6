"""What is told of events as they are handled: one JSON object a line, on sockets, in files, on the terminal.

``event`` is one that came, ``call`` what its handlers asked of Discord, ``end`` that they are done,
``missed`` how many of these lines were left out because the reader was too slow, ``hello`` who speaks.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from nescord_core.envelope import Envelope
from nescord_core.tracing.cause import Call
from nescord_core.tracing.failed_events import failed_id

__all__ = [
    "Called",
    "Ended",
    "Hello",
    "Missed",
    "Record",
    "ReplayRequest",
    "Seen",
    "called",
    "decode",
    "decode_replay",
    "encode",
    "seen",
]

# Webhook and interaction tokens stand in the path and are as good as a password.
_TOKEN = re.compile(r"(/(?:webhooks|interactions)/[^/?]+)/(?!github\b|slack\b)[^/?]+")


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="kind"):
    """The first line of a worker: its replica, and its generation among the reloads."""

    replica: str
    generation: int
    pid: int


class Seen(msgspec.Struct, frozen=True, omit_defaults=True, tag="event", tag_field="kind"):
    """An event: its identity, where it belongs, and Discord's own JSON in ``data``.

    ``received_at`` is in seconds since the epoch. ``again`` is true of one that was handed in by a person.
    """

    id: str
    type: str
    shard_id: int
    session_id: str
    seq: int
    received_at: float
    key: int = 0
    guild_id: int = 0
    redelivered: bool = False
    again: bool = False
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Called(msgspec.Struct, frozen=True, omit_defaults=True, tag="call", tag_field="kind"):
    """A call that the event ``id`` caused; tokens in ``path`` are masked, ``status`` 0 is no answer."""

    id: str
    method: str
    path: str
    body: msgspec.Raw = msgspec.Raw(b"null")
    files: tuple[str, ...] = ()
    status: int = 0
    ms: float = 0.0


class Ended(msgspec.Struct, frozen=True, omit_defaults=True, tag="end", tag_field="kind"):
    """All handlers of the event ``id`` have ended; ``error`` is what one of them raised."""

    id: str
    ms: float = 0.0
    error: str = ""


class Missed(msgspec.Struct, frozen=True, tag="missed", tag_field="kind"):
    """So many lines were not sent: the reader was too slow for them."""

    count: int


class ReplayRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="again", tag_field="kind"):
    """What the reader may send: an event to handle, its calls going to ``rest_url`` if there is one."""

    type: str
    session_id: str
    seq: int
    shard_id: int = 0
    key: int = 0
    guild_id: int = 0
    received_at: float = 0.0
    rest_url: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")

    def envelope(self) -> Envelope:
        """Return the event as one that ws would have brought."""
        return Envelope(
            self.shard_id,
            self.session_id,
            self.seq,
            self.type,
            self.key,
            self.guild_id,
            bytes(self.data),
            self.received_at,
        )


Record: TypeAlias = Hello | Seen | Called | Ended | Missed

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_again_decoder = msgspec.json.Decoder(ReplayRequest)


def encode(record: Record | ReplayRequest) -> bytes:
    """Return one line."""
    return _encoder.encode(record) + b"\n"


def decode(line: bytes) -> Record:
    """Read one line. Raises msgspec.DecodeError."""
    return _decoder.decode(line)


def decode_replay(line: bytes) -> ReplayRequest:
    """Read what a reader sent. Raises msgspec.DecodeError."""
    return _again_decoder.decode(line)


def seen(envelope: Envelope, *, again: bool) -> Seen:
    """Describe an event."""
    return Seen(
        id=failed_id(envelope),
        type=envelope.type,
        shard_id=envelope.shard_id,
        session_id=envelope.session_id,
        seq=envelope.seq,
        received_at=round(envelope.received_at, 6),
        key=envelope.key,
        guild_id=envelope.guild_id,
        redelivered=envelope.redelivered,
        again=again,
        data=msgspec.Raw(envelope.data or b"null"),
    )


def called(envelope: Envelope, call: Call) -> Called:
    """Describe a call; a body that is not JSON is left out."""
    return Called(
        id=failed_id(envelope),
        method=call.method,
        path=_TOKEN.sub(r"\1/***", call.path),
        body=msgspec.Raw(call.body or b"null"),
        files=call.files,
        status=call.status,
        ms=round(call.ms, 1),
    )
