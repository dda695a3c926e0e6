"""What a terminal shows, by its environment."""

from __future__ import annotations

import io

import pytest

from nescord_core.terminal.detection import look_of
from nescord_core.terminal.look import PLAIN

XTERM = {"TERM": "xterm-256color"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_is_plain_unless_colours_are_forced() -> None:
    assert look_of(io.StringIO(), XTERM) == PLAIN
    assert look_of(io.StringIO(), {"FORCE_COLOR": "1"}).colour


@pytest.mark.parametrize("environ", [{}, {"TERM": "dumb"}, {**XTERM, "NO_COLOR": "1"}])
def test_no_colours_where_they_are_unwanted(environ: dict[str, str]) -> None:
    assert not look_of(Terminal(), environ).colour
    assert look_of(Terminal(), XTERM).colour


@pytest.mark.parametrize(
    "environ",
    [
        {"VTE_VERSION": "7006"},
        {"TERM_PROGRAM": "WezTerm"},
        {"TERM": "xterm-kitty"},
        {"TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.4"},
        {"FORCE_HYPERLINK": "1"},
    ],
)
def test_links_in_terminals_that_show_them(environ: dict[str, str]) -> None:
    assert look_of(Terminal(), XTERM | environ).links


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"VTE_VERSION": "4999"},
        {"TERM_PROGRAM": "Apple_Terminal"},
        {"TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.3a"},
        {"TERM_PROGRAM": "WezTerm", "FORCE_HYPERLINK": "0"},
    ],
)
def test_no_links_in_terminals_that_may_print_them(environ: dict[str, str]) -> None:
    assert not look_of(Terminal(), XTERM | environ).links
