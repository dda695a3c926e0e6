"""Log records on the way from a service to its supervisor: marked lines, as RFC 7464 marks JSON texts.

A supervisor that shows records to people needs to know their level and logger; text would have to be guessed.
Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nescord_core.process.safe_text import for_terminal

__all__ = ["MARK", "Record", "decode", "encode"]

MARK = "\x1e"
"""Begins the line of a record. No text that a bot prints begins with it by chance."""
LEVELS = ("debug", "info", "warning", "error", "critical")
LONGEST = 48_000
"""Characters of a record; longer ones are sent as text, which may be cut anywhere."""


@dataclass(frozen=True, slots=True)
class Record:
    """A log record. ``time`` is in epoch seconds; ``extras`` are the fields that the caller has added."""

    time: float
    level: str
    logger: str
    message: str
    traceback: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> int:
        """Place among the levels: 0 for debug, 4 for critical; other levels count as info."""
        return LEVELS.index(self.level) if self.level in LEVELS else 1

    @property
    def label(self) -> str:
        """The level as it is shown: empty for info."""
        return "" if self.level == "info" else self.level.upper()

    def body(self) -> str:
        """Return message and traceback with control characters escaped."""
        text = "\n".join(part for part in (self.message, self.traceback.rstrip()) if part)
        return for_terminal(text)

    def as_text(self) -> str:
        """Return the record as `12:30:05 WARNING message`, with its traceback below."""
        time = datetime.fromtimestamp(self.time).astimezone().strftime("%H:%M:%S")
        return " ".join(part for part in (time, self.label, self.body()) if part)


def encode(record: Record) -> str:
    """Return the record as a marked line, or as text if it is very long."""
    fields = [record.time, record.level, record.logger, record.message, record.traceback, record.extras]
    line = MARK + json.dumps(fields, default=str)
    return line if len(line) <= LONGEST else record.as_text()


def decode(line: str) -> Record | None:
    """Return the record of a marked line; None for any other line."""
    if not line.startswith(MARK):
        return None
    try:
        time, level, logger, message, traceback, extras = json.loads(line[len(MARK) :])
        return Record(float(time), str(level), str(logger), str(message), str(traceback), dict(extras))
    except (ValueError, TypeError):
        return None
