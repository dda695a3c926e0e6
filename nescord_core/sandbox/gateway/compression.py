"""Transport compression: one context for the whole connection.

https://discord.com/developers/docs/events/gateway#transport-compression
"""

from __future__ import annotations

import zlib
from typing import Protocol

import zstandard

__all__ = ["COMPRESSIONS", "Encoder", "encoder_for"]

COMPRESSIONS = ("zlib-stream", "zstd-stream")
LEVEL = 1
"""The lowest, because the sandbox shares the processor with the bot and loopback is fast."""


class Encoder(Protocol):
    """Turns payloads into websocket messages, binary or text."""

    name: str
    binary: bool

    def encode(self, payload: bytes) -> bytes:
        """Return the message for one payload."""
        ...


class Uncompressed:
    """Payloads as text messages."""

    name = "none"
    binary = False

    def encode(self, payload: bytes) -> bytes:
        return payload


class ZlibStream:
    """zlib: every message ends with the flush marker 00 00 FF FF."""

    name = "zlib-stream"
    binary = True

    def __init__(self) -> None:
        self._context = zlib.compressobj(LEVEL)

    def encode(self, payload: bytes) -> bytes:
        return self._context.compress(payload) + self._context.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """Zstandard: every message is one payload; the zstd frame never ends."""

    name = "zstd-stream"
    binary = True

    def __init__(self) -> None:
        self._context = zstandard.ZstdCompressor(level=LEVEL).compressobj()

    def encode(self, payload: bytes) -> bytes:
        return self._context.compress(payload) + self._context.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


def encoder_for(compress: str | None) -> Encoder:
    """Return a new encoder. Raises ValueError that names the known compressions."""
    if not compress:
        return Uncompressed()
    if compress == "zlib-stream":
        return ZlibStream()
    if compress == "zstd-stream":
        return ZstdStream()
    raise ValueError(f"There is no compression {compress!r}. Known: {', '.join(COMPRESSIONS)}.")
