"""Renders events, calls and differences for stdout."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from nescord_core.services.recording.files import Episode
from nescord_core.services.recording.replay import Result
from nescord_core.terminal.detection import look_of
from nescord_core.terminal.look import paint
from nescord_core.tracing import records
from nescord_core.tracing.comparison import Change
from nescord_core.tracing.names import Names
from nescord_core.tracing.rendering import INDENT, Rendering
from nescord_core.tracing.scrubbing import Scrubber

__all__ = ["as_json", "difference", "episode", "rendering"]

_COLOURS = {Change.SAME: "", Change.GONE: "red", Change.NEW: "green"}
_scrubber = Scrubber()
"""Removes tokens only."""


async def rendering(state_dir: Path) -> Rendering:
    """Return the rendering for stdout, with the names that a running sandbox knows."""
    from nescord_core.services.control.world_names import learn_names, sandbox_of

    names = Names()
    await learn_names(names, sandbox_of(state_dir))
    return Rendering(look_of(sys.stdout), names, today=datetime.now().astimezone().strftime("%Y-%m-%d"))


def as_json(record: records.Record) -> str:
    """Return a record as one JSON object, without the tokens that an event may contain."""
    fields: dict[str, Any] = json.loads(records.encode(record))
    return json.dumps(_scrubber.scrub(fields), ensure_ascii=False)


def episode(found: Episode, shown: Rendering) -> str:
    """Return an event with the calls that the bot made for it."""
    lines = [shown.event(found.event), *map(shown.call, found.calls)]
    if found.error:
        lines.append(shown.failed(f"failed: {found.error}"))
    return "\n".join(lines)


def difference(result: Result, shown: Rendering) -> str:
    """Return an event with the calls of both runs: ``-`` is no longer made, ``+`` is new."""
    lines = [shown.event(result.before.event)]
    lines += [
        paint(
            f"{INDENT}{line.change.value} {shown.names.in_path(line.text)}", _COLOURS[line.change], shown.look
        )
        for line in result.lines
    ]
    before, after = result.before.error, result.after.error
    if before == after:
        lines += [f"{INDENT}  failed: {after}"] if after else []
    else:
        lines += [paint(f"{INDENT}- failed: {before}", "red", shown.look)] if before else []
        lines += [paint(f"{INDENT}+ failed: {after}", "green", shown.look)] if after else []
    return "\n".join(lines)
