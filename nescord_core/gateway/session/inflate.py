"""Decompresses websocket messages into payloads: zlib-stream, zstd-stream, or none.

https://discord.com/developers/docs/events/gateway#transport-compression
"""

from __future__ import annotations

import zlib
from typing import Protocol

import zstandard

__all__ = [
    "LARGEST_PAYLOAD",
    "SCHEMES",
    "CorruptStreamError",
    "Inflater",
    "Plain",
    "ZlibStream",
    "ZstdStream",
    "inflater",
]

SCHEMES = ("zstd-stream", "zlib-stream", "none")

LARGEST_PAYLOAD = 128 * 1024 * 1024
"""Bytes. The GUILD_CREATE of the largest guilds takes tens of MB; anything larger is an attack."""
_ZSTD_STEP = 1024
"""Bytes per call of zstd. Its densest block expands 4 bytes to 128 KiB: a step yields 32 MiB at most."""


class CorruptStreamError(Exception):
    """The data is unreadable and the decompression context lost, so only a new connection helps."""


class Inflater(Protocol):
    """The decompression context of one connection."""

    def feed(self, message: bytes) -> bytes | None:
        """Return the payload that this message completes, or None. Raises CorruptStreamError."""
        ...


class Plain:
    """No transport compression: every message is a payload."""

    def feed(self, message: bytes) -> bytes | None:
        """Return the message itself."""
        return message


class ZlibStream:
    """One zlib context per connection; a payload is complete when a message ends with a sync flush."""

    SUFFIX = b"\x00\x00\xff\xff"

    def __init__(self) -> None:
        self._context = zlib.decompressobj()
        self._parts: list[bytes] = []
        self._size = 0
        self._tail = b""

    def feed(self, message: bytes) -> bytes | None:
        """Inflate at once, but hold the output back until the flush marker, which may span two messages."""
        room = LARGEST_PAYLOAD - self._size
        try:
            part = self._context.decompress(message, room) if room > 0 else b""
        except zlib.error as error:
            raise CorruptStreamError(f"zlib-stream: {error}") from error
        if room <= 0 or self._context.unconsumed_tail:
            raise CorruptStreamError(f"zlib-stream: a payload is larger than {LARGEST_PAYLOAD} bytes")
        if self._context.eof:
            raise CorruptStreamError("zlib-stream: the stream ended within a connection")
        if not self._parts and message.endswith(self.SUFFIX):
            return part
        return self._gather(part, message)

    def _gather(self, part: bytes, message: bytes) -> bytes | None:
        self._parts.append(part)
        self._size += len(part)
        self._tail = (self._tail + message)[-4:]
        if self._tail != self.SUFFIX:
            return None
        payload = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        self._tail = b""
        return payload


class ZstdStream:
    """One zstd context per connection; every message is one payload, flushed but not ended."""

    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor().decompressobj()

    def feed(self, message: bytes) -> bytes | None:
        """Inflate one message."""
        if self._context.eof:
            raise CorruptStreamError("zstd-stream: the stream ended within a connection")
        try:
            if len(message) <= _ZSTD_STEP:
                return self._context.decompress(message)
            return self._inflate_in_steps(message)
        except zstandard.ZstdError as error:
            raise CorruptStreamError(f"zstd-stream: {error}") from error

    def _inflate_in_steps(self, message: bytes) -> bytes:
        """Inflate a long message part by part, since zstd's output cannot be bounded beforehand."""
        parts, size, inflate = [], 0, self._context.decompress
        for start in range(0, len(message), _ZSTD_STEP):
            part = inflate(message[start : start + _ZSTD_STEP])
            size += len(part)
            if size > LARGEST_PAYLOAD:
                raise CorruptStreamError(f"zstd-stream: a payload is larger than {LARGEST_PAYLOAD} bytes")
            parts.append(part)
        return b"".join(parts)


def inflater(scheme: str) -> Inflater:
    """Return a new context for ``zstd-stream``, ``zlib-stream`` or ``none``."""
    kinds: dict[str, type[Inflater]] = {"zstd-stream": ZstdStream, "zlib-stream": ZlibStream, "none": Plain}
    return kinds[scheme]()
