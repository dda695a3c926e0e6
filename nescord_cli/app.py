"""The `nescord` command: it knows its subcommands and how to end, nothing else."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from nescord_cli.lazy import Subcommand, group_of, lazy_command
from nescord_cli.terminal import fail
from nescord_core._version import __version__
from nescord_core.errors import NescordError

__all__ = ["app", "main"]

DEBUG = "NESCORD_DEBUG"

_CONTROL = "nescord_cli.commands.control"
COMMANDS = {
    "init": Subcommand("nescord_cli.commands.init.command", "init", "Make a new project from a template."),
    "dev": Subcommand("nescord_cli.commands.dev", "dev", "Run everything here, with hot reload."),
    "demo": Subcommand("nescord_cli.commands.demo", "demo", "See it work: no token, no network."),
    "run": Subcommand("nescord_cli.commands.run", "app", "Run services in the foreground."),
    "status": Subcommand("nescord_cli.commands.status", "status", "Show the services of this project."),
    "reload": Subcommand(_CONTROL, "reload", "Load the bot's code anew.", "RELOAD_EXAMPLES"),
    "restart": Subcommand(_CONTROL, "restart", "Stop one service and start it anew.", "RESTART_EXAMPLES"),
    "logs": Subcommand(_CONTROL, "logs", "Print the services' log lines.", "LOGS_EXAMPLES"),
    "stop": Subcommand(_CONTROL, "stop", "Stop everything, in order.", "STOP_EXAMPLES"),
    "events": Subcommand(
        "nescord_cli.commands.events.app", "app", "See, record and replay the bot's events."
    ),
    "generate": Subcommand(
        "nescord_cli.commands.generate", "generate", "Make files for Docker, k8s, systemd..."
    ),
    "doctor": Subcommand("nescord_cli.commands.doctor", "doctor", "Show the configuration and check it."),
}
"""Imported when they are called, in the order of the help."""

app = typer.Typer(
    name="nescord",
    cls=group_of(COMMANDS),
    help="Deploy, reload and scale a Discord bot without losing an event.",
    epilog="Start with:  nescord demo    or:  nescord init mybot && cd mybot && nescord dev",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rendering it with rich takes twice as long as all the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nescord {__version__}")
        raise typer.Exit


@app.callback()
def nescord(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and debug logs.")] = False,
) -> None:
    """Deploy, reload and scale a Discord bot without losing an event."""
    if debug:
        os.environ[DEBUG] = "1"  # the services that a command starts show theirs as well


for _name, _subcommand in COMMANDS.items():
    app.command(_name, short_help=_subcommand.short_help)(lazy_command)


def main() -> None:
    """Run the command line; every expected failure ends as one paragraph and an exit code."""
    try:
        app(prog_name="nescord")
    except NescordError as error:
        fail(error, debug=_debugging())
    except (Exception, ExceptionGroup) as error:  # what nobody foresaw is a defect of ours, not theirs
        if _debugging():
            raise
        fail(_unforeseen(error), debug=False)


def _debugging() -> bool:
    return bool(os.environ.get(DEBUG))


def _unforeseen(error: Exception) -> NescordError:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return NescordError(
        f"{type(error).__name__}: {error}.".replace("..", "."),
        hint="nescord did not expect this; `nescord --debug ...` shows where it comes from.",
    )
