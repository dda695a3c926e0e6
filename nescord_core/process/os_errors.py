"""Turns operating system errors into short, readable reasons."""

from __future__ import annotations

import errno
import os

__all__ = ["reason_of"]

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
