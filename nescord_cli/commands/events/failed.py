"""`nescord events failed`, and replaying those events."""

from __future__ import annotations

import json as json_format
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from nescord_cli.terminal import ProjectOption

__all__ = ["FAILED_EXAMPLES", "failed", "replay_failed"]

FAILED_EXAMPLES = """Examples:

nescord events failed

nescord events failed --traceback 0-a1b2c3-42"""


def _state_dir(project: Path | None) -> Path:
    from nescord_core import config

    directory: Path = config.load(project).state_dir
    return directory


def failed(
    event: Annotated[str | None, typer.Argument(help="Only this event (its id).", show_default=False)] = None,
    project: ProjectOption = None,
    traceback: Annotated[bool, typer.Option("--traceback", help="Include the tracebacks.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines, with the events' data.")] = False,
) -> None:
    """List events whose handlers raised, or that were set aside because processes died handling them."""
    from nescord_core.services.recording import failed_events as service

    found = [each for each in service.collect(_state_dir(project)) if event in (None, each.last.id)]
    if not found and not json:
        typer.echo("No failed events." if event is None else f"No failed event has the id {event}.")
    for each in found:
        if json:
            typer.echo(json_format.dumps(_fields(each)))
            continue
        typer.echo(_line(each))
        if traceback and each.last.traceback:
            typer.echo("    " + each.last.traceback.rstrip().replace("\n", "\n    "))


def _line(failure: Any) -> str:
    last = failure.last
    when = datetime.fromtimestamp(last.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    where = f" in {last.handler}" if last.handler else ""
    again = f", {failure.times} times" if failure.times > 1 else ""
    since = ", since replayed successfully" if failure.resolved else ""
    guild = f" guild {last.guild_id}" if last.guild_id else ""
    return f"{when}  {last.id}  {last.type}{guild}  {last.kind}{where}: {last.error}{again}{since}"


def _fields(failure: Any) -> dict[str, Any]:
    last = failure.last
    names = last.__struct_fields__
    return {name: getattr(last, name) for name in names} | {
        "times": failure.times,
        "mended": failure.resolved,
    }


def replay_failed(state_dir: Path, events: list[str] | None, *, timeout: float) -> None:
    """Replay failed events (None: all not yet replayed successfully) and print each outcome.

    Exits with 1 if an event fails again or main is not running.
    """
    from nescord_core.services.recording import failed_events as service

    result = service.replay(state_dir, events, timeout=timeout)
    outcomes = {
        "handled": result.handled,
        "failed again": result.failed,
        "still running": result.running,
        "not picked up: is main running? (nescord status)": result.untaken,
    }
    for outcome, ids in outcomes.items():
        for name in ids:
            typer.echo(f"{name}  {outcome}")
    if not any(outcomes.values()):
        typer.echo("Nothing to replay.")
    if result.failed or result.untaken:
        raise typer.Exit(1)
