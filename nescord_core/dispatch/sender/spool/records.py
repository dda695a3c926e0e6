"""Encodes events on disk as blocks with checksums, so that damage is detected and costs what it hits. No I/O.

A file is a sequence of blocks and an end mark. A block is a head (its size and checksum) and some events as
MessagePack. Files are reused for new events: every head names the number of the file that it was written to,
so what an earlier use left is not read.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple, Protocol
from zlib import crc32

import msgspec

from nescord_core.envelope import Envelope

__all__ = ["Decoded", "Recorded", "Stored", "Unfit", "decode", "encode", "encode_fitting", "end_mark"]

_MARK = b"nsp2"
_HEAD = struct.Struct("<4sQI")
_CHECK = struct.Struct("<I")
_HEAD_SIZE = _HEAD.size + _CHECK.size
_EVENTS = 64
"""Events in a block: what a damaged byte costs."""

_FIRST_FORMAT = b"nescord spool 1\n"
_FIRST_HEAD = struct.Struct("<II")
_UNFIT = (OverflowError, RecursionError, TypeError, ValueError, msgspec.MsgspecError)


class Recorded(Protocol):
    """What can be encoded: an event and its position in the order of arrival."""

    @property
    def order(self) -> int:
        """Its position in the order of arrival at the process that writes it."""

    @property
    def envelope(self) -> Envelope:
        """The event."""


class Stored(NamedTuple):
    """An event and its position in the order of arrival at the process that wrote it."""

    order: int
    envelope: Envelope


class Unfit(NamedTuple):
    """A record that cannot be encoded, and why."""

    item: Recorded
    why: str


class Decoded(NamedTuple):
    """The intact events of a file, and how many of its bytes are unreadable."""

    items: list[Stored]
    damaged: int


class _Events(NamedTuple):
    """What a block contains."""

    orders: list[int]
    envelopes: list[Envelope]


class _Block(NamedTuple):
    """An intact block of the file with this number; the end mark has no events."""

    number: int
    events: _Events
    end: int


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[_Events] = msgspec.msgpack.Decoder(_Events)
_first_decoder: msgspec.msgpack.Decoder[Stored] = msgspec.msgpack.Decoder(Stored)


def encode(number: int, items: Sequence[Recorded]) -> list[bytes]:
    """Return the blocks for the file with this number; write `end_mark` after the last one."""
    return [_encode_block(number, items[at : at + _EVENTS]) for at in range(0, len(items), _EVENTS)]


def _encode_block(number: int, items: Sequence[Recorded]) -> bytes:
    payload = _encoder.encode(([item.order for item in items], [item.envelope for item in items]))
    return _encode_head(number, payload) + payload


def _encode_head(number: int, payload: bytes) -> bytes:
    head = _HEAD.pack(_MARK, number, len(payload))
    return head + _CHECK.pack(crc32(payload, crc32(head)))


def end_mark(number: int) -> bytes:
    """Return what ends the file with this number; the next block replaces it."""
    return _encode_head(number, b"")


def encode_fitting(number: int, items: Sequence[Recorded]) -> tuple[list[bytes], list[Unfit]]:
    """Encode the records that can be encoded, and return the others."""
    try:
        return encode(number, items), []
    except _UNFIT:
        fitting: list[Recorded] = []
        unfit: list[Unfit] = []
        for item in items:
            try:
                encode(number, [item])
            except _UNFIT as error:
                unfit.append(Unfit(item, f"{type(error).__name__}: {error}"))
            else:
                fitting.append(item)
        return encode(number, fitting), unfit


def decode(number: int, data: bytes) -> Decoded:
    """Read the file with this number: every intact event, whatever is damaged before and after it."""
    if data.startswith(_FIRST_FORMAT):
        return _decode_first_format(data)
    items: list[Stored] = []
    at = damaged = 0
    while at < len(data):
        block = _read_block(data, at)
        if block is None:
            intact = data.find(_MARK + number.to_bytes(8, "little"), at + 1)
            end = len(data) if intact < 0 else intact
            damaged += end - at
        elif block.number != number or not block.events.orders:
            break  # the end mark, or what an earlier use of the file left
        else:
            items += map(Stored, *block.events)
            end = block.end
        at = end
    return Decoded(items, damaged)


def _read_block(data: bytes, at: int) -> _Block | None:
    begin = at + _HEAD_SIZE
    if begin > len(data):
        return None
    mark, number, size = _HEAD.unpack_from(data, at)
    payload = data[begin : begin + size]
    if mark != _MARK or len(payload) < size:
        return None
    if _CHECK.unpack_from(data, at + _HEAD.size)[0] != crc32(payload, crc32(data[at : at + _HEAD.size])):
        return None
    events = _decoder.decode(payload) if payload else _Events([], [])
    return _Block(number, events, begin + size)


def _decode_first_format(data: bytes) -> Decoded:
    """Read a file of an earlier version: length, checksum and MessagePack of each event in turn."""
    items: list[Stored] = []
    at = len(_FIRST_FORMAT)
    while at + _FIRST_HEAD.size <= len(data):
        size, check = _FIRST_HEAD.unpack_from(data, at)
        at += _FIRST_HEAD.size
        payload = data[at : at + size]
        if len(payload) < size or crc32(payload) != check:
            at -= _FIRST_HEAD.size
            break
        items.append(_first_decoder.decode(payload))
        at += size
    return Decoded(items, len(data) - at)
