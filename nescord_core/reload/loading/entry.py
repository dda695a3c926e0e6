"""Imports the bot's entry point; an import error is reported at its line in the project."""

from __future__ import annotations

import importlib
import linecache
import traceback
from pathlib import Path
from typing import Any

from nescord_core.errors import ConfigError, EntryError, NescordError
from nescord_core.reload.loading import source_loader
from nescord_core.reload.loading.own_code import is_own
from nescord_core.reload.swapping.failure import Blame, Failure

__all__ = ["blame_of", "failure_of", "load"]

IMPORT_SYSTEM = ("<frozen importlib", importlib.__file__, source_loader.__file__)
AROUND = 2
"""Lines shown above and below the failing line."""


def load(entry: str, project: Path) -> Any | Failure:
    """Import ``module:attribute`` and return the attribute, or a Failure that says what to fix.

    Any exception of the bot's code at import becomes a Failure, SystemExit included.
    """
    module_name, _, attribute = entry.partition(":")
    if not module_name or not attribute:
        return Failure(f"main.entry is {entry!r}; it must be module:attribute, such as bot_main.app:listener")
    try:
        found: Any = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            return failure_of(error, project)
        return Failure(
            f"there is no module {error.name!r} in {project} (main.entry is {entry});"
            " set main.entry (NESCORD_ENTRY) to module:attribute of your listener"
        )
    except BaseException as error:  # import runs the bot's code, which may raise anything
        return failure_of(error, project)
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            file = str(getattr(importlib.import_module(module_name), "__file__", "") or module_name)
            return Failure(
                f"there is no {attribute!r} in {module_name} (main.entry is {entry})", _shown(file, project)
            )
    return found


def failure_of(error: BaseException, project: Path) -> Failure:
    """Describe an error by the line of the project's own code that raised or passed it."""
    origin = _origin(error, project)
    file, line = _location(origin, project)
    blame = blame_of(origin)
    excerpt = _excerpt(file, line, _span(origin, file, line))
    if isinstance(error, NescordError):
        # It names the location itself, and nescord's own frames do not help.
        message = str(error).removeprefix(f"{file}:{line}: ")
        return Failure(message, _shown(file, project), line, excerpt, blame=blame)
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SyntaxError):
        message = f"{type(error).__name__}: {error.msg}"
    return Failure(
        message=message,
        file=_shown(file, project),
        line=line,
        excerpt=excerpt,
        traceback=_short_traceback(origin, project),
        blame=blame,
    )


def blame_of(error: BaseException) -> Blame:
    """Return what an error lies in: Python's own errors mostly in the code, others may pass.

    OSError covers connections and files; a library's own errors cover its servers.
    """
    if isinstance(error, ConfigError | EntryError):
        return Blame.CODE
    if isinstance(error, OSError | MemoryError):
        return Blame.SURROUNDINGS
    general = (Exception, BaseException, object)
    kinds = (kind for kind in type(error).__mro__ if kind not in general)
    in_code = any(kind.__module__ == "builtins" for kind in kinds) or type(error) in general
    return Blame.CODE if in_code else Blame.SURROUNDINGS


def _origin(error: BaseException, project: Path) -> BaseException:
    """Return the innermost cause that the project's own code raised; a library may have wrapped it.

    discord.py raises ExtensionFailed from the error of a cog.
    """
    origin, cause = error, error.__cause__
    while cause is not None:
        if _location(cause, project)[0]:
            origin = cause
        cause = cause.__cause__
    return origin


def _location(error: BaseException, project: Path) -> tuple[str, int]:
    """Return the innermost line of the project's own code: the one that its author can fix."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_own(frame.filename, project)]
    return (own[-1].filename, own[-1].lineno or 0) if own else ("", 0)


def _shown(file: str, project: Path) -> str:
    path = Path(file)
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else file


def _excerpt(file: str, line: int, span: tuple[int, int] | None = None) -> str:
    """Return the lines around a failing one; carets mark its columns ``span`` (from 0, the end excluded)."""
    if not file or not line:
        return ""
    linecache.checkcache(file)
    rows = []
    for number in range(max(1, line - AROUND), line + AROUND + 1):
        if not (text := linecache.getline(file, number)):
            continue
        rows.append(f"{'>' if number == line else ' '} {number:4} | {text.rstrip()}")
        if number == line and span is not None and (carets := _carets(text.rstrip(), *span)):
            rows.append(f"{'':6} | {carets}")
    return "\n".join(rows)


def _carets(text: str, start: int, end: int) -> str:
    """Return carets below the columns; none where they would mark the whole line, which is marked already."""
    first = len(text) - len(text.lstrip())
    start, end = max(start, first), min(max(end, start + 1), len(text) + 1)
    if start <= first and end >= len(text):
        return ""
    before = "".join(character if character == "\t" else " " for character in text[:start])
    return before.ljust(start) + "^" * (end - start)


def _span(error: BaseException, file: str, line: int) -> tuple[int, int] | None:
    """Return the columns that Python blames on the failing line."""
    if isinstance(error, SyntaxError):
        if not error.offset:
            return None
        is_one_line = error.end_lineno in (None, error.lineno)
        end = (error.end_offset or 0) if is_one_line else 0
        return error.offset - 1, end - 1
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if (frame.filename, frame.lineno) == (file, line) and frame.colno is not None:
            is_one_line = frame.end_lineno in (None, line)
            end_column = frame.end_colno if is_one_line else None
            row = linecache.getline(file, line).rstrip("\n").encode()  # columns are counted in bytes
            start = len(row[: frame.colno].decode(errors="replace"))
            return start, len(row[:end_column].decode(errors="replace"))
    return None


def _short_traceback(error: BaseException, project: Path) -> str:
    """Return the traceback from the project's first frame on, without frames of the import system.

    A syntax error or an error with a single frame needs none: the excerpt shows its line.
    """
    if isinstance(error, SyntaxError):
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    own = [at for at, frame in enumerate(frames) if is_own(frame.filename, project)]
    relevant = [
        frame for frame in frames[own[0] if own else 0 :] if not frame.filename.startswith(IMPORT_SYSTEM)
    ]
    if len(relevant) == 1 and own and not (error.__cause__ or error.__context__):
        return ""
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(relevant)]
    return "".join([*lines, *traceback.format_exception_only(error)]).rstrip()
