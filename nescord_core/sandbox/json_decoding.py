"""Decodes JSON that clients send, and refuses what is nested so deep that walking it would fail. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["InvalidJson", "decode_json"]

MAX_DEPTH = 100
"""Objects and arrays inside one another; no request of Discord's API comes near."""


class InvalidJson(ValueError):
    """The text is no JSON, or nested too deep."""


def decode_json(text: bytes | str) -> Any:
    """Return the decoded value. Raises InvalidJson."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InvalidJson(str(error)) from None
    if _depth_reaches(value, MAX_DEPTH + 1):
        raise InvalidJson(f"nested more than {MAX_DEPTH} deep")
    return value


def _depth_reaches(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True
