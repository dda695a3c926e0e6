"""Finds the intact records of a file whose records are each a length, a CRC-32 and a payload."""

from __future__ import annotations

import re
import struct
from zlib import crc32

__all__ = ["HEAD", "next_intact", "payload_at"]

HEAD = struct.Struct("<II")
"""Length and checksum of the payload that follows."""


def payload_at(data: bytes, at: int) -> memoryview | None:
    """Return the payload of the record at a position, None if there is no intact one; none is empty."""
    if at + HEAD.size >= len(data):
        return None
    length, checksum = HEAD.unpack_from(data, at)
    payload = memoryview(data)[at + HEAD.size : at + HEAD.size + length]
    return payload if 0 < length == len(payload) and crc32(payload) == checksum else None


def next_intact(data: bytes, at: int, start: re.Pattern[bytes]) -> int | None:
    """Return the position of the first intact record after the damaged one at a position; None without one.

    ``start`` matches where a payload may start. The place that the damaged record's length leads to counts
    first: what looks like a record may be part of an event.
    """
    if at + HEAD.size <= len(data):
        end = at + HEAD.size + int(HEAD.unpack_from(data, at)[0])
        if payload_at(data, end) is not None:
            return end
        if end == len(data):
            return None
    heads = (found.start() - HEAD.size for found in start.finditer(data, at + 1 + HEAD.size))
    return next((head for head in heads if payload_at(data, head) is not None), None)
