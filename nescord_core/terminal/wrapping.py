"""Wraps lines at a terminal's width, with a hanging indent. Pure."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["columns", "wrapped"]

ESCAPE = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
WORDS = re.compile(r" *[^ ]+")
NARROWEST = 20
"""With fewer columns than this beside the indent, lines are left to the terminal."""


def columns(text: str) -> int:
    """Return how many columns a text takes, escape sequences aside."""
    plain = ESCAPE.sub("", text)
    if plain.isascii():
        return len(plain)
    return sum(_columns_of(character) for character in plain)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(text: str, width: int, *, indent: int = 0, first: int | None = None) -> list[str]:
    """Break one line at its spaces; further lines begin with ``indent`` spaces.

    The first line has ``first`` columns in front of it (default: ``indent``). Words that are longer than a
    line are not broken, so that they can be copied. ``width`` 0 returns the text as it is.
    """
    if not width or width - indent < NARROWEST:
        return [text]
    lines: list[str] = []
    line, used = "", indent if first is None else first
    for found in WORDS.findall(text.replace("\t", "    ")):
        if ESCAPE.sub("", line).strip() and used + columns(found) > width:
            lines.append(line)
            line, used, word = " " * indent, indent, found.lstrip(" ")
        else:
            word = found
        line, used = line + word, used + columns(word)
    return [*lines, line]
