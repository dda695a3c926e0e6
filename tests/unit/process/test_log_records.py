"""Log records between a service and its supervisor."""

from __future__ import annotations

from nescord_core.process.log_records import LONGEST, MARK, Record, decode, encode


def test_a_record_arrives_as_it_was_sent_on_one_line() -> None:
    record = Record(
        1.5, "error", "nescord.main", "two\nlines \x1b", "Traceback\n  x", {"reload": {"ok": False}}
    )
    line = encode(record)
    assert "\n" not in line
    assert decode(line) == record


def test_other_lines_are_no_records() -> None:
    for line in ("hello", '{"message": "x"}', MARK, f"{MARK}[1]", f"{MARK}{{}}", f"{MARK}not json"):
        assert decode(line) is None


def test_a_record_too_long_for_a_line_is_text() -> None:
    line = encode(Record(0.0, "info", "bot", "x" * LONGEST))
    assert decode(line) is None
    assert line.endswith("x" * LONGEST)


def test_text_has_level_and_traceback_and_no_control_characters() -> None:
    text = Record(0.0, "warning", "bot", "a\x1b[2J", "Traceback\n  x\n").as_text()
    assert text.split(" ", 1)[1] == "WARNING a\\x1b[2J\nTraceback\n  x"
    assert " INFO" not in Record(0.0, "info", "bot", "a").as_text()
