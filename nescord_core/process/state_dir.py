"""The directory of sessions, caches, logs and sockets: private to its user, and created once.

A service calls `prepare` when it starts. After that nothing creates the directory again: if it was renamed or
removed, a second one must not appear. Files in it are opened without following links, and an entry of the
wrong kind (a directory, a fifo or a link in place of a file) is renamed to NAME.damaged-1.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

from nescord_core.errors import ConfigError
from nescord_core.process.os_errors import reason_of

__all__ = [
    "adopt",
    "is_lost",
    "lost",
    "make_folder",
    "open_file",
    "prepare",
    "read_bytes",
    "replace_file",
    "set_aside",
    "unwritable",
    "used",
]

log = logging.getLogger("nescord")

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO
_RUN = "run"
"""Folder that every service creates: a directory that contains it is a state_dir."""

_identities: dict[Path, tuple[int, int]] = {}
"""Device and inode of the directories that this process uses."""


def prepare(directory: Path) -> None:
    """Create state_dir with mode 0700, or check an existing one. Call it once, at the start of a service.

    Raises:
        ConfigError: it cannot be created or written to, belongs to another user, or others can write to it.

    """
    if directory in _identities:
        return
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
        _check(directory, found)
        make_folder(directory / _RUN)
    except OSError as error:
        raise unwritable(directory, error) from None
    if not os.access(directory / _RUN, os.W_OK | os.X_OK):
        raise unwritable(directory / _RUN, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    _identities[directory] = found.st_dev, found.st_ino


def adopt(directory: Path) -> None:
    """Record that this process uses a directory that its parent has prepared."""
    try:
        found = directory.stat()
    except OSError:
        _identities.setdefault(directory, (0, 0))  # it is lost already
    else:
        _identities.setdefault(directory, (found.st_dev, found.st_ino))


def is_lost(directory: Path) -> bool:
    """Return whether the directory that this process uses was renamed, removed or replaced."""
    try:
        found = directory.stat()
    except FileNotFoundError:
        return directory in _identities
    except OSError:
        return False
    return _identities.get(directory, (found.st_dev, found.st_ino)) != (found.st_dev, found.st_ino)


def used() -> Path | None:
    """Return the directory that this process uses, None while it uses none."""
    return next(iter(_identities), None)


def lost() -> Path | None:
    """Return a directory of this process that is lost; None if there is none."""
    return next((directory for directory in _identities if is_lost(directory)), None)


def make_folder(folder: Path) -> None:
    """Create one folder with mode 0700; its parent must exist.

    A file or a dangling link of that name is set aside.

    Raises:
        OSError: the folder cannot be created; FileNotFoundError if state_dir is gone.

    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            set_aside(folder, "it is not a folder")
            folder.mkdir(mode=0o700)
        elif (found := folder.stat()).st_uid == os.geteuid() and found.st_mode & _OTHERS_MAY:
            folder.chmod(0o700)  # an earlier version created it


def open_file(path: Path, flags: int) -> int:
    """Open a file for writing, with mode 0600, and return its descriptor.

    Links are not followed. Anything but a regular file is set aside first.
    """
    fd = _opened(path, flags)
    if fd is None:
        set_aside(path, "it is not a file")
        fd = os.open(path, flags | _SAFE, 0o600)
    with suppress(PermissionError):
        if os.fstat(fd).st_mode & _OTHERS_MAY:
            os.fchmod(fd, 0o600)
    return fd


def read_bytes(path: Path) -> bytes:
    """Return a file's content. Anything but a regular file is set aside and counts as missing.

    Raises:
        OSError: the file cannot be read; FileNotFoundError if there is none.

    """
    fd = _opened(path, os.O_RDONLY)
    if fd is None:
        set_aside(path, "it is not a file")
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    with os.fdopen(fd, "rb") as file:
        return file.read()


def replace_file(path: Path, data: bytes) -> None:
    """Write a file atomically: a reader sees either the new content or the old one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(open_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(data)
        if path.is_dir() and not path.is_symlink():
            set_aside(path, "it is not a file")
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise


def set_aside(path: Path, why: str) -> None:
    """Rename an entry that cannot be used to NAME.damaged-1, -2 ..., and log it in one line."""
    for number in range(1, 10_000):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if not os.path.lexists(aside):
            break
    try:
        path.rename(aside)
    except FileNotFoundError:
        return  # another process has done it
    log.warning("%s is damaged (%s): renamed to %s", path, why, aside.name)


def unwritable(path: Path, error: OSError) -> ConfigError:
    """Return the error for a state_dir that cannot be written to."""
    return ConfigError(
        f"{path} cannot be written: {reason_of(error)}.",
        where="state_dir",
        hint="Set NESCORD_STATE_DIR to a directory that this user can write to, with free disk space.",
    )


_SAFE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Opening a fifo does not wait for its other end."""
_NO_FILE = frozenset({errno.ELOOP, errno.EISDIR, errno.ENXIO})


def _opened(path: Path, flags: int) -> int | None:
    """Return a descriptor; None if the entry is not a regular file."""
    try:
        fd = os.open(path, (flags & ~os.O_TRUNC) | _SAFE, 0o600)
    except OSError as error:
        if error.errno in _NO_FILE and os.path.lexists(path):
            return None
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    if flags & os.O_TRUNC:
        os.ftruncate(fd, 0)
    return fd


def _check(directory: Path, found: os.stat_result) -> None:
    hint = "Set NESCORD_STATE_DIR to a directory of this user's own"
    if found.st_uid != os.geteuid():
        raise ConfigError(
            f"{directory} belongs to user {found.st_uid}, and this process runs as user {os.geteuid()}.",
            where="state_dir",
            hint=f"{hint}, or run `chown -R {os.geteuid()} {directory}` if you trust what is in it.",
        )
    if found.st_mode & _OTHERS_MAY_WRITE:
        raise ConfigError(
            f"other users can write to {directory} (mode {stat.S_IMODE(found.st_mode):04o}).",
            where="state_dir",
            hint=f"Run `chmod 700 {directory}` if you trust what is in it, or remove it.",
        )
    if found.st_mode & _OTHERS_MAY and ((directory / _RUN).is_dir() or not any(directory.iterdir())):
        directory.chmod(0o700)
