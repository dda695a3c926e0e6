"""Renders events, calls and differences as text."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from nescord_cli.terminal import paint
from nescord_core.plurals import counted
from nescord_core.services.recording.files import Episode
from nescord_core.services.recording.replay import Result
from nescord_core.tracing import records
from nescord_core.tracing.comparison import Change, spelled
from nescord_core.tracing.scrubbing import Scrubber

__all__ = ["as_json", "as_text", "difference", "episode"]

_INDENT = " " * 14
_LONGEST = 300
_COLOURS = {Change.SAME: "", Change.GONE: "red", Change.NEW: "green"}
_scrubber = Scrubber()
"""Removes tokens only."""


def as_json(record: records.Record) -> str:
    """Return a record as one JSON object, without the tokens that an event may contain."""
    fields: dict[str, Any] = json.loads(records.encode(record))
    return json.dumps(_scrubber.scrub(fields), ensure_ascii=False)


def as_text(record: records.Record) -> str:
    """Return a record as one line of text; empty for records that are not shown."""
    match record:
        case records.Seen():
            return _event(record)
        case records.Called():
            return _INDENT + _call(record)
        case records.Ended() if record.error:
            return paint(f"{_INDENT}failed ({record.id}): {record.error}", "red")
        case records.Missed():
            return paint(
                f"{_INDENT}{counted(record.count, 'line')} dropped: the output is too slow", "yellow"
            )
    return ""


def episode(found: Episode) -> str:
    """Return an event with the calls that the bot made for it."""
    lines = [_event(found.event), *(_INDENT + _call(call) for call in found.calls)]
    if found.error:
        lines.append(paint(f"{_INDENT}failed: {found.error}", "red"))
    return "\n".join(lines)


def difference(result: Result) -> str:
    """Return an event with the calls of both runs: ``-`` is no longer made, ``+`` is new."""
    lines = [_event(result.before.event)]
    lines += [
        paint(f"{_INDENT}{line.change.value} {line.text}", _COLOURS[line.change]) for line in result.lines
    ]
    before, after = result.before.error, result.after.error
    if before == after:
        lines += [f"{_INDENT}  failed: {after}"] if after else []
    else:
        lines += [paint(f"{_INDENT}- failed: {before}", "red")] if before else []
        lines += [paint(f"{_INDENT}+ failed: {after}", "green")] if after else []
    return "\n".join(lines)


def _event(event: records.Seen) -> str:
    when = datetime.fromtimestamp(event.received_at).astimezone().strftime("%H:%M:%S.%f")[:-3]
    place = f"guild {event.guild_id}" if event.guild_id else "no guild"
    marks = "".join(
        f"  ({mark})" for mark, holds in (("again", event.again), ("redelivered", event.redelivered)) if holds
    )
    gist = _gist(json.loads(bytes(event.data)))
    return f"{when}  {paint(event.type, 'cyan')}  {place}{marks}  {gist}".rstrip()


def _gist(data: Any) -> str:
    """Return the user and the content, where the event has them."""
    if not isinstance(data, dict):
        return ""
    person = data.get("author") or data.get("user") or (data.get("member") or {}).get("user") or {}
    command = data["data"] if isinstance(data.get("data"), dict) else {}
    said = data.get("content") or data.get("name") or command.get("name") or command.get("custom_id") or ""
    text = " ".join(str(said).split())[:80]
    who = str(person.get("username") or "")
    return f"{who}: {text}" if who and text else who or text


def _call(call: records.Called) -> str:
    line = spelled(call)
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
    status = str(call.status) if call.status else "no answer"
    bad = call.status == 0 or call.status >= 400
    return f"{line}  {paint(status, 'red' if bad else 'green')}  {call.ms:.0f} ms"
