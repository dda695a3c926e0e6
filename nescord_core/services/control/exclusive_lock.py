"""A lock for one process. The kernel releases it with the process, so a leftover file blocks nobody."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nescord_core.errors import AlreadyRunning
from nescord_core.process.state_dir import open_file, prepare, unwritable

__all__ = ["exclusive_lock", "was_not_released"]


@contextmanager
def exclusive_lock(state_dir: Path, name: str, service: str) -> Iterator[None]:
    """Hold the lock ``name`` of this state_dir for the duration of the block.

    Raises:
        AlreadyRunning: another process holds it; ``service`` names that process in the message.
        ConfigError: state_dir cannot be written to, or is not this user's own.

    """
    path = _lock(state_dir, name)
    prepare(state_dir)
    try:
        file = os.fdopen(open_file(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+", encoding="ascii")
    except OSError as error:
        raise unwritable(path, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip()
            owner = int(pid) if pid.isdigit() else None
            raise AlreadyRunning(service=service, state_dir=str(state_dir), pid=owner) from None
        try:
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        except OSError as error:
            raise unwritable(path, error) from None
        yield
        file.truncate(0)


def was_not_released(state_dir: Path, name: str) -> bool:
    """Return whether the last owner of the lock was killed or is still running (else the file is empty)."""
    try:
        return _lock(state_dir, name).stat().st_size > 0
    except OSError:
        return False


def _lock(state_dir: Path, name: str) -> Path:
    return state_dir / "run" / f"{name}.lock"
