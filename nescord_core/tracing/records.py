"""The records of handled events: one JSON object per line, on sockets, in files, on the terminal.

The ``kind`` is ``event`` for an event, ``call`` for a REST call of its handlers, ``end`` when they are done,
``missed`` for a number of lines that were dropped because the reader was too slow, and ``hello`` for the
sender.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from nescord_core.envelope import Envelope
from nescord_core.tracing.cause import Call
from nescord_core.tracing.failed_events import failed_id
from nescord_core.tracing.handler_run import HandlerRun

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

# Webhook and interaction tokens are part of the path, and are as good as a password.
_TOKEN = re.compile(r"(/(?:webhooks|interactions)/[^/?]+)/(?!github\b|slack\b)[^/?]+")


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="kind"):
    """The first line of a worker: its replica, and its generation, which counts reloads."""

    replica: str
    generation: int
    pid: int


class Seen(msgspec.Struct, frozen=True, omit_defaults=True, tag="event", tag_field="kind"):
    """An event: its identity, its routing, and Discord's own JSON in ``data``.

    ``received_at`` is in seconds since the epoch. ``again`` is true for a replayed event.
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
    """A REST call caused by event ``id``; tokens in ``path`` are masked, ``status`` 0 means no response."""

    id: str
    method: str
    path: str
    body: msgspec.Raw = msgspec.Raw(b"null")
    files: tuple[str, ...] = ()
    status: int = 0
    ms: float = 0.0


class Ended(msgspec.Struct, frozen=True, omit_defaults=True, tag="end", tag_field="kind"):
    """All handlers of event ``id`` have ended; ``error`` is what one of them raised."""

    id: str
    ms: float = 0.0
    error: str = ""
    handlers: tuple[HandlerRun, ...] = ()


class Missed(msgspec.Struct, frozen=True, tag="missed", tag_field="kind"):
    """A number of lines was dropped, because the reader was too slow."""

    count: int


class ReplayRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="again", tag_field="kind"):
    """Sent by a reader: an event to replay; its calls go to ``rest_url`` if that is set."""

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
        """Return the event as an envelope."""
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
_replay_decoder = msgspec.json.Decoder(ReplayRequest)


def encode(record: Record | ReplayRequest) -> bytes:
    """Encode a record as one line."""
    return _encoder.encode(record) + b"\n"


def decode(line: bytes) -> Record:
    """Decode one line. Raises msgspec.DecodeError."""
    return _decoder.decode(line)


def decode_replay(line: bytes) -> ReplayRequest:
    """Decode a reader's line. Raises msgspec.DecodeError."""
    return _replay_decoder.decode(line)


def seen(envelope: Envelope, *, again: bool) -> Seen:
    """Return the record of an event."""
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
    """Return the record of a call; an empty body becomes null."""
    return Called(
        id=failed_id(envelope),
        method=call.method,
        path=_TOKEN.sub(r"\1/***", call.path),
        body=msgspec.Raw(call.body or b"null"),
        files=call.files,
        status=call.status,
        ms=round(call.ms, 1),
    )
