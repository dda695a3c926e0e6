"""The `nescord` command: its subcommands, global options and error reporting."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from nescord_cli.lazy_commands import Subcommand, group_of, lazy_command
from nescord_cli.terminal import fail, use_project
from nescord_core._version import __version__
from nescord_core.errors import NescordError

__all__ = ["app", "main"]

DEBUG = "NESCORD_DEBUG"

_CONTROL = "nescord_cli.commands.control"
_DEVELOP, _INSPECT, _PRODUCTION = "Develop", "Inspect", "Production"
COMMANDS = {
    "init": Subcommand(
        "nescord_cli.commands.init.command", "init", "Create a project from a template.", _DEVELOP
    ),
    "dev": Subcommand(
        "nescord_cli.commands.dev", "dev", "Run everything locally, with hot reload.", _DEVELOP
    ),
    "demo": Subcommand("nescord_cli.commands.demo", "demo", "Try it out: no token, no network.", _DEVELOP),
    "reload": Subcommand(_CONTROL, "reload", "Reload the bot's code.", _DEVELOP, "RELOAD_EXAMPLES"),
    "restart": Subcommand(_CONTROL, "restart", "Restart one service.", _DEVELOP, "RESTART_EXAMPLES"),
    "stop": Subcommand(_CONTROL, "stop", "Stop all services in order.", _DEVELOP, "STOP_EXAMPLES"),
    "sandbox": Subcommand(
        "nescord_cli.commands.sandbox", "app", "Reset or export the sandbox's world.", _DEVELOP
    ),
    "debug": Subcommand("nescord_cli.commands.debug", "debug", "Debug a worker at a breakpoint().", _DEVELOP),
    "status": Subcommand("nescord_cli.commands.status", "status", "Show this project's services.", _INSPECT),
    "logs": Subcommand(_CONTROL, "logs", "Print the services' logs.", _INSPECT, "LOGS_EXAMPLES"),
    "log-level": Subcommand(
        "nescord_cli.commands.log_level", "log_level", "Change what services log.", _INSPECT
    ),
    "events": Subcommand(
        "nescord_cli.commands.events.app", "app", "Watch, record and replay the bot's events.", _INSPECT
    ),
    "doctor": Subcommand(
        "nescord_cli.commands.doctor", "doctor", "Check the configuration and show it.", _INSPECT
    ),
    "invite": Subcommand(
        "nescord_cli.commands.invite", "invite", "Print the link that adds the bot.", _PRODUCTION
    ),
    "run": Subcommand("nescord_cli.commands.run", "app", "Run services in the foreground.", _PRODUCTION),
    "generate": Subcommand(
        "nescord_cli.commands.generate", "generate", "Generate files for Docker, k8s, systemd...", _PRODUCTION
    ),
    "help": Subcommand("nescord_cli.commands.help", "help_", "Show the help of a command."),
}
"""In the order of the help, with their sections; each is imported when it is called."""

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
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print tracebacks and debug logs.")] = False,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", "-C", help="Project directory; also after the command.", show_default=False
        ),
    ] = None,
) -> None:
    """Deploy, reload and scale a Discord bot without losing an event."""
    if project is not None:
        use_project(project, ctx.invoked_subcommand or "")
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
