"""Encodes events as the columns of one message, and decodes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from nescord_core.dispatch.protocol.bounds import MAX_SESSIONS
from nescord_core.envelope import Envelope
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["UNFIT", "FrameReader", "FrameWriter", "Outgoing", "unfit"]


UNFIT = (OverflowError, TypeError, ValueError)
"""What protobuf raises for values that have no place in a message."""


class Outgoing(Protocol):
    """An event to send; ``redelivered`` if an earlier delivery may have started its handlers."""

    envelope: Envelope
    redelivered: bool


class FrameWriter:
    """Encodes the batches of one stream; a session is introduced by the first batch that uses it."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[int, str], int] = {}

    def frame(self, first_delivery: int, entries: Sequence[Outgoing], spans: Sequence[int] = ()) -> pb.FromWs:
        """Return a message with the entries under consecutive delivery numbers, and the ids of their spans.

        Raises one of `UNFIT` if one of them cannot be encoded.
        """
        introduced = len(self._sessions)
        try:
            message = self._frame(first_delivery, entries)
            message.events.span.extend(spans)
            return message
        except UNFIT:
            self._sessions = dict(list(self._sessions.items())[:introduced])
            raise

    def _frame(self, first_delivery: int, entries: Sequence[Outgoing]) -> pb.FromWs:
        envelopes = [entry.envelope for entry in entries]
        shards, sessions, seqs, types, keys, guilds, data, times, marks = zip(*envelopes, strict=True)
        message = pb.FromWs()
        batch = message.events  # filled in place: passing it to a constructor would copy it once more
        batch.first_delivery = first_delivery
        known = self._sessions
        pairs = zip(shards, sessions, strict=True)
        batch.session.extend(
            [known[pair] if pair in known else self._introduce(pair, batch) for pair in pairs]
        )
        batch.seq.extend(seqs)
        batch.type.extend(types)
        batch.key.extend(keys)
        batch.guild_id.extend(guilds)
        batch.received_at.extend(times)
        batch.data.extend(data)
        marked = [entry.redelivered for entry in entries]
        if True in marked or True in marks:
            batch.redelivered.extend(
                at for at, pair in enumerate(zip(marks, marked, strict=True)) if any(pair)
            )
        return message

    def _introduce(self, pair: tuple[int, str], batch: pb.EventBatch) -> int:
        index = self._sessions[pair] = len(self._sessions)
        batch.sessions.add(index=index, shard_id=pair[0], session_id=pair[1])
        return index


def unfit(entry: Outgoing) -> str | None:
    """Return why an event cannot be encoded, None if it can."""
    try:
        FrameWriter().frame(1, [entry])
    except UNFIT as error:
        return f"{type(error).__name__}: {error}"
    return None


class FrameReader:
    """Decodes the batches of one stream."""

    def __init__(self) -> None:
        self._sessions: dict[int, tuple[int, str]] = {}

    def read(self, batch: pb.EventBatch, take: Callable[[int, Envelope], None]) -> None:
        """Call ``take`` with the delivery number and envelope of every event, in order.

        Raises ValueError if the columns differ in length or there are too many sessions, KeyError for an
        unknown session.
        """
        if len(self._sessions) + len(batch.sessions) > MAX_SESSIONS:
            raise ValueError("too many sessions")
        for session in batch.sessions:
            self._sessions[session.index] = (session.shard_id, session.session_id)
        marked = set(batch.redelivered)
        number = first = batch.first_delivery
        sessions = self._sessions
        for index, seq, kind, key, guild_id, received_at, data in zip(
            batch.session,
            batch.seq,
            batch.type,
            batch.key,
            batch.guild_id,
            batch.received_at,
            batch.data,
            strict=True,
        ):
            shard_id, session_id = sessions[index]
            redelivered = number - first in marked if marked else False
            take(
                number,
                Envelope(shard_id, session_id, seq, kind, key, guild_id, data, received_at, redelivered),
            )
            number += 1
