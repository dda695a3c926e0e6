"""Finds the line of a TOML document that a path such as ``guilds[0].channels[1].kind`` leads to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

__all__ = ["Step", "line_of"]

Step = str | int
HEADER = re.compile(r"\s*\[(\[)?\s*([\w\-.\"' ]+?)\s*\]\]?\s*(?:#.*)?$")
ENTRY = re.compile(r"\s*([\w\-]+|\"[^\"]*\"|'[^']*')\s*=")


def line_of(text: str, path: Sequence[Step]) -> int:
    """Return the number of the line, from 1, that is nearest to a path: of its key, else of its table."""
    best, found = 0, 1
    for number, here in _places(text):
        shared = 0
        for ours, theirs in zip(here, path, strict=False):
            if ours != theirs:
                break
            shared += 1
        if shared > best and shared == len(here):
            best, found = shared, number
    return found


def _places(text: str) -> Iterator[tuple[int, tuple[Step, ...]]]:
    """Yield each header and each key with its line and its path."""
    counts: dict[tuple[Step, ...], int] = {}
    table: tuple[Step, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            table = _table(header[2], counts, is_array=bool(header[1]))
            yield number, table
        elif entry := ENTRY.match(line):
            yield number, (*table, entry[1].strip("\"'"))


def _table(name: str, counts: dict[tuple[Step, ...], int], *, is_array: bool) -> tuple[Step, ...]:
    path: tuple[Step, ...] = ()
    *outer, last = (part.strip().strip("\"'") for part in name.split("."))
    for part in outer:
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path])
    path = (*path, last)
    if is_array:
        counts[path] = counts.get(path, -1) + 1
        path = (*path, counts[path])
    return path
