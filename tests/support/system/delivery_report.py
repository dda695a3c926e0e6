"""Compares the events a bot handled with those sent: lost, doubled, out of order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Findings", "Key", "Record", "examine", "missing", "read"]

SHOWN = 10


class Record(NamedTuple):
    """One handled message: its load, and the process and version that handled it, in the file's order."""

    load: str
    guild: str
    number: int
    redelivered: bool
    pid: int
    version: str


Key = tuple[str, int]
"""A guild and the number of a message in it."""


@dataclass(frozen=True)
class Findings:
    """The violations. ``again`` counts repeats marked as redelivered, which are allowed after a crash."""

    lost: list[Key] = field(default_factory=list)
    doubled_unmarked: list[Key] = field(default_factory=list)
    reordered: list[tuple[str, int, int]] = field(default_factory=list)
    never_sent: list[Key] = field(default_factory=list)
    again: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled without a mark, out of order, or never sent."""
        return not (self.lost or self.doubled_unmarked or self.reordered or self.never_sent)

    def __str__(self) -> str:
        named: dict[str, list[Any]] = {
            "lost": self.lost,
            "doubled without a mark": self.doubled_unmarked,
            "out of order (guild, number, after)": self.reordered,
            "never sent": self.never_sent,
        }
        problems = [f"{len(found)} {name}: {found[:SHOWN]}" for name, found in named.items() if found]
        return "; ".join([*problems, f"{self.again} redelivered, marked"])


def read(path: Path) -> list[Record]:
    """Return the records of a file; an incomplete last line is ignored."""
    text = path.read_text(encoding="ascii") if path.exists() else ""
    return [_record(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def _record(line: str) -> Record:
    load, guild, number, redelivered, pid, version = line.split()
    return Record(load, guild, int(number), redelivered == "1", int(pid), version)


def missing(records: Iterable[Record], sent: Mapping[str, tuple[int, int]]) -> list[Key]:
    """Return the messages that were sent (first and last number by guild) and not handled."""
    seen = {(record.guild, record.number) for record in records}
    return [key for key in _keys(sent) if key not in seen]


def examine(records: Iterable[Record], sent: Mapping[str, tuple[int, int]]) -> Findings:
    """Compare the records of one load with what was sent.

    Every number must occur; repeats must be marked as redelivered; first times must be in order per guild.
    """
    records = list(records)
    times: Counter[Key] = Counter()
    highest: dict[str, int] = {}
    doubled, reordered, again = [], [], 0
    for record in records:
        key = (record.guild, record.number)
        times[key] += 1
        if times[key] == 1:
            before = highest.get(record.guild, 0)
            if record.number < before:
                reordered.append((record.guild, record.number, before))
            highest[record.guild] = max(record.number, before)
        elif record.redelivered:
            again += 1
        else:
            doubled.append(key)
    never_sent = sorted(times.keys() - set(_keys(sent)))
    return Findings(missing(records, sent), doubled, reordered, never_sent, again)


def _keys(sent: Mapping[str, tuple[int, int]]) -> list[Key]:
    return [(guild, number) for guild, (first, last) in sent.items() for number in range(first, last + 1)]
