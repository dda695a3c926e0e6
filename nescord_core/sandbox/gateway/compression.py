"""Transport compression of a connection: one context that lives as long as the connection does.

https://discord.com/developers/docs/events/gateway#transport-compression
"""

from __future__ import annotations

import zlib
from typing import Protocol

import zstandard

__all__ = ["COMPRESSIONS", "Encoder", "encoder_for"]

COMPRESSIONS = ("zlib-stream", "zstd-stream")
LEVEL = 1
"""The sandbox shares its processor with the bot, and loopback does not need the last byte."""


class Encoder(Protocol):
    """Turns payloads into websocket messages; ``binary`` tells of which kind."""

    name: str
    binary: bool

    def encode(self, payload: bytes) -> bytes:
        """Return the message for one payload."""
        ...


class Uncompressed:
    """Text frames as they are."""

    name = "none"
    binary = False

    def encode(self, payload: bytes) -> bytes:
        return payload


class ZlibStream:
    """Every message ends with the flush marker 00 00 FF FF."""

    name = "zlib-stream"
    binary = True

    def __init__(self) -> None:
        self._context = zlib.compressobj(LEVEL)

    def encode(self, payload: bytes) -> bytes:
        return self._context.compress(payload) + self._context.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """Every message is one payload; the frame of the format never ends."""

    name = "zstd-stream"
    binary = True

    def __init__(self) -> None:
        self._context = zstandard.ZstdCompressor(level=LEVEL).compressobj()

    def encode(self, payload: bytes) -> bytes:
        return self._context.compress(payload) + self._context.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


def encoder_for(compress: str | None) -> Encoder:
    """Return a new context. Raises ValueError that names the known ones."""
    if not compress:
        return Uncompressed()
    if compress == "zlib-stream":
        return ZlibStream()
    if compress == "zstd-stream":
        return ZstdStream()
    raise ValueError(f"There is no compression {compress!r}; known are {', '.join(COMPRESSIONS)}.")
