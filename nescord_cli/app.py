"""The `nescord` command: it knows its subcommands and how to end, nothing else."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from nescord_cli import control, demo, dev, doctor, events, init, run
from nescord_cli.terminal import fail
from nescord_core._version import __version__
from nescord_core.errors import NescordError

__all__ = ["app", "main"]

DEBUG = "NESCORD_DEBUG"

app = typer.Typer(
    name="nescord",
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


app.command("init", short_help="Make a new project from a template.", epilog=init.EXAMPLES)(init.init)
app.add_typer(run.app, name="run", short_help="Run one service in the foreground.")
app.add_typer(events.app, name="events")
app.command("dev", short_help="Run everything here, with hot reload.", epilog=dev.EXAMPLES)(dev.dev)
app.command("demo", short_help="See it work: no token, no network.", epilog=demo.EXAMPLES)(demo.demo)
app.command("status", short_help="Show the services of this project.", epilog=control.STATUS_EXAMPLES)(
    control.status
)
app.command("reload", short_help="Load the bot's code anew.", epilog=control.RELOAD_EXAMPLES)(control.reload)
app.command("restart", short_help="Stop one service and start it anew.", epilog=control.RESTART_EXAMPLES)(
    control.restart
)
app.command("logs", short_help="Print the services' log lines.", epilog=control.LOGS_EXAMPLES)(control.logs)
app.command("stop", short_help="Stop everything, in order.", epilog=control.STOP_EXAMPLES)(control.stop)
app.command("doctor", short_help="Show the configuration and check it.", epilog=doctor.EXAMPLES)(
    doctor.doctor
)


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
