"""A lock for one process. The kernel releases it with the process, so a leftover file blocks nobody."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nescord_core.errors import AlreadyRunning, ConfigError

__all__ = ["exclusive_lock", "require_writable", "was_not_released"]


def require_writable(state_dir: Path) -> None:
    """Create the directory of the service files, if needed.

    Raises:
        ConfigError: state_dir cannot be written to.

    """
    run = state_dir / "run"
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(run, error) from None
    if not os.access(run, os.W_OK | os.X_OK):
        raise _unwritable(run, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


@contextmanager
def exclusive_lock(state_dir: Path, name: str, service: str) -> Iterator[None]:
    """Hold the lock ``name`` of this state_dir for the duration of the block.

    Raises:
        AlreadyRunning: another process holds it; ``service`` names that process in the message.
        ConfigError: state_dir cannot be written to.

    """
    path = _lock(state_dir, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="ascii")
    except OSError as error:
        raise _unwritable(path, error) from None
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
            raise _unwritable(path, error) from None
        yield
        file.truncate(0)


def was_not_released(state_dir: Path, name: str) -> bool:
    """Return whether the last owner of the lock was killed or is still running (else the file is empty)."""
    try:
        return _lock(state_dir, name).stat().st_size > 0
    except OSError:
        return False


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path} cannot be written: {error.strerror}.",
        where="state_dir",
        hint="Set NESCORD_STATE_DIR to a directory that this user can write to, with free disk space.",
    )


def _lock(state_dir: Path, name: str) -> Path:
    return state_dir / "run" / f"{name}.lock"
