"""Colours of help texts."""

from __future__ import annotations

from nescord_cli.help_text import painted_help

TEXT = """Usage: nescord dev [OPTIONS]

  Run sandbox, rest, ws and main: all of them.

Options:
  -V, --version         Print the version.
  --a-very-long-option <path>
                        Has a line of its own.

Develop:
  dev      Run everything.

  Examples:

  nescord dev"""


def test_headings_and_names_are_painted_and_nothing_else() -> None:
    painted = painted_help(TEXT, "<b>", "<n>", "</>").split("\n")
    assert painted[0] == "<b>Usage:</> nescord dev [OPTIONS]"
    assert painted[2] == "  Run sandbox, rest, ws and main: all of them."
    assert painted[5] == "  <n>-V, --version</>         Print the version."
    assert painted[6] == "  <n>--a-very-long-option <path></>"
    assert painted[10] == "  <n>dev</>      Run everything."
    assert painted[12] == "  <b>Examples:</>"
    assert painted[14] == "  nescord dev"
    assert "".join(painted_help(TEXT, "", "", "")) == TEXT
