"""Events written to disk are read back, and damage costs only the events that it hits."""

from __future__ import annotations

import random
import struct
from zlib import crc32

import msgspec
import pytest

from nescord_core.dispatch.sender.spool.records import Stored, decode, encode, encode_fitting, end_mark
from nescord_core.envelope import Envelope

NUMBER = 7


def stored(order: int) -> Stored:
    data = b'{"content":"' + bytes([65 + order % 26]) * (order * 7 % 50) + '\u00e9"}'.encode()
    return Stored(
        order,
        Envelope(order % 3, f"session{order % 2}", order, "MESSAGE_CREATE", 2**63 + order, 7, data, 1.5),
    )


def written(*blocks: list[Stored], number: int = NUMBER) -> bytes:
    return b"".join(part for items in blocks for part in encode(number, items)) + end_mark(number)


FIRST, SECOND = [stored(order) for order in range(20)], [stored(order) for order in range(20, 40)]
FILE = written(FIRST, SECOND)


def test_what_is_written_is_read_bytes_and_mark_included() -> None:
    marked = Stored(99, FIRST[0].envelope._replace(redelivered=True, key=0))
    found, damaged = decode(NUMBER, written(FIRST, [marked]))
    assert not damaged
    assert found == [*FIRST, marked]
    assert isinstance(found[0].envelope, Envelope)


def test_many_events_are_several_blocks() -> None:
    items = [stored(order) for order in range(1201)]
    assert len(encode(NUMBER, items)) == 19
    assert decode(NUMBER, written(items)) == (items, 0)


def test_an_incomplete_last_write_costs_only_its_own_events() -> None:
    whole = len(written(FIRST)) - len(end_mark(NUMBER))
    for cut in range(whole, len(FILE)):
        found, _ = decode(NUMBER, FILE[:cut])
        assert found[:20] == FIRST
        assert found[20:] == SECOND[: len(found) - 20]


def test_a_flipped_bit_anywhere_is_noticed_and_costs_at_most_its_block() -> None:
    chance = random.Random(7)
    for _ in range(1000):
        at = chance.randrange(len(FILE))
        damaged = bytearray(FILE)
        damaged[at] ^= 1 << chance.randrange(8)
        found, unreadable = decode(NUMBER, bytes(damaged))
        assert unreadable
        assert set(found) <= {*FIRST, *SECOND}
        assert set(found) >= set(FIRST) or set(found) >= set(SECOND)


def test_what_an_earlier_use_of_the_file_left_is_not_read() -> None:
    for length in range(len(FILE)):
        old = written(FIRST, SECOND, number=6)
        new = written(SECOND)
        assert decode(NUMBER, new + old[len(new) :]) == (SECOND, 0)
        cut = new[:length] + old[length:]  # the process was killed while it wrote
        assert set(decode(NUMBER, cut).items) <= set(SECOND)
    assert decode(NUMBER, written(FIRST, number=6)) == ([], 0)


def test_an_end_mark_is_replaced_by_the_next_block() -> None:
    first, second = (b"".join(encode(NUMBER, items)) for items in (FIRST, SECOND))
    file = bytearray(first + end_mark(NUMBER))
    file[len(first) :] = second + end_mark(NUMBER)
    assert decode(NUMBER, bytes(file)) == ([*FIRST, *SECOND], 0)


def test_a_file_of_another_kind_has_no_events() -> None:
    assert decode(NUMBER, b"") == ([], 0)
    assert decode(NUMBER, bytes(500)) == ([], 500)


@pytest.mark.parametrize("cut", [0, 1, 60])
def test_files_of_an_earlier_version_are_read(cut: int) -> None:
    payloads = [msgspec.msgpack.encode(item) for item in FIRST]
    records = [struct.pack("<II", len(each), crc32(each)) + each for each in payloads]
    file = b"nescord spool 1\n" + b"".join(records)
    found, damaged = decode(NUMBER, file[: len(file) - cut])
    assert found == FIRST[: 20 - bool(cut)]
    assert bool(damaged) == bool(cut)


def test_what_cannot_be_encoded_is_returned_and_the_rest_is_encoded() -> None:
    odd = Stored(50, FIRST[0].envelope._replace(key=1 << 70))
    blocks, unfit = encode_fitting(NUMBER, [*FIRST, odd, *SECOND])
    assert [each.item for each in unfit] == [odd]
    assert decode(NUMBER, b"".join(blocks)).items == [*FIRST, *SECOND]
