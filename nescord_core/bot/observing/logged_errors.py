"""Attributes exceptions that are logged to the event whose handlers they come from.

discord.py logs what a handler or a command raises and goes on, so the runtime never sees it.
"""

from __future__ import annotations

import logging
import re

from nescord_core.tracing.cause import cause
from nescord_core.tracing.handler_run import failed_run

__all__ = ["LoggedErrors"]

_LIBRARY_PREFIX = "Ignoring exception in "
_REPR = re.compile(r" <(\w+)\b.*", re.DOTALL)
_LONGEST_NAME = 80


class LoggedErrors(logging.Handler):
    """Adds each logged exception to its event's handlers.

    Exceptions outside of events are left alone, and those that the runtime has seen: it adds them itself.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        """Add the exception of a record to the event that is being handled."""
        current = cause.get()
        error = record.exc_info[1] if record.exc_info else None
        if current is None or error is None or hasattr(record, "failure"):
            return
        name = _REPR.sub(r" \1", record.getMessage().split("\n")[0].removeprefix(_LIBRARY_PREFIX))
        current.handlers.append(failed_run(name[:_LONGEST_NAME], error))
