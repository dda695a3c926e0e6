"""The children that this process has started itself, to tell them from orphans that it has adopted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["OWN_CHILDREN", "OwnChildren"]


class OwnChildren:
    """Process ids of children. While one is being started, which children are own is not known."""

    def __init__(self) -> None:
        self._pids: set[int] = set()
        self._starting = 0

    @property
    def is_complete(self) -> bool:
        """Whether no child is being started right now."""
        return self._starting == 0

    def __contains__(self, pid: int) -> bool:
        """Return whether this process has started it."""
        return pid in self._pids

    @contextmanager
    def starting(self) -> Iterator[Callable[[int], None]]:
        """Start a child in this block, and call what it yields with the process id."""
        self._starting += 1
        try:
            yield self._pids.add
        finally:
            self._starting -= 1

    def keep(self, pids: set[int]) -> None:
        """Forget children that are not among these: a process id may be used again."""
        if self.is_complete:
            self._pids &= pids


OWN_CHILDREN = OwnChildren()
"""Those of this process."""
