"""Summarizes an event in one line for the bot's developer: who did what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["summary_of"]

LONGEST = 160


def summary_of(data: bytes) -> str:
    """Return ``alice: !ping``, ``alice: /roll sides=6``, or the start of the JSON for any other event."""
    try:
        fields = json.loads(data)
    except ValueError:
        fields = None
    if not isinstance(fields, Mapping):
        return _cut(data.decode(errors="replace"))
    what = _what(fields)
    return _cut(f"{_who(fields)}: {what}") if what else _cut(data.decode(errors="replace"))


def _who(fields: Mapping[str, Any]) -> str:
    users = (fields.get("author"), fields.get("user"), (fields.get("member") or {}).get("user"))
    return next((str(user["username"]) for user in users if user and user.get("username")), "somebody")


def _what(fields: Mapping[str, Any]) -> str:
    """Return the content, the command with its options, the component with its values, or the emoji."""
    if content := fields.get("content"):
        return str(content)
    used = fields.get("data")
    if isinstance(used, Mapping) and used.get("name"):
        options = " ".join(f"{each.get('name')}={each.get('value')}" for each in used.get("options") or ())
        return f"/{used['name']} {options}".rstrip()
    if isinstance(used, Mapping) and used.get("custom_id"):
        return f"[{used['custom_id']}] {' '.join(map(str, used.get('values') or ()))}".rstrip()
    emoji = fields.get("emoji")
    return str(emoji.get("name") or "") if isinstance(emoji, Mapping) else ""


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
