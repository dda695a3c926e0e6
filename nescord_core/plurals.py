"""Words that messages of several parts share."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one: ``1 event``, ``2 events``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
