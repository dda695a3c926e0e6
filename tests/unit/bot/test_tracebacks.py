"""Tracebacks of handlers, without nescord's own frames."""

from __future__ import annotations

import pytest

from nescord_core.bot.tracebacks import line_of, lines_of
from nescord_core.errors import ConfigError
from nescord_core.events import event_type


def test_own_frames_are_left_out_and_the_bots_stay() -> None:
    def handler() -> None:
        event_type("no_such_event")  # nescord's own code raises below this

    with pytest.raises(ValueError, match="no_such_event") as caught:
        handler()
    text = "".join(lines_of(caught.value))
    assert "in handler" in text
    assert "nescord_core/events.py" not in text
    assert text.rstrip().endswith(line_of(caught.value))


def test_causes_are_cut_as_well() -> None:
    def handler() -> None:
        try:
            event_type("no_such_event")
        except ValueError as error:
            raise RuntimeError("wrapped") from error

    with pytest.raises(RuntimeError) as caught:
        handler()
    text = "".join(lines_of(caught.value))
    assert "direct cause" in text
    assert "nescord_core/events.py" not in text


def test_an_error_with_no_other_frames_keeps_them_and_notes_are_no_part_of_its_line() -> None:
    error = ConfigError("no", hint="do this")
    error.add_note("a note")
    assert line_of(error).endswith("ConfigError: no do this")
    assert "a note" in "".join(lines_of(error))
