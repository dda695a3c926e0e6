"""Compares what a page shows of a program's output with what it has printed.

Numbers, times and the width of columns may differ, and `...` stands for anything: within a line for any text,
on a line of its own for any lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["difference", "missing"]

_DIGITS = re.compile(r"\d[\d,.:_-]*\d|\d")
_EVENT = re.compile(r"\b\d+-[0-9a-z]+-\d+\b")
_HEX = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def plain(line: str) -> str:
    """Return a line with numbers replaced and columns narrowed."""
    text = _COLOUR.sub("", line).rstrip()
    return re.sub(r" +", " ", _DIGITS.sub("0", _HEX.sub("0", _EVENT.sub("0", text)))).strip()


def matches(shown: str, printed: str) -> bool:
    """Return whether a shown line stands for a printed one."""
    pattern = ".*".join(re.escape(part.strip()) for part in plain(shown).split("..."))
    return re.fullmatch(pattern, plain(printed)) is not None


def difference(shown: Sequence[str], printed: Sequence[str]) -> str | None:
    """Return the first shown line that does not follow, or None if the printed lines are as shown.

    Empty lines do not count.
    """
    wanted = [line for line in shown if line.strip()]
    rest = [line for line in printed if line.strip()]
    anywhere = True  # output may begin with lines that the page leaves out
    for line in wanted:
        if line.strip() == "...":
            anywhere = True
            continue
        if anywhere:
            while rest and not matches(line, rest[0]):
                rest.pop(0)
        if not rest or not matches(line, rest.pop(0)):
            return line
        anywhere = False
    return None


def missing(shown: Sequence[str], printed: Sequence[str]) -> list[str]:
    """Return the shown lines that have not been printed, in whatever order."""
    wanted = [line for line in shown if line.strip() and line.strip() != "..."]
    return [line for line in wanted if not any(matches(line, each) for each in printed)]
