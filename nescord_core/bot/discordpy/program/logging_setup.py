"""Lets a program configure logging as if it were the first to do so, next to nescord's logging.

nescord logs to stderr through a handler of the root logger. Python's `logging.basicConfig` does nothing if
there already is a handler, and what a program prints through its own handler would be printed twice.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

from nescord_core.process import logs

__all__ = ["allow_own_setup"]


def allow_own_setup() -> None:
    """Let the program configure logging for itself; records that it prints are not printed again."""
    ours = logging.getLogger().handlers[:]
    if not logs.as_json():
        for handler in ours:
            handler.addFilter(functools.partial(_is_unprinted, ours))
    logging.basicConfig = _configuring(logging.basicConfig, ours)


def _configuring(original: Callable[..., None], ours: list[logging.Handler]) -> Callable[..., None]:
    @functools.wraps(original)
    def configure(**options: Any) -> None:
        root = logging.getLogger()
        # A handler that the program removed (handlers[:] = [], force=True) stays removed.
        kept = [handler for handler in root.handlers if handler in ours]
        root.handlers[:] = [handler for handler in root.handlers if handler not in ours]
        try:
            original(**options)
        finally:
            root.handlers[:0] = [] if options.get("force") else kept

    return configure


def _is_unprinted(ours: list[logging.Handler], record: logging.LogRecord) -> bool:
    """Return whether none of the program's own handlers prints this record."""
    return not any(_prints(each, record) for each in _handlers(record.name) if each not in ours)


def _handlers(name: str) -> Iterator[logging.Handler]:
    """Yield the handlers that receive a record of this logger, as in `Logger.callHandlers`."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _prints(handler: logging.Handler, record: logging.LogRecord) -> bool:
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    stream = getattr(handler, "stream", None)
    return stream is not None and stream in streams and record.levelno >= handler.level
