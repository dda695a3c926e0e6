"""The `nescord` command: its subcommands, global options and error reporting."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from nescord_cli.lazy_commands import Subcommand, group_of, lazy_command
from nescord_cli.terminal import fail
from nescord_core._version import __version__
from nescord_core.errors import NescordError

__all__ = ["app", "main"]

DEBUG = "NESCORD_DEBUG"

_CONTROL = "nescord_cli.commands.control"
COMMANDS = {
    "init": Subcommand("nescord_cli.commands.init.command", "init", "Create a project from a template."),
    "dev": Subcommand("nescord_cli.commands.dev", "dev", "Run everything locally, with hot reload."),
    "demo": Subcommand("nescord_cli.commands.demo", "demo", "Try it out: no token, no network."),
    "run": Subcommand("nescord_cli.commands.run", "app", "Run services in the foreground."),
    "status": Subcommand("nescord_cli.commands.status", "status", "Show this project's services."),
    "reload": Subcommand(_CONTROL, "reload", "Reload the bot's code.", "RELOAD_EXAMPLES"),
    "restart": Subcommand(_CONTROL, "restart", "Restart one service.", "RESTART_EXAMPLES"),
    "logs": Subcommand(_CONTROL, "logs", "Print the services' logs.", "LOGS_EXAMPLES"),
    "log-level": Subcommand("nescord_cli.commands.log_level", "log_level", "Change what services log."),
    "stop": Subcommand(_CONTROL, "stop", "Stop all services in order.", "STOP_EXAMPLES"),
    "debug": Subcommand("nescord_cli.commands.debug", "debug", "Debug a worker at a breakpoint()."),
    "events": Subcommand(
        "nescord_cli.commands.events.app", "app", "Watch, record and replay the bot's events."
    ),
    "sandbox": Subcommand("nescord_cli.commands.sandbox", "app", "Reset or export the sandbox's world."),
    "generate": Subcommand(
        "nescord_cli.commands.generate", "generate", "Generate files for Docker, k8s, systemd..."
    ),
    "doctor": Subcommand("nescord_cli.commands.doctor", "doctor", "Show the configuration and check it."),
}
"""In the order of the help; each is imported when it is called."""

app = typer.Typer(
    name="nescord",
    cls=group_of(COMMANDS),
    help="Deploy, reload and scale a Discord bot without losing an event.",
    epilog="""Start with:

nescord demo

nescord init mybot && cd mybot && nescord dev""",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rendering it with rich takes twice as long as everything else
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nescord {__version__}")
        raise typer.Exit


@app.callback()
def nescord(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print tracebacks and debug logs.")] = False,
) -> None:
    """Deploy, reload and scale a Discord bot without losing an event."""
    if debug:
        os.environ[DEBUG] = "1"  # inherited by the services that a command starts


for _name, _subcommand in COMMANDS.items():
    app.command(_name, short_help=_subcommand.short_help)(lazy_command)


def main() -> None:
    """Run the command line; an expected error prints one paragraph and sets the exit code."""
    try:
        app(prog_name="nescord")
    except NescordError as error:
        fail(error, debug=_debugging())
    except (Exception, ExceptionGroup) as error:  # not expected: a bug in nescord, not in the bot
        if _debugging():
            raise
        fail(_unexpected(error), debug=False)


def _debugging() -> bool:
    return bool(os.environ.get(DEBUG))


def _unexpected(error: Exception) -> NescordError:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return NescordError(
        f"{type(error).__name__}: {error}.".replace("..", "."),
        hint="nescord did not expect this error; `nescord --debug ...` prints its traceback.",
    )
