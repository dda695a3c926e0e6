"""Encodes events on disk: length, checksum, and the event as MessagePack, so that damage is detected.

A file starts with `MAGIC`. A process that is killed while writing leaves an incomplete record at the end:
reading stops at the first record that is not intact.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from zlib import crc32

import msgspec

from nescord_core.envelope import Envelope

__all__ = ["MAGIC", "Stored", "Unfit", "decode", "encode", "encode_fitting"]

MAGIC = b"nescord spool 1\n"
_HEAD = struct.Struct("<II")
_UNFIT = (OverflowError, RecursionError, TypeError, ValueError, msgspec.MsgspecError)


class Stored(NamedTuple):
    """An event and its position in the order of arrival at the process that wrote it."""

    order: int
    envelope: Envelope


class Unfit(NamedTuple):
    """A record that cannot be encoded, and why."""

    item: Stored
    why: str


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Stored] = msgspec.msgpack.Decoder(Stored)


def encode(items: Iterable[Stored]) -> bytes:
    """Encode the records, one after the other."""
    parts: list[bytes] = []
    for item in items:
        payload = _encoder.encode(item)
        parts.append(_HEAD.pack(len(payload), crc32(payload)))
        parts.append(payload)
    return b"".join(parts)


def encode_fitting(items: Sequence[Stored]) -> tuple[bytes, list[Unfit]]:
    """Encode the records that can be encoded, and return the others."""
    try:
        return encode(items), []
    except _UNFIT:
        parts: list[bytes] = []
        unfit: list[Unfit] = []
        for item in items:
            try:
                parts.append(encode([item]))
            except _UNFIT as error:
                unfit.append(Unfit(item, f"{type(error).__name__}: {error}"))
        return b"".join(parts), unfit


def decode(data: bytes) -> tuple[list[Stored], bool]:
    """Return the intact records of a file, and whether it holds nothing else."""
    found: list[Stored] = []
    if not data.startswith(MAGIC):
        return found, not data
    view, at = memoryview(data), len(MAGIC)
    while at + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, at)
        payload = view[at + _HEAD.size : at + _HEAD.size + length]
        if len(payload) < length or crc32(payload) != checksum:
            break
        try:
            found.append(_decoder.decode(payload))
        except msgspec.DecodeError:
            break
        at += _HEAD.size + length
    return found, at == len(data)
