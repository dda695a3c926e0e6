"""Draws the avatars of users without one, a plain square in one of six colours. Pure.

https://discord.com/developers/docs/reference#image-formatting-cdn-endpoints
"""

from __future__ import annotations

import struct
import zlib
from functools import cache

__all__ = ["default_avatar"]

_SIZE = 128
_COLOURS = ("5865f2", "757e8a", "3ba55c", "faa61a", "ed4245", "eb459f")


@cache
def default_avatar(index: int) -> bytes | None:
    """Return the PNG of ``embed/avatars/INDEX.png``, None for an unknown index."""
    if not 0 <= index < len(_COLOURS):
        return None
    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 3, 0, 0, 0)
    rows = bytes(_SIZE + 1) * _SIZE
    parts = (
        (b"IHDR", header),
        (b"PLTE", bytes.fromhex(_COLOURS[index])),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
