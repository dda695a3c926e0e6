"""`nescord help`: the help of a command."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["EXAMPLES", "help_"]

EXAMPLES = """Examples:

nescord help dev

nescord help events tail"""


def help_(
    command: Annotated[
        list[str] | None, typer.Argument(help="The command (default: all).", show_default=False)
    ] = None,
) -> None:
    """Show the help of a command, as its --help does."""
    from nescord_cli.app import app

    app(args=[*(command or ()), "--help"], prog_name="nescord")
