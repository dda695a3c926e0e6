"""Renders the lines of services for a terminal or a pipe. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from nescord_core.process.log_records import Record
from nescord_core.process.safe_text import for_terminal
from nescord_core.supervisor.lifecycle import State
from nescord_core.supervisor.output import Shown
from nescord_core.terminal.look import Look, link_places, paint, symbol
from nescord_core.terminal.wrapping import columns, wrapped
from nescord_core.tracing.names import Names

__all__ = ["LineStyle", "render"]

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")
LEVELS: Mapping[str, str] = {"warning": "yellow", "error": "red", "critical": "red", "debug": "dim"}
STATES: Mapping[str, str] = {
    State.READY.value: "green",
    State.BACKOFF.value: "yellow",
    State.UNHEALTHY.value: "yellow",
    State.FAILED.value: "red",
}
FAILING_LINE = re.compile(r"> +\d+ \| | {6} \|\s+\^")
"""The failing line of an excerpt, and the line with carets below it."""
RAISED = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Warning|Interrupt|Exit|Group)?(: |$)")


class LineStyle:
    """How lines begin: the services' names in their colours, and the time if ``times``.

    ``places`` are the names of channels. Only with ``verbose`` is an event shown with its identity.
    """

    def __init__(
        self,
        names: Iterable[str],
        project: PurePath,
        *,
        times: bool = False,
        verbose: bool = True,
        places: Names | None = None,
    ) -> None:
        self.names = tuple(names)
        self.project = project
        self.times = times
        self.verbose = verbose
        self.places = places or Names()
        self.width = max(map(len, self.names), default=0)

    def shortened(self, text: str) -> str:
        """Return a text with paths relative to the project."""
        return text if self.verbose else text.replace(f"{self.project}/", "")

    def prefix(self, service: str, look: Look) -> str:
        """Return what stands before each line of a service."""
        number = self.names.index(service) if service in self.names else 0
        return paint(f"{service:<{self.width}} |", f"bold {COLOURS[number % len(COLOURS)]}", look) + " "


def render(shown: Shown, style: LineStyle, look: Look) -> list[str]:
    """Return the lines of what a service said, wrapped with a hanging indent."""
    stamp = _stamp(shown, style)
    first, *more = _body(shown, style, look)
    prefix = style.prefix(shown.service, look)
    indent = columns(prefix) + (len(stamp) if style.times else 0)
    start = prefix + paint(stamp, "dim", look)
    further = prefix + (" " * len(stamp) if style.times else "")
    lines: list[str] = []
    for at, text in enumerate([first, *more]):
        linked = link_places(text, style.project, look)
        own = len(text) - len(text.lstrip(" "))
        before = columns(start) if at == 0 else indent
        broken = wrapped(linked, look.width, indent=indent + own, first=before)
        lines += [(start if at == 0 else further) + broken[0], *broken[1:]]
    return lines


def _stamp(shown: Shown, style: LineStyle) -> str:
    """Return the time in front of a line; without ``times`` only of log records, as in their text."""
    if shown.record is None and not style.times:
        return ""
    seconds = shown.record.time if shown.record else shown.time
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S ")


def _body(shown: Shown, style: LineStyle, look: Look) -> Sequence[str]:
    if shown.record is not None:
        return _record(shown.record, style, look)
    if shown.stream != "state":
        return [shown.text]
    state = str(shown.fields.get("state", ""))
    colour = STATES.get(state, "") if shown.fields.get("reason") else ""
    return [paint(line, colour, look) for line in for_terminal(shown.text).split("\n")]


def _record(record: Record, style: LineStyle, look: Look) -> list[str]:
    reload, failure = record.extras.get("reload"), record.extras.get("failure")
    if isinstance(reload, dict) and reload.get("ok"):
        return [f"{paint(symbol('✓', look), 'green', look)} {_reloaded(record.body(), look)}"]
    text = record.body()
    if isinstance(failure, dict) and not style.verbose:
        text = for_terminal(_failure(failure, style.places, look))
    colour = LEVELS.get(record.level, "")
    head, *more = style.shortened(text).split("\n")
    label = paint(record.label, f"bold {colour}".strip(), look) + " " if record.label else ""
    return [label + paint(head, colour, look), *_details(more, colour, look)]


def _failure(failure: Mapping[str, Any], places: Names, look: Look) -> str:
    """Return which handler failed on what, for a person who knows the event's place and text."""
    channel = failure.get("channel_id")
    where = places.place(failure.get("guild_id"), channel) if channel else str(failure.get("type"))
    parts = (f"{failure.get('handler')} failed", where, str(failure.get("quote", "")))
    head = f" {symbol('·', look)} ".join(part for part in parts if part)
    trace = places.in_path(str(failure.get("traceback", "")).rstrip())
    return f"{head}\n{trace}"


def _reloaded(text: str, look: Look) -> str:
    """Return a reload's line with its files less bright than its time."""
    said, gap, files = text.partition("  ")
    return said + gap + paint(files, "dim", look)


def _details(lines: Sequence[str], colour: str, look: Look) -> list[str]:
    """Return an excerpt or traceback: dim, apart from the failing line and the error itself."""
    painted = []
    for at, line in enumerate(lines):
        is_last = at == len(lines) - 1 and RAISED.match(line)
        painted.append(paint(line, colour if is_last or FAILING_LINE.match(line) else "dim", look))
    return painted
