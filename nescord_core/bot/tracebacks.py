"""Tracebacks of a handler, without nescord's own frames: they say nothing about the bot's error."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

__all__ = ["line_of", "lines_of", "trace_of_handler"]

MOST_FRAMES = 8
CALLERS = frozenset({"nescord_core.bot.runtime", "nescord_core.bot.registration"})
OWN = str(Path(__file__).parents[1])


def lines_of(error: BaseException) -> list[str]:
    """Return the traceback's lines; an error that only nescord's own code has passed keeps its frames."""
    whole = traceback.TracebackException.from_exception(error)
    for part in _parts(whole):
        frames = [frame for frame in part.stack if not frame.filename.startswith(OWN)]
        part.stack = traceback.StackSummary.from_list((frames or list(part.stack))[-MOST_FRAMES:])
    return list(whole.format())


def _parts(whole: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """Yield the exception, its causes and contexts, and the members of groups."""
    waiting, seen = [whole], set[int]()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += [each for each in (part.__cause__, part.__context__) if each is not None]
        waiting += part.exceptions or []


def line_of(error: BaseException) -> str:
    """Return an exception as one line, its type and message, without its notes."""
    described = traceback.TracebackException(type(error), error, None)
    described.__notes__ = []
    return [*described.format_exception_only()][-1].strip()


def trace_of_handler(error: BaseException) -> TracebackType | None:
    """Return the traceback from the handler on, without the frames that call it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__") in CALLERS:
        trace = trace.tb_next
    return trace
