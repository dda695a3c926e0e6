"""Raises the limit of open files, and holds one descriptor in reserve for writes that must succeed."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Callable
from typing import Any

from nescord_core.process.os_errors import reason_of

__all__ = [
    "MOST",
    "SHORTAGE",
    "AcceptErrors",
    "hold_reserve",
    "is_shortage",
    "limit",
    "opened",
    "raise_limit",
]

log = logging.getLogger("nescord")

MOST = 65_536
"""A higher limit helps no service and slows programs that close every descriptor one by one."""

QUIET = 60.0
"""Seconds between two lines about connections that cannot be accepted."""

SHORTAGE = "Raise the limits of open files and processes (`ulimit -n`, `ulimit -u`), or free memory"
"""What to do when `is_shortage`."""

_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})
_FULL = frozenset({errno.EMFILE, errno.ENFILE})

_reserve = -1


def raise_limit() -> None:
    """Raise this process's soft limit of open files to the hard limit, but not above `MOST`."""
    try:
        import resource
    except ImportError:  # not on this system
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS accepts no more than kern.maxfilesperproc
            return


def limit() -> int:
    """Return how many files this process may have open; `MOST` where the system sets no limit."""
    try:
        import resource
    except ImportError:  # not on this system
        return MOST
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else soft


def hold_reserve() -> None:
    """Reserve one descriptor for `opened`, unless this process already holds one."""
    global _reserve  # noqa: PLW0603 - a process has one table of descriptors
    if _reserve < 0:
        try:
            _reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return


def opened(open_it: Callable[[], int]) -> int:
    """Return the descriptor that ``open_it`` opens; give up the reserve if no other is free.

    Raises OSError as ``open_it`` does.
    """
    global _reserve  # noqa: PLW0603 - see hold_reserve
    try:
        return open_it()
    except OSError as error:
        if error.errno not in _FULL or _reserve < 0:
            raise
    os.close(_reserve)
    _reserve = -1
    return open_it()


def is_shortage(error: OSError) -> bool:
    """Return whether the system is short of descriptors, memory or processes: a later retry may succeed."""
    return error.errno in _SHORTAGES


class AcceptErrors:
    """Exception handler of an event loop: says once a minute that connections cannot be accepted.

    asyncio reports each failed accept with a traceback, a hundred at a time, and pauses for a second.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle one report of the loop."""
        error = context.get("exception")
        is_accept = "accept" in context.get("message", "") and isinstance(error, OSError)
        if not (is_accept and isinstance(error, OSError) and is_shortage(error)):
            loop.default_exception_handler(context)
        elif self._clock() >= self._next:
            self._next = self._clock() + QUIET
            log.error(
                "cannot accept connections: %s; trying again every second. Raise the limit of open files"
                " (`ulimit -n`, LimitNOFILE=), or find out who opens so many connections",
                reason_of(error),
            )
