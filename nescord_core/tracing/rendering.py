"""Renders events and the calls made for them as lines of text. Pure, but for the time zone."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from nescord_core.plurals import counted
from nescord_core.terminal.look import PLAIN, Look, paint
from nescord_core.terminal.wrapping import columns, wrapped
from nescord_core.tracing import records
from nescord_core.tracing.comparison import spelled
from nescord_core.tracing.names import Names

__all__ = ["INDENT", "Rendering"]

INDENT = " " * 14
LONGEST = 300
LONGEST_TEXT = 80
SHORTEST = 40


class Rendering:
    """Renders records with the names it knows. Times of another day than ``today`` get their date."""

    def __init__(self, look: Look = PLAIN, names: Names | None = None, *, today: str = "") -> None:
        self.look = look
        self.names = names or Names()
        self._today = today

    def record(self, record: records.Record) -> str:
        """Return a record as one line; empty for records that are not shown."""
        match record:
            case records.Seen():
                return self.event(record)
            case records.Called():
                return self.call(record)
            case records.Ended() if record.error:
                return self.failed(f"failed ({record.id}): {record.error}")
            case records.Missed():
                text = f"{INDENT}{counted(record.count, 'line')} dropped: the output is too slow"
                return paint(text, "yellow", self.look)
        return ""

    def event(self, event: records.Seen) -> str:
        """Return an event's time, type and place, and who did what."""
        data = json.loads(bytes(event.data))
        if isinstance(data, dict):
            self.names.learn(event.type, data)
        marks = [
            name for name, holds in (("again", event.again), ("redelivered", event.redelivered)) if holds
        ]
        parts = [
            paint(self._time(event.received_at), "dim", self.look),
            paint(event.type, "cyan", self.look),
            self.names.place(event.guild_id or None, _channel(data)),
            *(f"({mark})" for mark in marks),
            _gist(data),
        ]
        return "  ".join(part for part in parts if part)

    def call(self, call: records.Called) -> str:
        """Return a call with its response's status and time; in a terminal it is cut to one line."""
        line = self.names.in_path(spelled(call))
        status = str(call.status) if call.status else "no answer"
        bad = call.status == 0 or call.status >= 400
        end = f"  {paint(status, 'red' if bad else 'green', self.look)}  {call.ms:.0f} ms"
        room = self.look.width - len(INDENT) - columns(end) if self.look.width else LONGEST
        room = max(room, SHORTEST)
        return INDENT + (line if len(line) <= room else f"{line[: room - 3]}...") + end

    def failed(self, text: str) -> str:
        """Return an error below its event."""
        lines = wrapped(self.names.in_path(text), self.look.width, indent=len(INDENT))
        return INDENT + "\n".join(paint(line, "red", self.look) for line in lines)

    def _time(self, seconds: float) -> str:
        when = datetime.fromtimestamp(seconds).astimezone()
        time = when.strftime("%H:%M:%S.%f")[:-3]
        day = when.strftime("%Y-%m-%d")
        return f"{day} {time}" if self._today and day != self._today else time


def _channel(data: Any) -> int | None:
    found = str(data.get("channel_id")) if isinstance(data, dict) else ""
    return int(found) if found.isdigit() else None


def _gist(data: Any) -> str:
    """Return the user and the content, where the event has them."""
    if not isinstance(data, dict):
        return ""
    person = data.get("author") or data.get("user") or (data.get("member") or {}).get("user") or {}
    command = data["data"] if isinstance(data.get("data"), dict) else {}
    said = data.get("content") or data.get("name") or command.get("name") or command.get("custom_id") or ""
    text = " ".join(str(said).split())
    text = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT]
    who = str(person.get("username") or "")
    return f"{who}: {text}" if who and text else who or text
