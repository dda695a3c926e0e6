"""The part of .gitignore's rules that decides what is not worth watching.

One file at the project's root is read; order, `!`, anchoring, `**` and directory-only patterns are kept
(https://git-scm.com/docs/gitignore#_pattern_format).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Ignored", "parse"]


@dataclass(frozen=True, slots=True)
class _Line:
    pattern: re.Pattern[str]
    negated: bool
    directories_only: bool


@dataclass(frozen=True, slots=True)
class Ignored:
    """The patterns of one .gitignore, in the order in which they stand."""

    lines: tuple[_Line, ...] = ()

    def matches(self, path: str, *, is_dir: bool) -> bool:
        """Say whether this very path (relative, with `/`) is excluded; parents are the caller's affair."""
        verdict = False
        for line in self.lines:
            if line.directories_only and not is_dir:
                continue
            if line.pattern.fullmatch(path):
                verdict = not line.negated
        return verdict


def parse(text: str) -> Ignored:
    """Read the text of a .gitignore; lines that say nothing are left out."""
    return Ignored(tuple(_lines(text.splitlines())))


def _lines(rows: Iterable[str]) -> Iterable[_Line]:
    for row in rows:
        body = row.rstrip() if not row.endswith("\\ ") else row
        if not body or body.startswith("#"):
            continue
        negated = body.startswith("!")
        body = body.removeprefix("!") if negated else body.removeprefix("\\")
        directories_only = body.endswith("/")
        body = body.rstrip("/")
        if body:
            yield _Line(re.compile(_regex(body)), negated, directories_only)


def _regex(body: str) -> str:
    """A pattern with a slash before its end is anchored at the root; any other matches at every depth."""
    anchored = "/" in body
    return ("" if anchored else "(?:.*/)?") + _translated(body.lstrip("/"))


_TOKENS = re.compile(
    r"(?P<deep>\*\*/)|(?P<rest>/\*\*$)|(?P<star>\*+)|(?P<one>\?)|(?P<set>\[[^]]+\])|(?P<char>\\?.)"
)


def _translated(body: str) -> str:
    out = []
    for token in _TOKENS.finditer(body):
        text = token.group()
        match token.lastgroup:
            case "deep":
                out.append("(?:.*/)?")
            case "rest":
                out.append("/.*")
            case "star":
                out.append("[^/]*")
            case "one":
                out.append("[^/]")
            case "set":
                out.append("[" + text[1:-1].replace("!", "^", 1) + "]" if text[1] == "!" else text)
            case _:
                out.append(re.escape(text[-1]))
    return "".join(out)
