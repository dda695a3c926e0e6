"""Why the system said no, in words that a person knows."""

from __future__ import annotations

import errno
import os

__all__ = ["reason_of"]

NO_ADDRESS = "could not bind on any address"
"""What asyncio says from Python 3.12.4 on where none to listen on is this machine's, without a number."""


def reason_of(error: BaseException) -> str:
    """Return ``connection refused``, ``no space left on device``, ... without addresses or URLs where it can.

    asyncio words these errors anew, with the address as a tuple, and keeps only their number; those of a
    failed look-up have numbers of their own.
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
