"""One run of a handler of the bot's code: how long it took, and what it raised where."""

from __future__ import annotations

import sysconfig
from functools import lru_cache
from pathlib import Path
from types import TracebackType

import msgspec

__all__ = ["HandlerRun", "failed_run", "is_own", "within"]

_OWN = str(Path(__file__).parents[1])
_LIBRARIES = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {_OWN}
)
"""The directories of Python, of installed packages and of nescord."""


class HandlerRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """A handler's name and place (``file:line``), its duration, its error in one line, and where it is."""

    name: str
    place: str = ""
    ms: float = 0.0
    error: str = ""
    error_place: str = ""


def failed_run(name: str, error: BaseException, *, place: str = "", ms: float = 0.0) -> HandlerRun:
    """Return the run that ended with an exception: the one that a library has wrapped, if it has."""
    while error.__cause__ is not None and type(error).__name__.endswith("InvokeError"):
        error = error.__cause__
    text = str(error).strip().split("\n")[0]
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return HandlerRun(name, within(place), ms, line, _place_of(error.__traceback__))


def is_own(place: str) -> bool:
    """Return whether a place is in nescord itself."""
    return place.startswith(_OWN)


@lru_cache(1024)
def within(place: str) -> str:
    """Return a place without the project's directory, in which the process runs; "" for one of a library."""
    if place.startswith(_LIBRARIES) or ":" not in place:
        return ""
    file, _, line = place.rpartition(":")
    try:
        return f"{Path(file).relative_to(Path.cwd())}:{line}"
    except ValueError:
        return place


def _place_of(trace: TracebackType | None) -> str:
    """Return the innermost line of the bot's own code."""
    found = ""
    while trace is not None:
        found = within(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}") or found
        trace = trace.tb_next
    return found
