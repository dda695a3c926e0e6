"""`nescord events failed`, and sending those events again."""

from __future__ import annotations

import json as json_format
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from nescord_cli.terminal import ProjectOption

__all__ = ["FAILED_EXAMPLES", "failed", "send_again"]

FAILED_EXAMPLES = """Examples:

nescord events failed

nescord events failed --traceback 0-a1b2c3-42"""


def _state_dir(project: Path | None) -> Path:
    from nescord_core import config

    directory: Path = config.load(project).state_dir
    return directory


def failed(
    event: Annotated[str | None, typer.Argument(help="Only this one.", show_default=False)] = None,
    project: ProjectOption = None,
    traceback: Annotated[bool, typer.Option("--traceback", help="With where it failed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, the event included.")] = False,
) -> None:
    """Show the events whose handlers raised, or that were set aside because processes died with them."""
    from nescord_core.services.recording import failed_events as service

    found = [each for each in service.collect(_state_dir(project)) if event in (None, each.last.id)]
    if not found and not json:
        typer.echo("No event has failed." if event is None else f"No failed event is called {event}.")
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
    since = ", handled well since" if failure.mended else ""
    guild = f" guild {last.guild_id}" if last.guild_id else ""
    return f"{when}  {last.id}  {last.type}{guild}  {last.kind}{where}: {last.error}{again}{since}"


def _fields(failure: Any) -> dict[str, Any]:
    last = failure.last
    names = last.__struct_fields__
    return {name: getattr(last, name) for name in names} | {"times": failure.times, "mended": failure.mended}


def send_again(state_dir: Path, events: list[str] | None, *, timeout: float) -> None:
    """Have main handle failed events again (None: all that did not go well since) and say how it went.

    Leaves with 1 when one failed again, or main does not run.
    """
    from nescord_core.services.recording import failed_events as service

    result = service.replay(state_dir, events, timeout=timeout)
    said = {
        "handled": result.handled,
        "failed again": result.failed,
        "still being handled": result.running,
        "not taken: does main run (nescord status)?": result.untaken,
    }
    for what, ids in said.items():
        for name in ids:
            typer.echo(f"{name}  {what}")
    if not any(said.values()):
        typer.echo("Nothing to send again.")
    if result.failed or result.untaken:
        raise typer.Exit(1)
