"""Encodes events on disk: length, checksum, and the event as MessagePack, so that damage is detected.

A file starts with `MAGIC`. A process that is killed while writing leaves an incomplete record at the end:
reading stops at the first record that is not intact.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

import msgspec

from nescord_core.envelope import Envelope

__all__ = ["MAGIC", "Stored", "decode", "encode"]

MAGIC = b"nescord spool 1\n"
_HEAD = struct.Struct("<II")


class Stored(NamedTuple):
    """An event and its position in the order of arrival at the process that wrote it."""

    order: int
    envelope: Envelope


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
