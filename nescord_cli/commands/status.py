"""`nescord status`: the running services of a project, as a table or JSON."""

from __future__ import annotations

import json as json_format
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from nescord_cli.terminal import ProjectOption
from nescord_core.plurals import counted

__all__ = ["status"]

COLUMNS: Mapping[str, tuple[str, str, Literal["left", "right"]]] = {
    "service": ("service", "{}", "left"),
    "state": ("state", "{}", "left"),
    "pid": ("pid", "{}", "right"),
    "address": ("address", "{}", "left"),
    "uptime": ("uptime_s", "{:.0f} s", "right"),
    "restarts": ("restarts", "{}", "right"),
    "cpu": ("cpu_percent", "{:.0f} %", "right"),
    "memory": ("memory_mb", "{:.0f} MB", "right"),
}
"""The table's columns: field, format, alignment."""

EXAMPLES = """Examples:

nescord status

nescord status --json --wait"""


def status(
    project: ProjectOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, keyed by service.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every service is ready.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait with --wait.")] = 60.0,
) -> None:
    """Show this project's services: state, process, address, uptime, restarts, CPU and memory.

    Exits with 1 if a service is not ready, or none is running.
    """
    import asyncio  # not at the top: it would cost `nescord --help` a fifth of its time

    from nescord_core import config
    from nescord_core.services.control.status import collect

    found = asyncio.run(collect(config.load(project).state_dir, wait=timeout if wait else 0.0))
    if json:
        typer.echo(json_format.dumps(found, indent=2))
    elif not found:
        typer.echo("Nothing is running here. Start it with: nescord dev")
    else:
        _table(found)
    if not found or any(entry["state"] != "ready" for entry in found.values()):
        raise typer.Exit(1)


def _table(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title, (_, _, justify) in COLUMNS.items():
        table.add_column(title, justify=justify)
    for name, entry in found.items():
        fields = {"service": name, **entry}
        cells = (
            "-" if fields.get(field) is None else form.format(fields[field])
            for field, form, _ in COLUMNS.values()
        )
        table.add_row(*cells)
    Console().print(table)
    gateway = found.get("ws", {})
    if gateway.get("shards"):
        shards = counted(gateway["shards"], "shard")
        left = gateway["identifies_left_today"]
        identifies = f", {counted(left, 'IDENTIFY')} left today" if left is not None else ""
        typer.echo(f"\n{gateway['shards_connected']} of {shards} connected{identifies}")
