"""`nescord reload`, `restart`, `logs` and `stop`: control running services from another terminal."""

from __future__ import annotations

import json as json_format
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from nescord_cli import completion
from nescord_cli.terminal import ProjectOption

__all__ = ["logs", "reload", "restart", "stop"]

Result = TypeVar("Result")

RELOAD_EXAMPLES = "Examples:  nescord reload    nescord reload --ws"
LOGS_EXAMPLES = """Examples:

nescord logs -f

nescord logs main --lines 20"""
RESTART_EXAMPLES = "Example:  nescord restart rest"
STOP_EXAMPLES = "Example:  nescord stop"


def _finish(work: Coroutine[Any, Any, Result]) -> Result:
    import asyncio  # not at the top: it would cost `nescord --help` a fifth of its time

    return asyncio.run(work)


def _state_dir(project: Path | None) -> Path:
    from nescord_core import config

    directory: Path = config.load(project).state_dir
    return directory


def reload(
    project: ProjectOption = None,
    ws: Annotated[bool, typer.Option("--ws", help="Replace ws's processes, one by one.")] = False,
) -> None:
    """Load the bot's code anew; the old process serves until the new one is ready.

    With --ws, the gateway's processes are replaced instead; their sessions are resumed.
    """
    from nescord_core.services.control import control_socket as control

    state_dir = _state_dir(project)
    if ws:
        report = _finish(control.reload(state_dir, name=control.WS, timeout=control.WS_TIMEOUT))
    else:
        report = _finish(control.reload(state_dir))
    typer.echo(report.get("message") or json_format.dumps(report))


def logs(
    service: Annotated[
        str | None,
        typer.Argument(help="Only this service.", show_default=False, autocompletion=completion.services),
    ] = None,
    project: ProjectOption = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines as they come.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many to begin with.")] = 100,
) -> None:
    """Print the log lines of what `nescord dev` runs."""
    from nescord_core.services.control import control_socket as control

    async def pour() -> None:
        async for line in control.logs(_state_dir(project), service, lines=lines, follow=follow):
            typer.echo(f"{line['service']:<8} {line['text']}")

    try:
        _finish(pour())
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def restart(
    service: Annotated[
        str, typer.Argument(help="sandbox, rest, main or ws.", autocompletion=completion.services)
    ],
    project: ProjectOption = None,
) -> None:
    """Stop one service that `nescord dev` runs, and start it anew."""
    from nescord_core.services.control import control_socket as control

    _finish(control.restart(_state_dir(project), service))
    typer.echo(f"{service} restarts.")


def stop(project: ProjectOption = None) -> None:
    """Stop everything that `nescord dev` runs here, in order."""
    from nescord_core.services.control import control_socket as control

    _finish(control.stop(_state_dir(project)))
    typer.echo("Stopping.")
