"""The delivery report, on which the end-to-end tests rely, detects every kind of violation."""

from __future__ import annotations

from pathlib import Path

from support.system.delivery_report import Record, examine, missing, read

SENT = {"1": (1, 3), "2": (1, 2)}


def record(guild: str, number: int, *, redelivered: bool = False) -> Record:
    return Record("load", guild, number, redelivered, 7, "v1")


GOOD = [record("1", 1), record("2", 1), record("1", 2), record("1", 3), record("2", 2)]


def test_all_once_and_in_order_per_guild_is_good() -> None:
    findings = examine(GOOD, SENT)
    assert findings.good
    assert findings.again == 0


def test_what_is_lost_is_named() -> None:
    records = [each for each in GOOD if each != record("1", 2)]
    findings = examine(records, SENT)
    assert not findings.good
    assert findings.lost == missing(records, SENT) == [("1", 2)]
    assert "1 lost: [('1', 2)]" in str(findings)


def test_the_last_one_lost_is_noticed() -> None:
    assert examine(GOOD[:-1], SENT).lost == [("2", 2)]


def test_a_guild_of_which_nothing_came_is_noticed() -> None:
    assert examine([each for each in GOOD if each.guild == "1"], SENT).lost == [("2", 1), ("2", 2)]


def test_a_second_time_without_a_mark_is_named() -> None:
    findings = examine([*GOOD, record("1", 3)], SENT)
    assert not findings.good
    assert findings.doubled_unmarked == [("1", 3)]
    assert "1 doubled without a mark" in str(findings)


def test_a_mark_on_the_first_time_does_not_excuse_the_second() -> None:
    records = [record("1", 1, redelivered=True), *GOOD]
    assert examine(records, SENT).doubled_unmarked == [("1", 1)]


def test_a_second_time_with_a_mark_is_counted_and_allowed_even_late() -> None:
    findings = examine([*GOOD, record("1", 1, redelivered=True)], SENT)
    assert findings.good
    assert findings.again == 1


def test_what_overtakes_within_a_guild_is_named() -> None:
    records = [record("2", 1), record("1", 1), record("1", 3), record("1", 2), record("2", 2)]
    findings = examine(records, SENT)
    assert not findings.good
    assert findings.reordered == [("1", 2, 3)]
    assert "out of order" in str(findings)


def test_a_mark_does_not_excuse_a_first_time_out_of_order() -> None:
    records = [
        record("2", 1),
        record("1", 2),
        record("1", 1, redelivered=True),
        record("1", 3),
        record("2", 2),
    ]
    assert examine(records, SENT).reordered == [("1", 1, 2)]


def test_what_was_never_sent_is_named() -> None:
    findings = examine([*GOOD, record("3", 1), record("1", 4)], SENT)
    assert not findings.good
    assert findings.never_sent == [("1", 4), ("3", 1)]


def test_a_file_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    assert read(path) == []
    path.write_text("a 1 5 0 99 v2\na 1 6 1 99 v2\na 1 7")
    assert read(path) == [Record("a", "1", 5, False, 99, "v2"), Record("a", "1", 6, True, 99, "v2")]
