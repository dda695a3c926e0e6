"""A lock that several processes share, so that another can wait until the last one has ended.

As with `exclusive_lock`, the kernel releases it with the process.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nescord_core.process.state_dir import make_folder, open_file

__all__ = ["is_locked", "shared_lock"]


@contextmanager
def shared_lock(state_dir: Path, name: str) -> Iterator[None]:
    """Hold the shared lock ``name`` for the duration of the block."""
    path = _lock(state_dir, name)
    try:
        make_folder(path.parent)
        file = os.fdopen(open_file(path, os.O_WRONLY | os.O_CREAT), "ab")
    except FileNotFoundError:  # state_dir is lost, so nobody can wait for this lock
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def is_locked(state_dir: Path, name: str) -> bool:
    """Return whether any process holds the shared lock."""
    try:
        with os.fdopen(open_file(_lock(state_dir, name), os.O_WRONLY), "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock(state_dir: Path, name: str) -> Path:
    return state_dir / "run" / f"{name}.lock"
