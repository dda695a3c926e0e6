"""A set of strings with a maximum size, which drops the oldest entries."""

from __future__ import annotations

__all__ = ["BoundedSet"]

KEEP = 10_000


class BoundedSet:
    """A set that keeps the last ``keep`` keys added."""

    __slots__ = ("_keep", "_keys")

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._keys: dict[str, None] = {}

    def add(self, key: str) -> None:
        """Add a key; drop the oldest if the set is full."""
        self._keys[key] = None
        if len(self._keys) > self._keep:
            del self._keys[next(iter(self._keys))]

    def __contains__(self, key: str) -> bool:
        return key in self._keys
