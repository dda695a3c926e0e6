"""Colours, links and wrapping of text in a terminal."""

from __future__ import annotations

from pathlib import PurePath

from hypothesis import given
from hypothesis import strategies as st

from nescord_core.terminal.look import PLAIN, Look, link, link_places, paint, symbol
from nescord_core.terminal.paragraphs import error_lines
from nescord_core.terminal.wrapping import columns, wrapped

COLOURED = Look(width=40, colour=True, links=True, host="here")


def test_a_pipe_gets_neither_colours_nor_links() -> None:
    assert paint("x", "bold red", PLAIN) == link("x", "http://a/", PLAIN) == "x"
    assert link_places("app.py:7", PurePath("/bot"), PLAIN) == "app.py:7"


def test_a_terminal_gets_both() -> None:
    assert paint("x", "bold red", COLOURED) == "\x1b[1;31mx\x1b[0m"
    assert link("x", "http://a/", COLOURED) == "\x1b]8;;http://a/\x1b\\x\x1b]8;;\x1b\\"


def test_places_in_source_files_are_links_to_the_file() -> None:
    text = link_places('at bot/app.py:7, File "/lib/x y.py", line 12', PurePath("/bot"), COLOURED)
    assert "\x1b]8;;file://here/bot/bot/app.py#7\x1b\\bot/app.py:7\x1b]8;;\x1b\\" in text
    assert '\x1b]8;;file://here/lib/x%20y.py#12\x1b\\File "/lib/x y.py", line 12' in text
    in_editor = link_places("app.py:7", PurePath("/bot"), Look(links=True, editor="vscode"))
    assert "vscode://file/bot/app.py:7" in in_editor


def test_a_terminal_without_unicode_gets_ascii() -> None:
    assert symbol("✓", Look(unicode=False)) == "ok"
    assert symbol("✓", PLAIN) == "✓"


def test_columns_count_what_is_seen() -> None:
    assert columns("\x1b[1;31mred\x1b[0m \x1b]8;;file://x\x1b\\link\x1b]8;;\x1b\\") == 8
    assert columns("日本e\u0301") == 5


def test_further_lines_are_indented_and_words_stay_whole() -> None:
    long = "x" * 50
    assert wrapped(f"one two three {long} four", 30, indent=4) == [
        "one two three",
        f"    {long}",
        "    four",
    ]
    assert wrapped("as it is  ", 0) == ["as it is  "]


@given(
    st.text(alphabet=st.sampled_from("ab \x1b[0m日"), max_size=200), st.integers(24, 60), st.integers(0, 4)
)
def test_wrapping_loses_nothing_and_keeps_the_width(text: str, width: int, indent: int) -> None:
    lines = wrapped(text, width, indent=indent)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines[1:]:
        assert columns(line) <= width or " " not in line.strip()


def test_an_error_is_a_paragraph_and_keeps_the_lines_of_a_log() -> None:
    lines = error_lines(f"{'word ' * 30}\n    a line of a log", Look(width=60))
    assert lines[0].startswith("Error: word")
    assert max(map(len, lines)) <= 60
    assert lines[-1] == "    a line of a log"
