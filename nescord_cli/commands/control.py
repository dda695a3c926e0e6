"""`nescord reload`, `restart`, `logs` and `stop`: control running services from a second terminal."""

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


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    import asyncio  # not at the top: it would cost `nescord --help` a fifth of its time

    return asyncio.run(work)


def _state_dir(project: Path | None) -> Path:
    from nescord_core import config

    directory: Path = config.load(project).state_dir
    return directory


def _directory(project: Path | None) -> str:
    """Return the project's directory without links; empty if it was neither named nor found."""
    from nescord_core import config

    directory: Path = config.load(project).project
    is_known = project is not None or (directory / config.FILE).is_file()
    return str(directory.resolve()) if is_known else ""


def reload(
    project: ProjectOption = None,
    ws: Annotated[bool, typer.Option("--ws", help="Replace the ws processes, one by one.")] = False,
) -> None:
    """Reload the bot's code; the old process serves until the new one is ready.

    With --ws, replace the gateway processes instead; they resume their sessions.
    """
    from nescord_core.services.control import control_socket as control

    state_dir, directory = _state_dir(project), _directory(project)
    if ws:
        report = _run(control.reload(state_dir, name=control.WS, timeout=control.WS_TIMEOUT))
    else:
        report = _run(control.reload(state_dir, project=directory))
    typer.echo(report.get("message") or json_format.dumps(report))


def logs(
    service: Annotated[
        str | None,
        typer.Argument(help="Only this service.", show_default=False, autocompletion=completion.services),
    ] = None,
    project: ProjectOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Number of past lines to print.")] = 100,
) -> None:
    """Print the logs of the services, even after they have stopped."""
    from nescord_core.services.control import control_socket as control

    async def print_lines() -> None:
        async for line in control.logs(_state_dir(project), service, lines=lines, follow=follow):
            typer.echo(f"{line['service']:<8} {line['text']}")

    try:
        _run(print_lines())
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def restart(
    service: Annotated[
        str, typer.Argument(help="sandbox, rest, main or ws.", autocompletion=completion.services)
    ],
    project: ProjectOption = None,
) -> None:
    """Restart one service that `nescord dev` or `nescord run all` runs."""
    from nescord_core.services.control import control_socket as control

    _run(control.restart(_state_dir(project), service, project=_directory(project)))
    typer.echo(f"Restarting {service}.")


def stop(project: ProjectOption = None) -> None:
    """Stop all services of this project, in order."""
    from nescord_core.services.control import control_socket as control

    _run(control.stop(_state_dir(project)))
    typer.echo("Stopped.")
