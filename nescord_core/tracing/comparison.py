"""Compares the REST calls that a bot makes for an event between two runs.

Values that always differ are ignored: nonces, and ids of objects created because of the event.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Any

import msgspec

from nescord_core.snowflake import created_at_ms
from nescord_core.tracing.records import Called, Seen

__all__ = ["Change", "Line", "compare", "fitted", "moved", "spelled"]

_VOLATILE = frozenset({"nonce", "enforce_nonce"})
_ID = re.compile(r"\b\d{17,20}\b")
_EARLIER_MS = 1000
"""Tolerance for clock skew: an id this much older than its event still counts as caused by it."""


class Change(Enum):
    """How a call differs between two runs: in both, only in the first, only in the second."""

    SAME = " "
    GONE = "-"
    NEW = "+"


@dataclass(frozen=True, slots=True)
class Line:
    """A call, formatted as one line."""

    change: Change
    text: str


def compare(before: Sequence[str], after: Sequence[str]) -> list[Line]:
    """Compare the formatted calls of two runs. A different order alone is no difference."""
    if Counter(before) == Counter(after):
        return [Line(Change.SAME, text) for text in before]
    lines = []
    for what, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal":
            lines += [Line(Change.SAME, text) for text in before[a:b]]
            continue
        lines += [Line(Change.GONE, text) for text in before[a:b]]
        lines += [Line(Change.NEW, text) for text in after[c:d]]
    return lines


def spelled(call: Called, event: Seen | None = None) -> str:
    """Format a call as one line; given its ``event``, without the values that always differ."""
    body = msgspec.json.decode(call.body)
    if isinstance(body, Mapping):
        body = {key: value for key, value in body.items() if key not in _VOLATILE}
    parts = [call.method, call.path]
    if body not in (None, {}):
        parts.append(msgspec.json.encode(body).decode())
    parts += [f"file:{name}" for name in call.files]
    line = " ".join(parts)
    return line if event is None else _ID.sub(lambda found: _mask_new_id(found[0], event), line)


def _mask_new_id(number: str, event: Seen) -> str:
    since = event.received_at * 1000 - _EARLIER_MS
    named = number.encode() in bytes(event.data)
    return number if named or created_at_ms(int(number)) < since else "(new id)"


def fitted(data: bytes, known: Mapping[str, Sequence[str]]) -> tuple[bytes, dict[str, str]]:
    """Adapt an event's JSON to another world; return it and a map of the replaced ids.

    ``known`` has that world's guilds, each with its channels. Guilds and channels that it lacks are replaced
    by the first one; if there is none, nothing is replaced.
    """
    channels = {channel for each in known.values() for channel in each}
    first = next(((guild, each[0]) for guild, each in known.items() if each), None)
    if first is None:
        return data, {}
    stand_ins = {"guild_id": (first[0], known.keys()), "channel_id": (first[1], channels)}
    moves: dict[str, str] = {}

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: replaced(key, item) for key, item in value.items()}

    def replaced(key: str, value: Any) -> Any:
        if key not in stand_ins or not isinstance(value, str) or value in stand_ins[key][1]:
            return walk(value)
        moves[value] = stand_ins[key][0]
        return moves[value]

    walked = walk(msgspec.json.decode(data))
    return (msgspec.json.encode(walked), moves) if moves else (data, {})


def moved(text: str, moves: Mapping[str, str]) -> str:
    """Return a formatted call with another world's ids."""
    return _ID.sub(lambda found: moves.get(found[0], found[0]), text)
