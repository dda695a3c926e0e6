"""A record that a former holder can no longer change."""

from __future__ import annotations

from nescord_core.coordination.rules.fenced_record import FencedRecord, RecordState
from nescord_core.coordination.rules.lease import Answered, Conflicted, Found, Look, Lost, Write


def ready(fence: int, revision: int | None) -> FencedRecord:
    record = FencedRecord(fence)
    look = record.write()
    assert isinstance(look, Look)
    write = record.handle(Found(look.request, revision), 0)
    assert write == Write(look.request + 1, revision or 0)
    assert record.handle(Answered(look.request + 1, (revision or 0) + 1)) is None
    return record


def test_each_write_is_based_on_the_one_before() -> None:
    record = ready(5, None)
    assert record.write() == Write(3, 1)
    assert record.write() is None, "one at a time"


def test_a_later_holders_write_closes_it() -> None:
    record = ready(5, 10)
    write = record.write()
    assert write is not None
    look = record.handle(Conflicted(write.request))
    assert isinstance(look, Look)
    assert record.handle(Found(look.request, 20), 6) is None
    assert record.state is RecordState.CLOSED
    assert record.write() is None


def test_a_former_holders_last_write_does_not() -> None:
    record = FencedRecord(6)
    look = record.write()
    assert look is not None
    write = record.handle(Found(look.request, 10), 5)
    assert isinstance(write, Write)
    look = record.handle(Conflicted(write.request))
    assert isinstance(look, Look)
    assert record.handle(Found(look.request, 11), 5) == Write(look.request + 1, 11)


def test_after_a_write_without_an_answer_it_looks_first() -> None:
    record = ready(5, 10)
    write = record.write()
    assert write is not None
    assert record.handle(Lost(write.request)) is None
    assert isinstance(record.write(), Look)
