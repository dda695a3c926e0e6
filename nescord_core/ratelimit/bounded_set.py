"""What is gone for good: remembered up to a bound, oldest forgotten first."""

from __future__ import annotations

__all__ = ["BoundedSet"]

KEEP = 10_000


class BoundedSet:
    """A set with a bound."""

    __slots__ = ("_keep", "_keys")

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._keys: dict[str, None] = {}

    def add(self, key: str) -> None:
        """Remember a key."""
        self._keys[key] = None
        if len(self._keys) > self._keep:
            del self._keys[next(iter(self._keys))]

    def __contains__(self, key: str) -> bool:
        return key in self._keys
