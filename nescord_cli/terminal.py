"""Terminal output and options that the commands share: colours and error paragraphs."""

from __future__ import annotations

import os
import sys
import textwrap
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from nescord_core.errors import ConfigError, NescordError

__all__ = ["ProjectOption", "fail", "is_terminal", "paint"]


def _existing(project: Path | None) -> Path | None:
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


def is_terminal() -> bool:
    """Return whether stdout is a terminal that takes escape codes (TERM=dumb does not)."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str) -> str:
    """Return the text in colour on a terminal, unchanged elsewhere."""
    if not colour or os.environ.get("NO_COLOR") or not is_terminal():
        return text
    return typer.style(text, fg=colour)


def fail(error: NescordError, *, debug: bool) -> NoReturn:
    """Print an error as one paragraph and exit with its code."""
    if debug:
        traceback.print_exception(error)
    if error.details:
        print(error.details.rstrip(), file=sys.stderr)
    width = min(os.get_terminal_size().columns if sys.stderr.isatty() else 100, 100)
    paragraph = textwrap.fill(f"Error: {error}", width, break_long_words=False, break_on_hyphens=False)
    print(paragraph, file=sys.stderr)
    sys.exit(error.exit_code)
