"""Reads width and height from the first bytes of an image: PNG, GIF, JPEG, WebP, AVIF. Pure.

Only the header is read; a damaged image has the size that its header says, or none. By hand, because
imagesize 2.0 counts the scaling bits of a lossy WebP as width, and parses the XML of every SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

__all__ = ["image_size"]

Size = tuple[int, int]
JPEG_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG that are followed by the size (ITU T.81, table B.1)."""
JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
WEBP_SIZE_BITS = 0x3FFF


def image_size(data: bytes) -> Size | None:
    """Return (width, height) in pixels, or None for what is no image of these formats."""
    for start, read in READERS.items():
        if data.startswith(start):
            return read(data)
    return _avif(data) if data[4:8] == b"ftyp" else None


def _png(data: bytes) -> Size | None:
    return _pair(data, 16, 4, "big") if data[12:16] == b"IHDR" else None


def _gif(data: bytes) -> Size | None:
    return _pair(data, 6, 2, "little")


def _jpeg(data: bytes) -> Size | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in JPEG_START_OF_FRAME:
            found = _pair(data, at + 5, 2, "big")
            return None if found is None else (found[1], found[0])
        if marker == 0xFF or marker in JPEG_WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _webp(data: bytes) -> Size | None:
    kind, body = data[12:16], data[20:30]
    if data[8:12] != b"WEBP" or len(body) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & WEBP_SIZE_BITS) + 1, (bits >> 14 & WEBP_SIZE_BITS) + 1
    width, height = int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
    return (width & WEBP_SIZE_BITS, height & WEBP_SIZE_BITS) if kind == b"VP8 " else None


def _avif(data: bytes) -> Size | None:
    at = data.find(b"ispe")  # the box with the size of the image (ISO/IEC 23008-12, 6.5.3)
    return None if at < 0 else _pair(data, at + 8, 4, "big")


def _pair(data: bytes, at: int, width: int, order: Literal["big", "little"]) -> Size | None:
    """Return two numbers of ``width`` bytes each; None if the data end before."""
    if len(data) < at + 2 * width:
        return None
    middle = at + width
    return (
        int.from_bytes(data[at:middle], order),
        int.from_bytes(data[middle : middle + width], order),
    )


READERS: Mapping[bytes, Callable[[bytes], Size | None]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
    b"\xff\xd8": _jpeg,
    b"RIFF": _webp,
}
"""The reader of each format, by the bytes that a file of it starts with."""
