"""Decides which paths the project's .gitignore excludes from watching.

Only the .gitignore in the project directory is read, and gitmatch matches its patterns. The better known
pathspec disagrees with git about directories, and a directory excluded by mistake is never watched. Given
``*``, ``!*/`` and ``!*.py``, pathspec 1.1 excludes every directory; given ``data/**``, also ``data`` itself
(https://github.com/cpburnz/python-pathspec/issues/137).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitmatch import Pattern

__all__ = ["Ignored", "parse"]

SUPERFLUOUS_SLASH = re.compile(r"^(!?)/(?=\*\*)")
"""``/**/x`` means the same as ``**/x``, but gitmatch 0.3 takes its `**` for `*`, which is one level only."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The patterns of a .gitignore, in file order."""

    patterns: tuple[Pattern[str], ...] = ()

    def matches(self, path: str, *, is_dir: bool) -> bool:
        """Return whether the last pattern that matches this path excludes it.

        ``path`` is relative to the project, with `/`. The caller skips the content of excluded directories.
        """
        for pattern in reversed(self.patterns):
            if pattern.match(path, is_dir=is_dir):
                return not pattern.negative
        return False


def parse(text: str) -> Ignored:
    """Parse the text of a .gitignore; blank lines, comments and invalid patterns are skipped, as git does."""
    lines = text.removeprefix("\ufeff").split("\n")  # git knows no other line ends
    return Ignored(tuple(_patterns([line.removesuffix("\r") for line in lines])))


def _patterns(lines: list[str]) -> Iterator[Pattern[str]]:
    from gitmatch import InvalidPatternError, pattern2regex  # 4 ms that only a main that watches files needs

    for line in lines:
        with suppress(InvalidPatternError):
            if regex := pattern2regex(SUPERFLUOUS_SLASH.sub(r"\1", line)):
                yield regex.compile()
