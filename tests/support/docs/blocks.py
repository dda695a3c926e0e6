"""Finds the code blocks of a Markdown page, and the marks that say how they are tested.

A mark is a comment above a fence: ``<!-- test: skip=token -->``. docs/contributing/docs.md explains them.
The marks ``ask``, ``run`` and ``interrupt`` are steps of their own, without a block.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import dedent

__all__ = ["MARKS", "REASONS", "STEPS", "Block", "PageError", "parse"]

MARKS = {
    "skip": "not run; the value is one of the reasons",
    "file": "written to this file",
    "in": "run in this directory",
    "run": "a command that the page does not show, such as one that prepares a project",
    "interrupt": "press ^C in the terminal of the last background block",
    "background": "runs until the page ends",
    "terminals": "each line runs until the page ends, in a terminal of its own",
    "until": "a background block has started once it has printed this text",
    "output": "lines that the block before prints; `output=background`: that the background block prints",
    "exit": "the exit code of the block (0)",
    "given": "Python that a type checker reads before the block",
    "ask": "say this to the bot; `answer` is what it has to answer",
    "answer": "a regular expression",
    "as": "the user who asks (alice)",
}
STEPS = {"ask", "interrupt", "run"}
"""Marks that stand for themselves, without a code block."""
REASONS = {
    "token": "needs a bot token and the real Discord",
    "docker": "needs Docker",
    "kubernetes": "needs a cluster",
    "systemd": "needs systemd and root",
    "network": "installs from a package index or clones from a host",
    "tests": "runs all tests: CI runs this very block first",
    "terminal": "needs a person at a terminal; a test of its own covers it",
    "other": "is code for another language or library, which its own tests cover",
    "example": "is a drawing, or output that depends on the machine or on Discord",
}
_FENCE = re.compile(r"^( *)(```+)(\w*)[^`]*$")
_MARK = re.compile(r"^ *<!-- test: (.*?) -->$")


class PageError(ValueError):
    """A page has a mark or a fence that nobody can read."""


@dataclass(frozen=True, slots=True)
class Block:
    """A code block, or a step without one (an empty language)."""

    page: str
    line: int
    language: str
    text: str
    marks: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def parse(page: str, text: str) -> list[Block]:
    """Return the blocks of a page in order. Raises PageError."""
    return list(_parse(page, text.splitlines()))


def _parse(page: str, lines: list[str]) -> Iterator[Block]:
    marks: dict[str, str] = {}
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if found := _MARK.match(line):
            given = _marks(f"{page}:{number}", found[1])
            if STEPS & given.keys():
                yield Block(page, number, "", "", given)
            else:
                marks |= given
        elif fence := _FENCE.match(line):
            start, body = number, []
            while number < len(lines) and not lines[number].strip().startswith(fence[2]):
                body.append(lines[number])
                number += 1
            if number == len(lines):
                raise PageError(f"{page}:{start}: this fence has no end")
            number += 1
            yield Block(page, start, fence[3], dedent("\n".join(body)) + "\n", marks)
            marks = {}
        elif marks and line.strip():
            break
    if marks:
        raise PageError(f"{page}:{number}: no code block follows the mark above")


def _marks(where: str, text: str) -> dict[str, str]:
    found = {}
    for word in shlex.split(text):
        name, _, value = word.partition("=")
        if name not in MARKS:
            raise PageError(f"{where}: there is no mark {name!r}, only {', '.join(MARKS)}")
        found[name] = value
    if "skip" in found and found["skip"] not in REASONS:
        raise PageError(f"{where}: {found['skip']!r} is no reason, only {', '.join(REASONS)} are")
    return found
