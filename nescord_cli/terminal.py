"""Terminal output and options that the commands share: colours and error paragraphs."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from nescord_core.errors import ConfigError, NescordError

__all__ = [
    "ProjectOption",
    "VerboseOption",
    "fail",
    "is_terminal",
    "is_verbose",
    "process_start",
    "takes_colour",
    "use_project",
]

WITHOUT_PROJECT = frozenset({"init", "demo", "help"})

_project_before: list[Path] = []
"""The project that was named before the command."""


def use_project(project: Path, command: str) -> None:
    """Use a project for the command that follows, which may name one itself."""
    if command in WITHOUT_PROJECT:
        raise ConfigError(
            f"`nescord {command}` does not run in a project.", where=f"-C {project}", hint="Leave -C out."
        )
    _project_before[:] = [project]


def _existing(project: Path | None) -> Path | None:
    if project is None and _project_before:
        project = _project_before[0]
    if project is not None and not project.is_dir():
        raise ConfigError(
            "there is no such directory.", where=f"--project {project}", hint="Create one: nescord init mybot"
        )
    return project


ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        "-C",
        help="Project directory (default: nearest with nescord.toml).",
        show_default=False,
        callback=_existing,
    ),
]

VerboseOption = Annotated[
    bool | None,
    typer.Option(
        "--verbose/--quiet",
        "-v/-q",
        help="Show every line, or only the bot's lines and problems (default in a terminal).",
        show_default=False,
    ),
]


def is_verbose(wanted: bool | None) -> bool | None:
    """Return whether to show every line: as wanted, else with --debug; None leaves it to the terminal."""
    return True if wanted is None and os.environ.get("NESCORD_DEBUG") else wanted


def process_start() -> float:
    """Return when this process was started, in epoch seconds."""
    import psutil  # the supervisor needs it as well

    return psutil.Process().create_time()


def is_terminal() -> bool:
    """Return whether stdout is a terminal that takes escape codes (TERM=dumb does not)."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def takes_colour() -> bool:
    """Return whether stdout is a terminal that shows colours."""
    return is_terminal() and not os.environ.get("NO_COLOR")


def fail(error: NescordError, *, debug: bool) -> NoReturn:
    """Print an error as one paragraph and exit with its code."""
    if debug:
        traceback.print_exception(error)
    from nescord_core.terminal.detection import look_of
    from nescord_core.terminal.paragraphs import error_lines

    if error.details:
        print(error.details.rstrip(), file=sys.stderr)
    print("\n".join(error_lines(str(error), look_of(sys.stderr))), file=sys.stderr)
    sys.exit(error.exit_code)
