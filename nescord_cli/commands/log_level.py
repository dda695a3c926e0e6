"""`nescord log-level`: change how much running services log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from nescord_cli import completion
from nescord_cli.terminal import ProjectOption

__all__ = ["EXAMPLES", "log_level"]

EXAMPLES = """Examples:

nescord log-level ws debug --for 600

nescord log-level main info --logger discord

nescord log-level ws --reset"""


def log_level(
    service: Annotated[
        str | None,
        typer.Argument(
            help="sandbox, rest, main or ws.", show_default=False, autocompletion=completion.services
        ),
    ] = None,
    level: Annotated[
        str | None,
        typer.Argument(
            help="debug, info, warning or error.", show_default=False, autocompletion=completion.levels
        ),
    ] = None,
    project: ProjectOption = None,
    logger: Annotated[
        str, typer.Option(help="Only this logger and those below it.", show_default=False)
    ] = "",
    seconds: Annotated[
        float | None, typer.Option("--for", help="Reset after so many seconds.", min=1, show_default=False)
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Log as configured again.")] = False,
) -> None:
    """Change the log level of a running service, or show what is changed.

    It takes effect within a second in all processes of the service, and lasts over restarts until reset.
    """
    from nescord_core import config
    from nescord_core.services.control import log_levels

    state_dir: Path = config.load(project).state_dir
    if service is not None:
        log_levels.change(state_dir, service, level, logger=logger, seconds=seconds, reset=reset)
    for line in log_levels.described(state_dir, time.time()) or ["All services log as configured."]:
        typer.echo(line)
