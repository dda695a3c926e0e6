"""Turns operating system errors into short, readable reasons."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nescord_core.errors import ConfigError

__all__ = ["reason_of", "refused"]

NO_ADDRESS = "could not bind on any address"
"""asyncio's message, without an errno, when no address is this machine's (Python 3.12.4 and later)."""


def reason_of(error: BaseException) -> str:
    """Return a reason such as ``connection refused``, without addresses or URLs where possible.

    asyncio rewords these errors, with the address as a tuple, and preserves only the errno. Name resolution
    errors have numbers of their own.
    """
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        if error.errno is not None and error.errno in errno.errorcode:
            text = os.strerror(error.errno)
            return text[:1].lower() + text[1:]
        if error.strerror:
            return error.strerror
        if str(error).startswith(NO_ADDRESS):
            return reason_of(OSError(errno.EADDRNOTAVAIL, ""))
    return str(error) or type(error).__name__


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """Report why a file that the user named cannot be created or written. Raises ConfigError."""
    try:
        yield
    except FileExistsError:
        raise ConfigError(
            "this file exists.", where=str(path), hint="Choose another name, or use --force."
        ) from None
    except OSError as error:
        raise ConfigError(
            f"it cannot be written: {reason_of(error)}.", where=str(path), hint="Choose another location."
        ) from None
