"""Records written to disk are read back, and damaged ones are never taken for events."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nescord_core.dispatch.sender.spool.files import read_file
from nescord_core.dispatch.sender.spool.records import MAGIC, Stored, decode, encode
from nescord_core.envelope import Envelope


def stored(order: int) -> Stored:
    data = b'{"content":"' + bytes([65 + order % 26]) * (order * 7 % 50) + '\u00e9"}'.encode()
    return Stored(
        order,
        Envelope(order % 3, f"session{order % 2}", order, "MESSAGE_CREATE", 2**63 + order, 7, data, 1.5),
    )


ITEMS = [stored(order) for order in range(20)]
FILE = MAGIC + encode(ITEMS)


def test_what_is_written_is_read_bytes_and_mark_included() -> None:
    marked = Stored(99, ITEMS[0].envelope._replace(redelivered=True, key=0))
    found, whole = decode(FILE + encode([marked]))
    assert whole
    assert found == [*ITEMS, marked]
    assert isinstance(found[0].envelope, Envelope)


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 60, 150])
def test_a_torn_last_record_costs_only_itself(cut: int) -> None:
    found, whole = decode(FILE[:-cut])
    assert not whole
    assert found == ITEMS[: len(found)]
    assert len(found) >= len(ITEMS) - 3


def test_a_flipped_bit_anywhere_is_noticed_and_nothing_before_it_is_lost() -> None:
    chance = random.Random(7)
    for _ in range(300):
        at = chance.randrange(len(MAGIC), len(FILE))
        damaged = bytearray(FILE)
        damaged[at] ^= 1 << chance.randrange(8)
        found, whole = decode(bytes(damaged))
        assert not whole
        assert found == ITEMS[: len(found)]


def test_a_file_of_another_kind_or_version_is_not_read() -> None:
    assert decode(b"nescord spool 2\n" + FILE[len(MAGIC) :]) == ([], False)
    assert decode(b"") == ([], True)


def test_a_damaged_file_is_set_aside_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "00000001.events"
    path.write_bytes(bytes(500))
    assert read_file(path) == []
    assert [each.name for each in tmp_path.iterdir()] == ["00000001.events.damaged-1"]
    assert len(caplog.records) == 1
    assert read_file(path) == []
    path.touch()
    assert read_file(path) == []
    assert path.exists(), "an empty file is not damaged"
