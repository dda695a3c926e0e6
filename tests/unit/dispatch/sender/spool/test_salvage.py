"""Of a damaged spool file, everything intact is read, and nothing else is taken for an event."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import pytest

from nescord_core.dispatch.sender.spool.files import read_file
from nescord_core.dispatch.sender.spool.records import MAGIC, Stored, encode
from nescord_core.dispatch.sender.spool.salvage import salvage
from nescord_core.envelope import Envelope

ORDERS = [*range(-3, 20), 200, 70_000, 1 << 33, -(1 << 40), -200, -70_000]


def stored(order: int) -> Stored:
    data = b'{"content":"' + bytes([65 + order % 26]) * (order * 7 % 50) + '\u0092\u0099"}'.encode()
    return Stored(order, Envelope(order % 3, "session", abs(order), "MESSAGE_CREATE", 5, 7, data, 1.5))


ITEMS = [stored(order) for order in ORDERS]
FILE = MAGIC + encode(ITEMS)


def is_part_of(found: list[Stored], items: list[Stored]) -> bool:
    rest = iter(items)
    return all(item in rest for item in found)


def test_an_intact_file_is_read_whole() -> None:
    assert salvage(FILE) == (ITEMS, 0)


def test_a_flipped_bit_costs_one_event_wherever_it_is() -> None:
    chance = random.Random(7)
    for _ in range(500):
        damaged = bytearray(FILE)
        damaged[chance.randrange(len(MAGIC), len(FILE))] ^= 1 << chance.randrange(8)
        found, unreadable = salvage(bytes(damaged))
        assert len(found) == len(ITEMS) - 1
        assert is_part_of(found, ITEMS)
        assert 0 < unreadable < 250


@pytest.mark.parametrize("how", ["zeros", "noise", "removed"])
def test_a_damaged_stretch_costs_the_events_that_it_touches(how: str) -> None:
    chance = random.Random(8)
    for _ in range(100):
        at, size = chance.randrange(len(MAGIC), len(FILE) - 300), chance.randrange(1, 300)
        put = {"zeros": bytes(size), "noise": chance.randbytes(size), "removed": b""}[how]
        damaged = FILE[:at] + put + FILE[at + size :]
        found, _ = salvage(damaged)
        assert is_part_of(found, ITEMS)
        assert len(found) >= len(ITEMS) - 6


def test_a_record_inside_a_damaged_event_is_no_event() -> None:
    """A message may hold the bytes of a record; where the damaged record ends is known from its length."""
    forged = encode([stored(66)])
    carrier = Stored(5, ITEMS[5].envelope._replace(data=b"x" * 40 + forged + b"x" * 40))
    data = bytearray(MAGIC + encode([ITEMS[0], carrier, ITEMS[1]]))
    data[data.index(b"x" * 40) + 3] ^= 1
    assert salvage(bytes(data)).items == [ITEMS[0], ITEMS[1]]


def test_a_payload_that_is_no_event_is_skipped() -> None:
    odd = b"\x92\x01\x99"
    frame = struct.pack("<II", len(odd), zlib.crc32(odd)) + odd
    assert salvage(MAGIC + encode(ITEMS[:2]) + frame + encode(ITEMS[2:])) == (ITEMS, len(frame))


def test_damage_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "1.events"
    path.write_bytes(FILE[:200] + b"?" + FILE[201:])
    assert len(read_file(path)) == len(ITEMS) - 1
    assert len(read_file(path, is_known=True)) == len(ITEMS) - 1
    assert len(caplog.records) == 1
    assert f"{len(ITEMS) - 1} events in it can" in caplog.text
