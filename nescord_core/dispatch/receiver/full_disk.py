"""Writes a record as a whole: on a disk that fills up, the system takes a part of it."""

from __future__ import annotations

import errno
import os

__all__ = ["write_all"]


def write_all(fd: int, data: bytes) -> None:
    """Write everything. Raises OSError, also if only a part fits."""
    if os.write(fd, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
