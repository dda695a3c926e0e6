"""A lock that several processes share, so that another can wait until the last one has ended.

As with `exclusive_lock`, the kernel releases it with the process.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["is_locked", "shared_lock"]


@contextmanager
def shared_lock(state_dir: Path, name: str) -> Iterator[None]:
    """Hold the shared lock ``name`` for the duration of the block."""
    path = _lock(state_dir, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def is_locked(state_dir: Path, name: str) -> bool:
    """Return whether any process holds the shared lock."""
    try:
        with _lock(state_dir, name).open("a", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock(state_dir: Path, name: str) -> Path:
    return state_dir / "run" / f"{name}.lock"
