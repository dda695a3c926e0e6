"""The size of images, by headers of each format, whole and cut off anywhere."""

from __future__ import annotations

import struct
import zlib

import pytest

from nescord_core.sandbox.world.image_size import image_size


def png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def jpeg(width: int, height: int) -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", 10) + b"\xff\xc0Exif\0\0"
    padding_and_frame = b"\xff\xff\xc2" + struct.pack(">HBHH", 11, 8, height, width) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + exif + padding_and_frame


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBP" + kind + struct.pack("<I", len(body)) + body


IMAGES = {
    "png": png(640, 480),
    "gif": b"GIF89a" + struct.pack("<HH", 640, 480),
    "jpeg": jpeg(640, 480),
    "webp lossy": webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 640 | 1 << 14, 480)),
    "webp lossless": webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14 | 1 << 28) + b"\0" * 5),
    "webp extended": webp(b"VP8X", b"\0\0\0\0" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
    "avif": struct.pack(">I", 8) + b"ftypavif" + b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", 640, 480),
}


@pytest.mark.parametrize("name", IMAGES)
def test_each_format_has_its_size_and_a_cut_one_has_none(name: str) -> None:
    image = IMAGES[name]
    assert image_size(image + b"the picture itself") == (640, 480)
    assert {image_size(image[:end]) for end in range(len(image))} <= {None, (640, 480)}
    assert image_size(image[: len(image) // 2]) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"text", b"\xff\xd8\xff", b"\xff\xd8" + b"\xff\xe1\0\0" * 9, b"RIFF....WAVEfmt ", b"....ftypmp42"],
)
def test_anything_else_has_none(data: bytes) -> None:
    assert image_size(data) is None
